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

bool IsStackOverflow(const ThreadState& thread, const MachineState& state, std::uintptr_t address) {
  if (thread.stack_low == 0 || state.sp >= thread.stack_high) return false;
  const std::uintptr_t edge = thread.stack_low + kStackSlack;
  const std::uintptr_t far = thread.stack_low > kLargestFrame ? thread.stack_low - kLargestFrame : 0;
  return state.sp < edge && state.sp >= far && address < edge && address >= far;
}

// A jump or call to an address that can't be fetched: the return address on the stack tells who called. When that is
// the trampoline, the function that it called has jumped.
std::uintptr_t CallerOfNowhere(const ThreadState& thread, const GuardFrame& frame, const MachineState& state) {
  if (!state.fetch_fault) return 0;
  if (state.sp < thread.stack_low || state.sp > thread.stack_high - sizeof(std::uintptr_t) || state.sp % 8 != 0) return 0;
  const std::uintptr_t back = *reinterpret_cast<const std::uintptr_t*>(state.sp);
  if (back == reinterpret_cast<std::uintptr_t>(&native_mem_guard_return)) {
    return reinterpret_cast<std::uintptr_t>(frame.target);
  }
  return CodeRanges().Find(back) != nullptr ? back : 0;
}

bool ResumeGuarded(int signal, siginfo_t* info, void* context) {
  ThreadState* thread = ThisThreadState();
  if (thread == nullptr) return false;
  GuardFrame* frame = thread->top.load(std::memory_order_relaxed);
  if (frame == nullptr || info->si_code <= 0) return false;  // <= 0: sent by kill(2), not a fault
  const MachineState state = ReadMachineState(signal, info->si_addr, context);
  std::uintptr_t pc = signal == SIGTRAP ? BreakpointAddress(state.pc) : state.pc;
  if (CodeRanges().Find(pc) == nullptr) {
    pc = CallerOfNowhere(*thread, *frame, state);
    if (pc == 0) return false;
  }
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  frame->fault.signal = signal;
  frame->fault.code = info->si_code;
  frame->fault.pc = pc;
  frame->fault.address = address;
  frame->fault.stack_overflow = signal == SIGSEGV && IsStackOverflow(*thread, state, address);
  ResumeAtLanding(context, frame);
  return true;
}

// JavaScript reads a page of a mapping whose file has shrunk: give it zeros, and remember for the typed errors.
bool PatchVanishedPage(int signal, siginfo_t* info) {
  if (signal != SIGBUS || info->si_code != BUS_ADRERR) return false;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  AddressRanges::Node* node = FileRanges().Find(address);
  if (node == nullptr) return false;
  const int protection = PROT_READ | (node->writable.load(std::memory_order_relaxed) ? PROT_WRITE : 0);
  void* page = reinterpret_cast<void*>(address & ~(g_page_size - 1));
  if (mmap(page, g_page_size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) return false;
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
