// See guarded_call.h.
#include "call/guarded_call.h"

#include <cstring>

#include "memory/errors.h"
#include "platform/fault_handlers.h"
#include "platform/trap_context.h"

namespace native_mem {

void RequireCodeSupport() {
  if (GuardedCallsSupported()) return;
  Fail("ERR_UNSUPPORTED",
       "Native code can't be installed and called on this platform (Linux on x86-64 can). Use the interpreter; mapped files "
       "work here.");
}

bool GuardedCall(ThreadState& thread, GuardFrame& frame, CodeLife life, bool& faulted) {
  GuardFrame* previous = thread.top.load(std::memory_order_relaxed);
  const bool outermost = previous == nullptr;
  if (outermost) EnterActivity(thread.activity);
  if (life && !IsAlive(life)) {
    if (outermost) LeaveActivity(thread.activity);
    return false;
  }
  frame.previous = previous;
  thread.top.store(&frame, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  faulted = native_mem_guarded_call(&frame) != 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread.top.store(previous, std::memory_order_relaxed);
  if (outermost) LeaveActivity(thread.activity);
  return true;
}

bool GuardedCopy(ThreadState& thread, void* to, const void* from, std::size_t count, std::uintptr_t* fault_address) {
  if (!GuardedCallsSupported()) {
    std::memcpy(to, from, count);
    return true;
  }
  GuardFrame frame{};
  frame.target = GuardedCopyTarget();
  frame.ints[0] = reinterpret_cast<std::uintptr_t>(to);
  frame.ints[1] = reinterpret_cast<std::uintptr_t>(from);
  frame.ints[2] = count;
  bool faulted = false;
  GuardedCall(thread, frame, CodeLife{}, faulted);
  if (faulted) *fault_address = frame.fault.address;
  return !faulted;
}

}  // namespace native_mem
