// Whether code may still be called. A life is a numbered cell and the generation that it had when the code was made; ending
// the life moves its cell on to the next generation. Cells are never freed, only used again, so a function that was bound to
// code can outlive it without holding memory of ours that somebody would have to free: its generation no longer fits.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace native_mem {

struct CodeLife {
  std::uint32_t cell = 0;        // 0: no code
  std::uint32_t generation = 0;

  explicit operator bool() const { return cell != 0; }
  bool operator==(const CodeLife& other) const { return cell == other.cell && generation == other.generation; }
};

CodeLife BeginLife();
// The first step of freeing code. Ending a life again does nothing.
void EndLife(CodeLife life);

using LifeCell = std::atomic<std::uint32_t>;
constexpr unsigned kLifeSegmentBits = 12;
constexpr std::size_t kLifeSegments = std::size_t{1} << 14;
extern std::atomic<LifeCell*> g_life_segments[kLifeSegments];

inline LifeCell& LifeCellOf(std::uint32_t cell) {
  LifeCell* segment = g_life_segments[cell >> kLifeSegmentBits].load(std::memory_order_relaxed);
  return segment[cell & ((std::uint32_t{1} << kLifeSegmentBits) - 1)];
}

inline bool IsAlive(CodeLife life) { return LifeCellOf(life.cell).load(std::memory_order_acquire) == life.generation; }

}  // namespace native_mem
