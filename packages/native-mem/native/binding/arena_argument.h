// An arena as an argument: its number.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/arguments.h"
#include "code/code_lookup.h"

namespace native_mem {

// Throws ERR_CLOSED for one that was closed or never existed.
inline std::shared_ptr<CodeArena> ArenaArgument(const Napi::Value& value) {
  return ArenaById(static_cast<std::uint32_t>(SizeArgument(value, "arena")));
}

// Null instead.
inline std::shared_ptr<CodeArena> OpenArenaArgument(const Napi::Value& value) {
  return FindArena(static_cast<std::uint32_t>(SizeArgument(value, "arena")));
}

}  // namespace native_mem
