// What happens when code calls through a lazy slot that has no target yet: JavaScript is asked for one, on this thread and
// inside the guarded call that runs. A failure ends that call by its landing pad, as a trap does, with the exception of
// JavaScript pending; no C++ frame is left behind, since native_mem_resolve_lazy returns before.
//
// Beyond V8's stack limit nothing of V8 may be touched, not even for an error: newer versions end the process when they
// collect garbage there (Heap::CollectGarbage checks that it is on the stack that it knows). Such a call is a stack overflow.
#include <node_api.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>

#include "binding/env_state.h"
#include "call/thread_state.h"
#include "code/code_lookup.h"
#include "memory/errors.h"
#include "platform/fault_handlers.h"
#include "platform/lazy_entry.h"
#include "platform/trap_context.h"

namespace native_mem {
namespace {

constexpr std::size_t kProbeStep = 16ul * 1024;            // what JavaScript needs at least, and less than V8 has to spare
constexpr std::uintptr_t kUnknownDepth = 512ull * 1024;    // where the limit is not known

bool MayCallScript(const EnvState& state) {
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(state.env, &scope) != napi_ok) return false;
  napi_value receiver = nullptr;
  napi_value probe = nullptr;
  napi_value ignored = nullptr;
  napi_get_undefined(state.env, &receiver);
  napi_get_reference_value(state.env, state.stack_probe, &probe);
  const bool may = napi_call_function(state.env, receiver, probe, 0, nullptr, &ignored) == napi_ok;
  if (!may) napi_get_and_clear_last_exception(state.env, &ignored);
  napi_close_handle_scope(state.env, scope);
  return may;
}

// Node-API doesn't tell V8's limit, so try one step after the other. 0 when there is no deeper one.
__attribute__((noinline)) std::uintptr_t DeepestStep(const EnvState& state, const ThreadState& thread) {
  volatile char step[kProbeStep];
  step[0] = 0;
  const auto here = reinterpret_cast<std::uintptr_t>(&step[0]);
  if (NearStackEnd(thread, here) || !MayCallScript(state)) return 0;
  const std::uintptr_t deeper = DeepestStep(state, thread);
  return deeper != 0 ? deeper : here;  // NOLINT(clang-analyzer-core.StackAddressEscape): compared, never read through
}

bool OutsideOfScript(const EnvState& state, const ThreadState& thread, std::uintptr_t sp) {
  const std::uintptr_t limit = state.script_limit != 0 ? state.script_limit : thread.stack_high - kUnknownDepth;
  return NearStackEnd(thread, sp) || sp < limit || sp >= thread.stack_high;
}

// 0 leaves an exception pending.
std::uint64_t AskResolver(const EnvState& state, std::uint32_t arena, std::uintptr_t slot) {
  napi_env env = state.env;
  napi_value receiver = nullptr;
  napi_value resolver = nullptr;
  napi_value arguments[2] = {nullptr, nullptr};
  napi_value result = nullptr;
  std::uint64_t target = 0;
  bool lossless = false;
  napi_get_undefined(env, &receiver);
  napi_get_reference_value(env, state.lazy_resolver, &resolver);
  napi_create_uint32(env, arena, &arguments[0]);
  napi_create_bigint_uint64(env, slot, &arguments[1]);
  // The resolver of src/lazy-slots.ts throws unless it has an address. A thread that is being terminated throws nothing that
  // we could see, but the call fails all the same.
  if (napi_call_function(env, receiver, resolver, 2, arguments, &result) != napi_ok) return 0;
  return napi_get_value_bigint_uint64(env, result, &target, &lossless) == napi_ok ? target : 0;
}

std::uint64_t Resolve(EnvState& state, std::uintptr_t entry) {
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(state.env, &scope) != napi_ok) return 0;
  std::uint64_t target = 0;
  try {
    const LazyPlace place = FindLazySlot(entry);
    if (place.lazy.slot == 0) {
      Fail("ERR_CLOSED", "Code called through a lazy slot that is closed, or whose arena is. Keep it open for as long as code "
                         "may call through it.");
    }
    if (place.lazy.owner != &state) {
      Fail("ERR_WRONG_THREAD",
           "Code called through a lazy slot of another thread before it had a target. Let the thread that made the slot call "
           "first, or make a slot in each thread.",
           place.lazy.slot);
    }
    target = AskResolver(state, place.arena->id(), place.lazy.slot);
    // Its resolver may have closed it. This call goes on: memory that it could reach stays until it ends.
    if (target != 0) place.arena->ResolveLazySlot(entry, target);
  } catch (const NativeError& error) {
    ThrowNative(state, error);
  }
  napi_close_handle_scope(state.env, scope);
  return target;
}

}  // namespace

void FindScriptLimit(EnvState& state) {
  if (state.script_limit != 0) return;
  const char here = 0;
  const std::uintptr_t deepest = DeepestStep(state, ThreadOf(state));
  state.script_limit = deepest != 0 ? deepest : reinterpret_cast<std::uintptr_t>(&here);
}

LazyOutcome native_mem_resolve_lazy(std::uintptr_t entry, const std::uintptr_t* stack) noexcept {
  NormaliseProcessorState();
  // Patched meanwhile, or code kept the address that it read from the slot before.
  const LazySlot lazy = FindLazySlot(entry).lazy;
  if (lazy.slot != 0 && lazy.target != entry) return {lazy.target, nullptr};
  const ThreadState* thread = ThisThreadState();
  GuardFrame* frame = thread == nullptr ? nullptr : thread->top.load(std::memory_order_relaxed);
  if (frame == nullptr || frame->environment == nullptr) {
    std::fputs("native-mem: a lazy slot without a target was called outside of any call from JavaScript.\n", stderr);
    std::abort();
  }
  auto& state = *static_cast<EnvState*>(frame->environment);
  const auto sp = reinterpret_cast<std::uintptr_t>(stack);
  if (OutsideOfScript(state, *thread, sp)) {
    const std::uintptr_t caller = CallerByReturnAddress(*frame, *stack);
    frame->fault.signal = SIGSEGV;
    frame->fault.address = sp;
    frame->fault.pc = caller != 0 ? caller : reinterpret_cast<std::uintptr_t>(frame->target);
    frame->fault.stack_overflow = true;
    return {0, frame};
  }
  RestoreControls(*frame);
  const std::uint64_t target = Resolve(state, entry);
  if (target != 0) return {target, nullptr};
  frame->fault.exception_pending = true;
  return {0, frame};
}

}  // namespace native_mem
