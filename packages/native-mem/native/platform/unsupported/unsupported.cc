// Platforms without guarded calls: files can be mapped and read, code can't be installed or called. To support one,
// implement these functions for it, as platform/linux does.
#include <atomic>
#include <cerrno>

#include "platform/barriers.h"
#include "platform/code_file.h"
#include "platform/fault_handlers.h"
#include "platform/trap_context.h"

namespace native_mem {

bool GuardedCallsSupported() { return false; }

void InstallFaultHandlers() {}

int CreateCodeFile() {
  errno = ENOSYS;
  return -1;
}

bool ProcessBarrierSupported() { return false; }

void ShareCodeBetweenThreads() {}

void ProcessBarrier() { std::atomic_thread_fence(std::memory_order_seq_cst); }

void PublishCode(void* start, std::size_t size, bool) {
  char* begin = static_cast<char*>(start);
  __builtin___clear_cache(begin, begin + size);
}

const void* GuardedCopyTarget() { return nullptr; }

// Never reached: RequireCodeSupport refuses before.
extern "C" int native_mem_guarded_call(GuardFrame*) { return 1; }

}  // namespace native_mem
