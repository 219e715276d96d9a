// See code_lookup.h.
#include "code/code_lookup.h"

#include <map>
#include <mutex>

#include "code/code_observers.h"
#include "memory/errors.h"
#include "memory/protection.h"

namespace native_mem {
namespace {

constexpr std::size_t kDefaultReserve = std::size_t{1} << 30;

std::mutex g_mutex;
std::uint32_t g_default_id = 0;

std::map<std::uint32_t, std::shared_ptr<CodeArena>>& Arenas() {
  static auto& arenas = *new std::map<std::uint32_t, std::shared_ptr<CodeArena>>;
  return arenas;
}

}  // namespace

std::shared_ptr<CodeArena> AddArena(std::shared_ptr<CodeArena> arena) {
  std::lock_guard<std::mutex> lock(g_mutex);
  Arenas()[arena->id()] = arena;
  return arena;
}

std::shared_ptr<CodeArena> FindArena(std::uint32_t id) {
  std::lock_guard<std::mutex> lock(g_mutex);
  const auto found = Arenas().find(id);
  return found == Arenas().end() ? nullptr : found->second;
}

std::shared_ptr<CodeArena> ArenaById(std::uint32_t id) {
  auto arena = FindArena(id);
  if (!arena) Fail("ERR_CLOSED", "The code arena is closed. Make a new one, or use CodeArena.default().");
  return arena;
}

std::vector<Backing> PreferredBackings() {
  if (PerfMapEnabled()) return {Backing::kProtect, Backing::kMemoryFile};
  return {Backing::kMemoryFile, Backing::kProtect};
}

std::shared_ptr<CodeArena> DefaultArena() {
  std::lock_guard<std::mutex> lock(g_mutex);
  const auto found = Arenas().find(g_default_id);
  if (found != Arenas().end()) return found->second;
  auto arena = CodeArena::Create(kDefaultReserve, PreferredBackings(), nullptr);
  Arenas()[arena->id()] = arena;
  g_default_id = arena->id();
  return arena;
}

void CloseArena(std::uint32_t id) {
  std::shared_ptr<CodeArena> arena;
  {
    std::lock_guard<std::mutex> lock(g_mutex);
    const auto found = Arenas().find(id);
    if (found == Arenas().end()) return;
    if (id == g_default_id) Fail("EINVAL", "The default arena belongs to the whole process and can't be closed. Close your blocks.");
    arena = found->second;
    Arenas().erase(found);
  }
  arena->Close();
}

std::vector<std::shared_ptr<CodeArena>> AllArenas() {
  std::lock_guard<std::mutex> lock(g_mutex);
  std::vector<std::shared_ptr<CodeArena>> all;
  for (const auto& entry : Arenas()) all.push_back(entry.second);
  return all;
}

namespace {

std::shared_ptr<CodeArena> ArenaAround(std::uintptr_t address) {
  std::lock_guard<std::mutex> lock(g_mutex);
  for (const auto& entry : Arenas()) {
    const auto& arena = entry.second;
    if (address - arena->base() < arena->reserved()) return arena;
  }
  return nullptr;
}

}  // namespace

CodePlace FindCode(std::uint64_t address) {
  CodePlace place;
  const auto at = static_cast<std::uintptr_t>(address);
  if (const auto arena = ArenaAround(at)) {
    const CodeBlockPtr block = arena->Find(at);
    if (!block || !block->published || !IsAlive(block->life)) return place;
    place.life = block->life;
    place.arena = arena;
    place.block = block;
    place.start = block->address;
    place.size = block->size;
    place.name = block->name;
    return place;
  }
  auto& registry = RegionRegistry::Get();
  std::lock_guard<std::recursive_mutex> lock(registry.mutex());
  RegionPtr region;
  try {
    region = registry.Containing(address, 1, "findCode");
  } catch (const NativeError&) {
    return place;
  }
  if ((region->prot & kProtExec) == 0 || !region->life) return place;
  place.life = region->life;
  place.start = region->address;
  place.size = region->size;
  place.name = region->path;
  return place;
}

DataBlock FindData(std::uint64_t address) {
  const auto arena = ArenaAround(static_cast<std::uintptr_t>(address));
  return arena ? arena->FindData(static_cast<std::uintptr_t>(address)) : DataBlock{};
}

LazyPlace FindLazySlot(std::uintptr_t entry) {
  LazyPlace place;
  place.arena = ArenaAround(entry);
  if (place.arena) place.lazy = place.arena->FindLazySlot(entry);
  return place;
}

CodePlace RequireCode(std::uint64_t address, const char* what) {
  CodePlace place = FindCode(address);
  if (!place.life) {
    Fail("ERR_NOT_EXECUTABLE",
         std::string(what) + ": no live executable memory of ours at " + Hex(address) +
             ". Pass an address inside a CodeBlock, allocExecMemory memory that was written, or memory after makeExecutable.",
         address);
  }
  return place;
}

}  // namespace native_mem
