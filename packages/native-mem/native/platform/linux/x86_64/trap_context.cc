// x86-64 registers in a Linux ucontext.
#include "platform/trap_context.h"

#include <signal.h>
#include <ucontext.h>

namespace native_mem {
namespace {

constexpr greg_t kPageFaultOnFetch = 0x10;  // error code of #PF, Intel SDM vol. 3, 4.7
constexpr greg_t kPageFaultVector = 14;
constexpr greg_t kFlagsToClear = 0x400 | 0x100 | 0x40000;  // direction, trap, alignment check

bool Canonical(std::uintptr_t address) { return address < (std::uintptr_t{1} << 47); }

}  // namespace

MachineState ReadMachineState(int signal, const void* fault_address, const void* context) {
  const auto* registers = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
  MachineState state{};
  state.pc = static_cast<std::uintptr_t>(registers[REG_RIP]);
  state.sp = static_cast<std::uintptr_t>(registers[REG_RSP]);
  if (signal == SIGSEGV || signal == SIGBUS) {
    const bool page_fault = registers[REG_TRAPNO] == kPageFaultVector;
    state.fetch_fault = (page_fault && ((registers[REG_ERR] & kPageFaultOnFetch) != 0 ||
                                        reinterpret_cast<std::uintptr_t>(fault_address) == state.pc)) ||
                        !Canonical(state.pc);
  }
  return state;
}

// Linux clears the direction and trap flags for a handler, but not the one that checks alignment.
void NormaliseProcessorState() {
  __asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"  // the red zone
                   "pushfq\n\tandq $~0x40000, (%%rsp)\n\tpopfq\n\t"
                   "leaq 128(%%rsp), %%rsp" ::: "cc", "memory");
}

std::uintptr_t BreakpointAddress(std::uintptr_t pc) { return pc - 1; }

void ResumeAtLanding(void* context, GuardFrame* frame) {
  auto* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  registers[REG_RIP] = static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(&native_mem_guard_landing));
  registers[REG_RDI] = static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(frame));
  registers[REG_RSP] = static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(frame->saved_sp));
  registers[REG_EFL] &= ~kFlagsToClear;
}

}  // namespace native_mem
