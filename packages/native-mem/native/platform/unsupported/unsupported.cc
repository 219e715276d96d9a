// Platforms without guarded calls: files can be mapped and read, code can't be installed or called. To support one,
// implement these functions for it, as platform/linux does.
#include <atomic>
#include <cerrno>

#include "platform/barriers.h"
#include "platform/code_file.h"
#include "platform/cpu_features.h"
#include "platform/fault_handlers.h"
#include "platform/lazy_entry.h"
#include "platform/trap_context.h"

namespace native_mem {

bool GuardedCallsSupported() { return false; }

std::vector<const char*> CpuFeatures() { return {}; }

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

// Never reached, all that follow: RequireCodeSupport refuses before.
std::size_t WriteLazyEntries(unsigned char*, std::size_t) { return 0; }

bool IsLazyFault(std::uintptr_t) { return false; }

std::uintptr_t CallerByReturnAddress(const GuardFrame&, std::uintptr_t) { return 0; }

bool IsStackOverflow(const ThreadState&, std::uintptr_t, std::uintptr_t) { return false; }

bool NearStackEnd(const ThreadState&, std::uintptr_t) { return false; }

void NormaliseProcessorState() {}

void RestoreControls(const GuardFrame&) {}

extern "C" int native_mem_guarded_call(GuardFrame*) { return 1; }

}  // namespace native_mem
