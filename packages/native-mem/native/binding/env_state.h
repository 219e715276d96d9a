// What one JavaScript environment (the main thread or a worker) has of ours: its thread, the error classes of the
// TypeScript layer, and the duty to free what it owns when it ends.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>

#include "call/thread_state.h"
#include "memory/errors.h"
#include "platform/guard_frame.h"

namespace native_mem {

// Memory shared with JavaScript, through which numbers pass cheaper than as arguments and results of Node-API.
// src/call-slots.ts knows this layout.
struct CallSlots {
  std::uint64_t result;
  // The code that a bound function is for, which it stores before each call: its life (as the bits of a double) and its
  // address (as a number). A negative life means that arguments come as such; else they are in `values`, but for pointers.
  std::uint64_t life;
  double target;
  std::uint64_t values[255];
};
static_assert(offsetof(CallSlots, life) == 8 && offsetof(CallSlots, target) == 16 && offsetof(CallSlots, values) == 24);

struct EnvState {
  napi_env env = nullptr;
  ThreadState* thread = nullptr;  // made at the first call that needs it
  CallSlots* slots = nullptr;     // in an ArrayBuffer that slots_buffer keeps
  napi_ref slots_buffer = nullptr;
  napi_ref native_error = nullptr;
  napi_ref trap_error = nullptr;
  napi_ref lazy_resolver = nullptr;
  napi_ref stack_probe = nullptr;   // a function that does nothing
  std::uintptr_t script_limit = 0;  // the lowest stack address from which JavaScript may be called; 0 = not known yet
};

// Attaches a state to the environment; its cleanup runs on the environment's thread.
EnvState* CreateEnvState(napi_env env);
EnvState* GetEnvState(napi_env env);
// Makes the cleanup run before that of everything which the environment made so far.
void RenewCleanup(EnvState& state);
// Closes every MappedFile of an environment that ends.
void CloseMappedFilesOf(EnvState& state);
// Makes this thread ready for guarded calls.
ThreadState& ThreadOf(EnvState& state);

// Finds script_limit. To be called before this environment makes a lazy slot.
void FindScriptLimit(EnvState& state);

// Each leaves a JavaScript exception pending.
void ThrowNative(EnvState& state, const NativeError& error);
void ThrowArgument(napi_env env, const ArgumentError& error);
void ThrowTrap(EnvState& state, const FaultRecord& fault);

}  // namespace native_mem
