// What a fault handler needs of the machine state in a ucontext. Implemented per processor.
#pragma once

#include <cstdint>

#include "platform/guard_frame.h"

namespace native_mem {

struct MachineState {
  std::uintptr_t pc;
  std::uintptr_t sp;
  bool fetch_fault;  // the fault came from fetching the instruction at pc
};

MachineState ReadMachineState(int signal, const void* fault_address, const void* context);
// Undoes what the interrupted code did to the processor and the kernel leaves to handlers. Call it first.
void NormaliseProcessorState();
// After a breakpoint the pc points behind the instruction; gives the address of the instruction.
std::uintptr_t BreakpointAddress(std::uintptr_t pc);
// Makes the thread go on at the landing pad of `frame` when the handler returns.
void ResumeAtLanding(void* context, GuardFrame* frame);

// A memcpy(to, from, count) in code whose faults count as ours; null where guarded calls aren't supported.
const void* GuardedCopyTarget();

extern "C" {
int native_mem_guarded_call(GuardFrame* frame);
void native_mem_guard_landing();
void native_mem_guard_return();  // where the called code returns to
}

}  // namespace native_mem
