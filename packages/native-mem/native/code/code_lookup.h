// All arenas of the process, and the question "whose code is at this address?".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "code/code_arena.h"
#include "memory/region_registry.h"

namespace native_mem {

std::shared_ptr<CodeArena> AddArena(std::shared_ptr<CodeArena> arena);
// Null for an arena that was closed or never existed.
std::shared_ptr<CodeArena> FindArena(std::uint32_t id);
// Throws ERR_CLOSED for an arena that was closed or never existed.
std::shared_ptr<CodeArena> ArenaById(std::uint32_t id);
// What to try for an arena whose maker doesn't say: a memory file first. While a perf map is written, pages made executable
// by mprotect first: perf takes names out of a map for anonymous memory only (is_anon_memory in its util/map.c).
std::vector<Backing> PreferredBackings();
// The process-wide arena, made at first use.
std::shared_ptr<CodeArena> DefaultArena();
void CloseArena(std::uint32_t id);
std::vector<std::shared_ptr<CodeArena>> AllArenas();

// Executable memory that holds `address`: a block of an arena, or a region made executable.
struct CodePlace {
  CodeLife life;
  std::shared_ptr<CodeArena> arena;  // null for a region
  CodeBlockPtr block;                // null for a region
  std::uintptr_t start = 0;
  std::size_t size = 0;
  std::string name;
};

// A place without a life when no live code is there.
CodePlace FindCode(std::uint64_t address);
// The data block of any arena that holds `address`; serial 0 when none does.
DataBlock FindData(std::uint64_t address);
// The lazy slot of an entry, in any arena; a slot of 0 when it is gone.
struct LazyPlace {
  std::shared_ptr<CodeArena> arena;
  LazySlot lazy;
};
LazyPlace FindLazySlot(std::uintptr_t entry);
// Throws ERR_NOT_EXECUTABLE when no live code is there.
CodePlace RequireCode(std::uint64_t address, const char* what);

}  // namespace native_mem
