// What a trap instruction means. TRAP_KINDS in src/trap-kinds.ts has the same order.
#pragma once

#include <cstdint>

namespace native_mem {

enum class TrapKind : std::uint32_t {
  kDivide,
  kMemory,
  kIllegalInstruction,
  kBreakpoint,
  kStackOverflow,
  kBus,
  kUnreachable,
  kBounds,
  kOverflow,
};
constexpr std::uint32_t kTrapKinds = 9;

}  // namespace native_mem
