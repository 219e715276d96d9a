// JavaScript values to the 64-bit words that registers and stack slots take, and results back.
#pragma once

#include <node_api.h>

#include <cstdint>

#include "call/bound_function.h"

namespace native_mem {

// The bits of argument `index`; throws ArgumentError when the value is of the wrong kind or out of range.
std::uint64_t ConvertArgument(const Callee& callee, std::size_t index, napi_value value);
std::uint64_t PointerArgument(const Callee& callee, std::size_t index, napi_value value);
napi_value ConvertResult(const Callee& callee, const GuardFrame& frame);

}  // namespace native_mem
