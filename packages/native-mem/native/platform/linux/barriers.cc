// membarrier(2): a full barrier, or an instruction-stream synchronisation, on every running thread of the process.
#include "platform/barriers.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace native_mem {
namespace {

long Membarrier(int command) { return syscall(__NR_membarrier, command, 0, 0); }

std::atomic<bool> g_process_barrier{false};
std::atomic<bool> g_sync_core{false};

}  // namespace

bool EnableProcessBarrier() {
  g_process_barrier = Membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
  g_sync_core = Membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE) == 0;
  return g_process_barrier;
}

void ProcessBarrier() {
  if (g_process_barrier.load(std::memory_order_relaxed)) {
    Membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  } else {
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
}

void PublishCode(void* start, std::size_t size, bool reused) {
  char* begin = static_cast<char*>(start);
  __builtin___clear_cache(begin, begin + size);
  // A core may hold decoded instructions of what was here before (Intel SDM vol. 3, 9.1.3 "cross-modifying code").
  if (reused && g_sync_core.load(std::memory_order_relaxed)) Membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
}

}  // namespace native_mem
