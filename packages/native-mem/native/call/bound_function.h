// JavaScript functions that call native code by a fixed signature. Raw Node-API: this is the hot path.
#pragma once

#include <node_api.h>

#include <memory>

#include "binding/env_state.h"
#include "call/signature.h"
#include "code/quiescence.h"

namespace native_mem {

// A new function; the code's life is checked at each call.
napi_value CreateBoundFunction(EnvState& state, const std::string& name, std::uintptr_t target,
                               std::shared_ptr<CodeLife> life, Signature signature);

}  // namespace native_mem
