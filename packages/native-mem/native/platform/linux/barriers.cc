// membarrier(2): a full barrier, or an instruction-stream synchronisation, on every running thread of the process.
#include "platform/barriers.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

namespace native_mem {
namespace {

long Membarrier(int command) { return syscall(__NR_membarrier, command, 0, 0); }

std::atomic<bool> g_shared{false};
bool g_registered = false;  // written before g_shared, read after it
std::atomic<bool> g_sync_core{false};
std::once_flag g_share_once;

}  // namespace

bool ProcessBarrierSupported() {
  static const long commands = Membarrier(MEMBARRIER_CMD_QUERY);
  return commands > 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 && (commands & MEMBARRIER_CMD_GLOBAL) != 0;
}

void ShareCodeBetweenThreads() {
  std::call_once(g_share_once, [] {
    g_registered = Membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
    g_sync_core = Membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE) == 0;
    g_shared.store(true, std::memory_order_release);
  });
}

void ProcessBarrier() {
  if (!g_shared.load(std::memory_order_acquire)) return;
  if (!ProcessBarrierSupported()) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
  } else {
    Membarrier(g_registered ? MEMBARRIER_CMD_PRIVATE_EXPEDITED : MEMBARRIER_CMD_GLOBAL);
  }
}

void PublishCode(void* start, std::size_t size, bool reused) {
  char* begin = static_cast<char*>(start);
  __builtin___clear_cache(begin, begin + size);
  // A core may hold decoded instructions of what was here before (Intel SDM vol. 3, 9.1.3 "cross-modifying code").
  if (reused && g_sync_core.load(std::memory_order_relaxed)) Membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
}

}  // namespace native_mem
