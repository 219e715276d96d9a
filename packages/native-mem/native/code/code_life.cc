// See code_life.h.
#include "code/code_life.h"

#include <mutex>
#include <vector>

#include "memory/errors.h"

namespace native_mem {

std::atomic<LifeCell*> g_life_segments[kLifeSegments] = {};

namespace {

constexpr std::size_t kSegment = std::size_t{1} << kLifeSegmentBits;
// JavaScript holds a life as a double (CallSlots::life), whose upper half is the generation: from here on it is a normal number,
constexpr std::uint32_t kFirstGeneration = 0x00100000;
// and from here on it would be none. A cell that comes to this is not used again, so no generation ever comes back.
constexpr std::uint32_t kLastGeneration = 0x7FF00000;

std::mutex g_mutex;
std::size_t g_made = 0;  // cells that exist
std::size_t g_next = 1;  // the first that was never used

std::vector<std::uint32_t>& FreeCells() {
  static auto& cells = *new std::vector<std::uint32_t>;
  return cells;
}

// Room in the list of free cells comes first, so that ending a life needs no memory.
void AddSegment() {
  const std::size_t segment = g_made / kSegment;
  if (segment == kLifeSegments) Fail("ENOMEM", "There is too much code at a time. Close blocks that are no longer needed.");
  FreeCells().reserve(g_made + kSegment);
  auto* cells = new LifeCell[kSegment];
  for (std::size_t i = 0; i < kSegment; ++i) cells[i].store(kFirstGeneration, std::memory_order_relaxed);
  g_life_segments[segment].store(cells, std::memory_order_relaxed);
  g_made += kSegment;
}

}  // namespace

CodeLife BeginLife() {
  std::lock_guard<std::mutex> lock(g_mutex);
  CodeLife life;
  auto& free = FreeCells();
  if (!free.empty()) {
    life.cell = free.back();
    free.pop_back();
  } else {
    if (g_next == g_made || g_made == 0) AddSegment();
    life.cell = static_cast<std::uint32_t>(g_next++);
  }
  life.generation = LifeCellOf(life.cell).load(std::memory_order_relaxed);
  return life;
}

void EndLife(CodeLife life) {
  if (!life) return;
  std::lock_guard<std::mutex> lock(g_mutex);
  LifeCell& cell = LifeCellOf(life.cell);
  if (cell.load(std::memory_order_relaxed) != life.generation) return;
  const std::uint32_t next = life.generation + 1;
  cell.store(next, std::memory_order_release);
  if (next != kLastGeneration) FreeCells().push_back(life.cell);
}

}  // namespace native_mem
