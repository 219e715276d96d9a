// When may memory that held code be reused? When every guarded call that was running at the time it was given up has
// ended (read-copy-update, by counting). A call costs two plain stores; the burden is on whoever frees.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace native_mem {

// One per thread that makes guarded calls. The count is odd while the thread is inside its outermost guarded call.
struct Activity {
  std::atomic<std::uint64_t> count{0};
};

void RegisterActivity(Activity* activity);
void UnregisterActivity(Activity* activity);

// Runs `action` once no guarded call that is running now is left: at once when none is. Never hold a lock here
// that the action takes.
void Retire(std::function<void()> action);
// Runs the retired actions whose time has come.
void ReclaimRetired();
std::size_t RetiredCount();

// Publishes the start of a guarded call, so that a thread that frees code sees it or this thread sees the code dead.
inline bool g_fence_on_entry = false;

inline void EnterActivity(Activity& activity) {
  activity.count.store(activity.count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (g_fence_on_entry) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
  } else {
    std::atomic_signal_fence(std::memory_order_seq_cst);  // Retire issues the barrier for us
  }
}

extern std::atomic<std::size_t> g_retired_count;

inline void LeaveActivity(Activity& activity) {
  activity.count.store(activity.count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  if (g_retired_count.load(std::memory_order_relaxed) != 0) ReclaimRetired();
}

}  // namespace native_mem
