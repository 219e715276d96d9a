// See thread_state.h. The thread-local pointer is initial-exec, so that reading it in a handler never allocates.
#include "call/thread_state.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/auxv.h>
#include <sys/resource.h>
#endif

#include <cerrno>
#include <cstring>

#include "memory/errors.h"
#include "platform/fault_handlers.h"

namespace native_mem {
namespace {

constexpr std::size_t kAlternateStackSize = 64ull * 1024;
constexpr std::size_t kEnoughAlternateStack = 32ull * 1024;

__attribute__((tls_model("initial-exec"))) thread_local ThreadState* t_state = nullptr;

#if defined(__linux__)

// The stack of the main thread, without the look into /proc/self/maps that pthread_getattr_np takes for it (200 µs). The name of
// the program is what the kernel puts highest (create_elf_tables and setup_arg_pages in its fs/), and the stack grows down from
// there to its limit. That the mappings below stay farther away is certain for limits under 128 MiB (mmap_base in its mm/util.c).
bool FindMainStack(ThreadState* state) {
  constexpr rlim_t largest = rlim_t{128} << 20;
  const unsigned long name = getauxval(AT_EXECFN);
  rlimit limit{};
  if (getpid() != gettid() || name == 0 || getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= largest) return false;
  const std::uintptr_t page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const std::uintptr_t end = name + std::strlen(reinterpret_cast<const char*>(name)) + 1 + sizeof(void*);
  const std::uintptr_t high = (end + page - 1) / page * page;
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (here >= high || high - here >= limit.rlim_cur) return false;
  state->stack_high = high;
  state->stack_low = high - limit.rlim_cur;
  return true;
}

#endif

void FindStackBounds(ThreadState* state) {
#if defined(__linux__)
  if (FindMainStack(state)) return;
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  void* low = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  state->stack_low = reinterpret_cast<std::uintptr_t>(low);
  state->stack_high = state->stack_low + size;
#else
  (void)state;
#endif
}

void InstallAlternateStack(ThreadState* state) {
  stack_t current{};
  sigaltstack(nullptr, &current);
  if ((current.ss_flags & SS_DISABLE) == 0 && current.ss_size >= kEnoughAlternateStack) return;
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t size = kAlternateStackSize + page;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) FailErrno(errno, "mmap", "No memory for the signal stack of a thread.");
  mprotect(memory, page, PROT_NONE);
  stack_t ours{};
  ours.ss_sp = static_cast<char*>(memory) + page;
  ours.ss_size = kAlternateStackSize;
  if (sigaltstack(&ours, nullptr) != 0) {
    const int error = errno;
    munmap(memory, size);
    FailErrno(error, "sigaltstack", "The signal stack of a thread can't be set.");
  }
  state->alternate_stack = memory;
  state->alternate_size = size;
}

void RemoveAlternateStack(ThreadState* state) {
  if (state->alternate_stack == nullptr) return;
  stack_t current{};
  sigaltstack(nullptr, &current);
  const auto ours = reinterpret_cast<std::uintptr_t>(state->alternate_stack);
  const auto in_use = reinterpret_cast<std::uintptr_t>(current.ss_sp);
  if (in_use >= ours && in_use < ours + state->alternate_size) {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }
  munmap(state->alternate_stack, state->alternate_size);
}

}  // namespace

ThreadState* ThisThreadState() { return t_state; }

ThreadState* AcquireThreadState() {
  if (t_state == nullptr) {
    auto* state = new ThreadState;
    try {
      FindStackBounds(state);
      InstallAlternateStack(state);
      InstallFaultHandlers();
    } catch (...) {
      RemoveAlternateStack(state);
      delete state;
      throw;
    }
    RegisterActivity(&state->activity);
    t_state = state;
  }
  ++t_state->environments;
  return t_state;
}

void ReleaseThreadState() {
  ThreadState* state = t_state;
  if (state == nullptr || --state->environments > 0) return;
  t_state = nullptr;
  UnregisterActivity(&state->activity);
  ReclaimRetired();
  RemoveAlternateStack(state);
  delete state;
}

}  // namespace native_mem
