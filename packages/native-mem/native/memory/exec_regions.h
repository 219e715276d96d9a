// The memory of the allocExecMemory and allocRwMemory calls: regions of the registry, their protection and statistics.
#pragma once

#include <cstdint>

#include "memory/region_registry.h"

namespace native_mem {

RegionPtr AllocateExecutable(std::uint64_t size, const void* owner);
RegionPtr AllocateReadWrite(std::uint64_t size, const void* owner);
std::size_t WriteCode(std::uint64_t address, const void* code, std::size_t size, std::uint64_t offset);
void MakeExecutable(std::uint64_t address, std::uint64_t size);
void SetProtection(std::uint64_t address, std::uint64_t size, int prot);
void FreeRegion(const RegionPtr& region);

struct ExecTotals {
  std::size_t executable_count = 0;
  std::size_t executable_bytes = 0;
  std::size_t read_write_count = 0;
  std::size_t read_write_bytes = 0;
};

ExecTotals CountExecRegions();
// Everything that `owner` (an environment that ends) still has.
void FreeRegionsOwnedBy(const void* owner);

}  // namespace native_mem
