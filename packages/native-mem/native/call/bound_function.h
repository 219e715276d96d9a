// JavaScript functions that call native code by a fixed signature. Raw Node-API: this is the hot path.
#pragma once

#include <node_api.h>

#include <memory>
#include <string>

#include "binding/env_state.h"
#include "call/signature.h"
#include "code/quiescence.h"

namespace native_mem {

struct BoundFunction {
  EnvState* state;
  ThreadState* thread;
  CallSlots* slots;
  std::uintptr_t target;
  std::shared_ptr<CodeLife> life;
  Signature signature;
  std::string name;
};

// A new function; the code's life is checked at each call. It takes its arguments as such, or, when the generated
// wrapper of src/slot-call.ts has set CallSlots::mode, out of the slots (pointers alone come as arguments then).
napi_value CreateBoundFunction(EnvState& state, const std::string& name, std::uintptr_t target,
                               std::shared_ptr<CodeLife> life, Signature signature);

}  // namespace native_mem
