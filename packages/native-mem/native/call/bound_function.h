// How JavaScript calls native code: one function for each signature, which is told by the CallSlots what code to call. Bound
// functions are generated JavaScript around it (src/slot-call.ts). Raw Node-API: this is the hot path.
#pragma once

#include <node_api.h>

#include <string>

#include "binding/env_state.h"
#include "call/signature.h"

namespace native_mem {

// A new function that calls code of this signature. What it takes out of the slots it can't refuse: it returns `true` instead
// of calling, for a pointer that can't be one and for code that was freed, and the bound function calls again with arguments
// as such. Those are checked one by one, and `this.name` is who the errors are about.
napi_value CreateCaller(EnvState& state, Signature signature);

// Whom the conversion of arguments and results is for.
struct Callee {
  napi_env env;
  const Signature& signature;
  napi_value self;  // has the name; null where errors don't matter
};

// For messages; empty when it has none.
std::string NameOf(const Callee& callee);

}  // namespace native_mem
