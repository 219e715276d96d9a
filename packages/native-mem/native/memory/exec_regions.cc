// See exec_regions.h. Source: mprotect(2).
#include "memory/exec_regions.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "code/code_lookup.h"
#include "code/quiescence.h"
#include "memory/errors.h"
#include "memory/file_mapping.h"
#include "memory/protection.h"
#include "platform/barriers.h"
#include "platform/fault_handlers.h"

namespace native_mem {
namespace {

constexpr std::uint64_t kLargest = std::uint64_t{1} << 40;

void CheckSize(std::uint64_t size) {
  if (size == 0 || size > kLargest) FailRange("size must be from 1 to 2^40 bytes, got " + std::to_string(size));
}

void Protect(const RegionPtr& region, int prot) {
  const int protection = PlatformProtection(prot);
  if (region->kind == RegionKind::kExecutable) {
    if (prot == (kProtRead | kProtExec)) return;
    Fail("EINVAL",
         "Memory of allocExecMemory shares its pages with other code and stays readable and executable. Use allocRwMemory for "
         "memory of which you change the protection.",
         region->address);
  }
  if (region->held) {
    Fail("EINVAL", "A MappedFile owns this mapping, and JavaScript reads it directly: its protection can't change.",
         region->address, region->path);
  }
  if (region->size == 0) {
    region->prot = prot;
    return;
  }
  if (region->kind == RegionKind::kFile && region->shared && (prot & kProtWrite) != 0 && (region->prot & kProtWrite) == 0) {
    Fail("EACCES", "The file was mapped for reading. Map it again with PROT_WRITE.", region->address, region->path);
  }
  const bool executable = (prot & kProtExec) != 0;
  if (executable) RequireCodeSupport();
  const bool was_executable = (region->prot & kProtExec) != 0;
  if (was_executable && !executable) region->EndExecutable();
  if (mprotect(reinterpret_cast<void*>(region->map_base), region->map_size, protection) != 0) {
    const int error = errno;
    if (executable && (error == EACCES || error == EPERM)) {
      Fail("ERR_EXEC_MEMORY_REFUSED",
           "The system refuses executable memory. Look at SELinux or seccomp rules; without it, use the interpreter.",
           region->address);
    }
    FailErrno(error, "mprotect", "", region->path, region->address);
  }
  region->prot = prot;
  if (region->file_range != nullptr) region->file_range->writable.store((prot & kProtWrite) != 0);
  if (executable) {
    PublishCode(reinterpret_cast<void*>(region->map_base), region->map_size, true);
    region->BeginExecutable();
  }
}

}  // namespace

RegionPtr AllocateExecutable(std::uint64_t size, const void* owner) {
  CheckSize(size);
  auto arena = DefaultArena();
  auto block = arena->Reserve(static_cast<std::size_t>(size), CodeArena::kUnit, "", {}, owner);
  arena->Install(block, nullptr, 0);  // callable at once; free memory of an arena holds traps
  auto region = std::make_shared<Region>();
  region->kind = RegionKind::kExecutable;
  region->address = block->address;
  region->size = block->size;
  region->prot = kProtRead | kProtExec;
  region->owner = owner;
  region->life = block->life;
  region->arena = arena;
  return RegionRegistry::Get().Add(std::move(region));
}

RegionPtr AllocateReadWrite(std::uint64_t size, const void* owner) {
  CheckSize(size);
  auto region = std::make_shared<Region>();
  region->kind = RegionKind::kReadWrite;
  region->share = MappingShare(1);
  region->size = static_cast<std::size_t>(size);
  region->map_size = (region->size + PageSize() - 1) / PageSize() * PageSize();
  void* memory = mmap(nullptr, region->map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) FailErrno(errno, "mmap", "Free memory, or raise the limit of address space (ulimit -v).");
  region->map_base = reinterpret_cast<std::uintptr_t>(memory);
  region->address = region->map_base;
  region->prot = kProtRead | kProtWrite;
  region->owner = owner;
  return RegionRegistry::Get().Add(std::move(region));
}

std::size_t WriteCode(std::uint64_t address, const void* code, std::size_t size, std::uint64_t offset) {
  auto& registry = RegionRegistry::Get();
  std::lock_guard<std::recursive_mutex> lock(registry.mutex());
  const RegionPtr region = registry.Starting(address, "writeExecMemory");
  if (region->kind == RegionKind::kFile) {
    Fail("EINVAL", "writeExecMemory writes to memory of allocExecMemory and allocRwMemory, not to mapped files.", address,
         region->path);
  }
  if (offset > region->size || size > region->size - offset) {
    Fail("ERR_OUT_OF_BOUNDS", "writeExecMemory: " + std::to_string(size) + " bytes at offset " + std::to_string(offset) +
                                  " don't fit the " + std::to_string(region->size) + " bytes at " + Hex(address) + ".",
         address);
  }
  if (region->kind == RegionKind::kExecutable) {
    const CodeBlockPtr block = region->arena->Find(region->address);
    // findCode gives the block to anyone, who may close it; other code may be there now.
    if (!block || !(block->life == region->life)) Fail("ERR_NOT_MAPPED", "writeExecMemory: the memory is gone.", address);
    region->arena->Install(block, code, size, static_cast<std::size_t>(offset));
    return size;
  }
  if ((region->prot & kProtWrite) == 0) {
    Fail("EACCES", "The memory at " + Hex(address) + " is not writable (any more). Write before makeExecutable.", address);
  }
  if (size == 0) return 0;  // an empty array may have no memory at all
  std::memcpy(reinterpret_cast<void*>(region->address + static_cast<std::uintptr_t>(offset)), code, size);
  return size;
}

void MakeExecutable(std::uint64_t address, std::uint64_t size) {
  auto& registry = RegionRegistry::Get();
  std::lock_guard<std::recursive_mutex> lock(registry.mutex());
  const RegionPtr region = registry.Exact(address, size, "makeExecutable");
  if (region->kind == RegionKind::kFile) {
    Fail("EINVAL", "makeExecutable is for memory of allocRwMemory. Copy code of a file: it could change under your feet.", address,
         region->path);
  }
  Protect(region, kProtRead | kProtExec);
}

void SetProtection(std::uint64_t address, std::uint64_t size, int prot) {
  auto& registry = RegionRegistry::Get();
  std::lock_guard<std::recursive_mutex> lock(registry.mutex());
  Protect(registry.Exact(address, size, "setProtection"), prot);
}

void FreeRegion(const RegionPtr& region) {
  auto& registry = RegionRegistry::Get();
  std::lock_guard<std::recursive_mutex> lock(registry.mutex());
  registry.Remove(region);
  if (region->kind == RegionKind::kExecutable) {
    const CodeBlockPtr block = region->arena->Find(region->address);
    if (block && block->life == region->life) region->arena->Free(block);
    return;
  }
  region->EndExecutable();
  Retire([region] { munmap(reinterpret_cast<void*>(region->map_base), region->map_size); });
}

ExecTotals CountExecRegions() {
  ExecTotals totals;
  RegionRegistry::Get().ForEach([&](const RegionPtr& region) {
    if (region->kind == RegionKind::kExecutable) {
      ++totals.executable_count;
      totals.executable_bytes += region->size;
    } else if (region->kind == RegionKind::kReadWrite) {
      ++totals.read_write_count;
      totals.read_write_bytes += region->size;
    }
  });
  return totals;
}

void FreeRegionsOwnedBy(const void* owner) {
  RegionRegistry::Get().ForEach([&](const RegionPtr& region) {
    if (region->owner != owner) return;
    if (region->kind == RegionKind::kFile) {
      UnmapFile(region, false);
    } else {
      FreeRegion(region);
    }
  });
}

}  // namespace native_mem
