// What a thread needs to make guarded calls: its alternate signal stack, the bounds of its stack, the chain of calls
// that are active on it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "code/quiescence.h"
#include "platform/guard_frame.h"

namespace native_mem {

struct ThreadState {
  Activity activity;
  std::atomic<GuardFrame*> top{nullptr};
  std::uintptr_t stack_low = 0;
  std::uintptr_t stack_high = 0;
  void* alternate_stack = nullptr;  // ours; null when the thread had one already
  std::size_t alternate_size = 0;
  int environments = 0;
};

// The state of this thread, made (and the fault handlers installed) for the first environment on it.
ThreadState* AcquireThreadState();
// Called at the end of an environment, on its thread.
void ReleaseThreadState();
// Safe in a signal handler; null when the thread has no state.
ThreadState* ThisThreadState();

}  // namespace native_mem
