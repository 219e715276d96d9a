// See quiescence.h.
#include "code/quiescence.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "platform/barriers.h"

namespace native_mem {
namespace {

struct Retired {
  std::vector<std::pair<Activity*, std::uint64_t>> waiting_for;
  std::function<void()> action;
};

std::mutex g_mutex;
std::vector<Activity*>& Activities() {
  static auto& list = *new std::vector<Activity*>;
  return list;
}
// In the order in which they retired. That is also the order in which their time comes: a call that the first one waits for has
// been running since then, so all that retired later wait for it as well.
std::deque<Retired>& RetiredList() {
  static auto& list = *new std::deque<Retired>;
  return list;
}

bool Ended(const std::pair<Activity*, std::uint64_t>& call) {
  return call.first->count.load(std::memory_order_acquire) != call.second;
}

}  // namespace

std::atomic<std::size_t> g_retired_count{0};

std::size_t RetiredCount() { return g_retired_count.load(std::memory_order_relaxed); }

void RegisterActivity(Activity* activity) {
  std::lock_guard<std::mutex> lock(g_mutex);
  if (Activities().empty()) g_fence_on_entry = !ProcessBarrierSupported();
  Activities().push_back(activity);
}

void UnregisterActivity(Activity* activity) {
  std::lock_guard<std::mutex> lock(g_mutex);
  auto& list = Activities();
  list.erase(std::remove(list.begin(), list.end(), activity), list.end());
  for (Retired& retired : RetiredList()) {
    auto& waiting = retired.waiting_for;
    waiting.erase(std::remove_if(waiting.begin(), waiting.end(), [=](const auto& call) { return call.first == activity; }),
                  waiting.end());
  }
}

void Retire(std::function<void()> action) {
  {
    std::lock_guard<std::mutex> lock(g_mutex);
    // Does nothing while this is the only thread. One that registers from now on sees the code dead by the mutex.
    ProcessBarrier();
    Retired retired;
    for (Activity* activity : Activities()) {
      const std::uint64_t count = activity->count.load(std::memory_order_acquire);
      if (count % 2 == 1) retired.waiting_for.emplace_back(activity, count);
    }
    if (!retired.waiting_for.empty()) {
      retired.action = std::move(action);
      RetiredList().push_back(std::move(retired));
      g_retired_count.fetch_add(1, std::memory_order_relaxed);
      return;
    }
  }
  action();
}

void ReclaimRetired() {
  if (RetiredCount() == 0) return;
  std::vector<std::function<void()>> due;
  {
    std::lock_guard<std::mutex> lock(g_mutex);
    auto& list = RetiredList();
    while (!list.empty() && std::all_of(list.front().waiting_for.begin(), list.front().waiting_for.end(), Ended)) {
      due.push_back(std::move(list.front().action));
      list.pop_front();
    }
    g_retired_count.store(list.size(), std::memory_order_relaxed);
  }
  for (auto& action : due) action();
}

}  // namespace native_mem
