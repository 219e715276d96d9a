// Signal handlers for SEGV, BUS, FPE, ILL and TRAP. A fault is ours if, and only if, a guarded call is active on this
// thread and the pc lies in our code (or our code just jumped into nowhere). Everything else goes to the handler that
// was there before, so that V8's WebAssembly traps work on and a real crash stays a crash.
#include "platform/fault_handlers.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "call/thread_state.h"
#include "memory/address_ranges.h"
#include "memory/errors.h"
#include "platform/lazy_entry.h"
#include "platform/trap_context.h"

namespace native_mem {

extern "C" {
void native_mem_guarded_copy();
void native_mem_guarded_copy_end();
}

namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
constexpr std::uintptr_t kStackSlack = 256ull * 1024;       // how near the end of the stack an overflow shows
constexpr std::uintptr_t kLargestFrame = 16ull * 1024 * 1024;  // how far past it one frame may reach

struct sigaction g_previous[NSIG];
std::uintptr_t g_page_size = 4096;

// A jump or call that could not be fetched, or that a lazy entry could not make: the return address tells who called.
std::uintptr_t CallerOf(const ThreadState& thread, const GuardFrame& frame, const MachineState& state) {
  if (state.sp < thread.stack_low || state.sp > thread.stack_high - sizeof(std::uintptr_t) || state.sp % 8 != 0) return 0;
  return CallerByReturnAddress(frame, *reinterpret_cast<const std::uintptr_t*>(state.sp));
}

// The instruction of ours that `pc` is or was called from; 0 when the fault isn't ours.
std::uintptr_t GuiltyInstruction(const ThreadState& thread, const GuardFrame& frame, const MachineState& state,
                                 std::uintptr_t pc) {
  if (CodeRanges().Find(pc) != nullptr) return pc;
  if (IsLazyFault(pc)) {
    const std::uintptr_t caller = CallerOf(thread, frame, state);
    return caller != 0 ? caller : reinterpret_cast<std::uintptr_t>(frame.target);
  }
  return state.fetch_fault ? CallerOf(thread, frame, state) : 0;
}

bool ResumeGuarded(int signal, siginfo_t* info, void* context) {
  ThreadState* thread = ThisThreadState();
  if (thread == nullptr) return false;
  GuardFrame* frame = thread->top.load(std::memory_order_relaxed);
  if (frame == nullptr || info->si_code <= 0) return false;  // <= 0: sent by kill(2), not a fault
  const MachineState state = ReadMachineState(signal, info->si_addr, context);
  const std::uintptr_t pc =
      GuiltyInstruction(*thread, *frame, state, signal == SIGTRAP ? BreakpointAddress(state.pc) : state.pc);
  if (pc == 0) return false;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  frame->fault.signal = signal;
  frame->fault.code = info->si_code;
  frame->fault.pc = pc;
  frame->fault.address = address;
  frame->fault.stack_overflow = signal == SIGSEGV && IsStackOverflow(*thread, state.sp, address);
  ResumeAtLanding(context, frame);
  return true;
}

// JavaScript reads a page of a mapping whose file has shrunk: give it zeros, and remember for the typed errors. Zeros up to
// the end of the mapping, since the pages behind are gone as well: page by page would be a fault for each, and holes between
// them would use up the mappings of the process.
bool PatchVanishedPage(int signal, siginfo_t* info) {
  if (signal != SIGBUS || info->si_code != BUS_ADRERR) return false;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  AddressRanges::Node* node = FileRanges().Find(address);
  if (node == nullptr) return false;
  const std::uintptr_t start = address & ~(g_page_size - 1);
  const std::uintptr_t end = node->end.load(std::memory_order_acquire);
  if (end <= start) return false;
  const int protection = PROT_READ | (node->writable.load(std::memory_order_relaxed) ? PROT_WRITE : 0);
  if (mmap(reinterpret_cast<void*>(start), end - start, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
           0) == MAP_FAILED) {
    return false;
  }
  std::atomic<bool>* lost = node->touched.load(std::memory_order_acquire);
  if (lost != nullptr) lost->store(true, std::memory_order_relaxed);
  return true;
}

void PassOn(int signal, siginfo_t* info, void* context) {
  const struct sigaction& previous = g_previous[signal];
  if ((previous.sa_flags & SA_SIGINFO) != 0 && previous.sa_sigaction != nullptr) {
    previous.sa_sigaction(signal, info, context);
    return;
  }
  const bool fault = info->si_code > 0;
  if (previous.sa_handler == SIG_IGN && !fault) return;
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
    return;
  }
  struct sigaction defaults {};
  defaults.sa_handler = SIG_DFL;
  sigaction(signal, &defaults, nullptr);
  // Returning runs the faulting instruction again, which now ends the process with the right report. A breakpoint
  // would not fault again, nor would a signal that was sent.
  if (!fault || signal == SIGTRAP) raise(signal);
}

void OnFault(int signal, siginfo_t* info, void* context) {
  NormaliseProcessorState();
  const int saved = errno;
  if (!ResumeGuarded(signal, info, context) && !PatchVanishedPage(signal, info)) PassOn(signal, info, context);
  errno = saved;
}

}  // namespace

bool GuardedCallsSupported() { return true; }

std::uintptr_t CallerByReturnAddress(const GuardFrame& frame, std::uintptr_t return_address) {
  if (return_address == reinterpret_cast<std::uintptr_t>(&native_mem_guard_return)) {
    return reinterpret_cast<std::uintptr_t>(frame.target);
  }
  return CodeRanges().Find(return_address) != nullptr ? return_address : 0;
}

bool IsStackOverflow(const ThreadState& thread, std::uintptr_t sp, std::uintptr_t address) {
  if (thread.stack_low == 0 || sp >= thread.stack_high) return false;
  const std::uintptr_t edge = thread.stack_low + kStackSlack;
  const std::uintptr_t far = thread.stack_low > kLargestFrame ? thread.stack_low - kLargestFrame : 0;
  return sp < edge && sp >= far && address < edge && address >= far;
}

bool NearStackEnd(const ThreadState& thread, std::uintptr_t sp) {
  return thread.stack_low != 0 && sp >= thread.stack_low && sp < thread.stack_low + kStackSlack;
}

const void* GuardedCopyTarget() { return reinterpret_cast<const void*>(&native_mem_guarded_copy); }

void InstallFaultHandlers() {
  static std::once_flag once;
  std::call_once(once, [] {
    g_page_size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    CodeRanges().Add(reinterpret_cast<std::uintptr_t>(&native_mem_guarded_copy),
                     reinterpret_cast<std::uintptr_t>(&native_mem_guarded_copy_end));
    FileRanges();
    for (const int signal : kSignals) {
      struct sigaction ours {};
      ours.sa_sigaction = OnFault;
      ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
      sigemptyset(&ours.sa_mask);
      if (sigaction(signal, nullptr, &g_previous[signal]) != 0 || sigaction(signal, &ours, nullptr) != 0) {
        FailErrno(errno, "sigaction", "The fault handlers can't be installed.");
      }
    }
  });
}

}  // namespace native_mem
