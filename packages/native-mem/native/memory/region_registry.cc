// See region_registry.h.
#include "memory/region_registry.h"

#include <vector>

#include "code/quiescence.h"
#include "memory/errors.h"

namespace native_mem {

void Region::BeginExecutable() {
  if (life) return;
  code_range = CodeRanges().Add(map_base, map_base + map_size);
  life = BeginLife();
}

void Region::EndExecutable() {
  if (!life) return;
  EndLife(life);
  life = CodeLife{};
  Retire([range = code_range] {
    if (range != nullptr) CodeRanges().Remove(range);
  });
  code_range = nullptr;
}

RegionRegistry& RegionRegistry::Get() {
  static RegionRegistry& registry = *new RegionRegistry;
  return registry;
}

RegionPtr RegionRegistry::Add(RegionPtr region) {
  std::lock_guard<std::recursive_mutex> lock(mutex_);
  region->serial = next_serial_++;
  by_address_[region->address] = region;
  by_serial_[region->serial] = region;
  return region;
}

RegionPtr RegionRegistry::Around(std::uint64_t address) {
  auto after = by_address_.upper_bound(static_cast<std::uintptr_t>(address));
  if (after == by_address_.begin()) return nullptr;
  RegionPtr region = std::prev(after)->second;
  const std::uint64_t offset = address - region->address;
  return offset < region->size || offset == 0 ? region : nullptr;
}

RegionPtr RegionRegistry::Exact(std::uint64_t address, std::uint64_t size, const char* what) {
  RegionPtr region = Starting(address, what);
  if (region->size != size) {
    Fail("ERR_OUT_OF_BOUNDS",
         std::string(what) + ": the region at " + Hex(address) + " has " + std::to_string(region->size) + " bytes, not " +
             std::to_string(size) + ". Pass the size that the region was made with.",
         address);
  }
  return region;
}

RegionPtr RegionRegistry::Starting(std::uint64_t address, const char* what) {
  std::lock_guard<std::recursive_mutex> lock(mutex_);
  RegionPtr region = Around(address);
  if (!region) {
    Fail("ERR_NOT_MAPPED",
         std::string(what) + ": no live region at " + Hex(address) +
             ". Pass an address that this package returned and that was not freed since.",
         address);
  }
  if (region->address != address) {
    Fail("ERR_NOT_MAPPED",
         std::string(what) + ": " + Hex(address) + " lies inside the region at " + Hex(region->address) +
             " but is not its start. Pass the start.",
         address);
  }
  return region;
}

RegionPtr RegionRegistry::Containing(std::uint64_t address, std::uint64_t size, const char* what) {
  std::lock_guard<std::recursive_mutex> lock(mutex_);
  RegionPtr region = Around(address);
  if (!region) {
    Fail("ERR_NOT_MAPPED",
         std::string(what) + ": no live region at " + Hex(address) +
             ". Pass an address that this package returned and that was not freed since.",
         address);
  }
  const std::uint64_t offset = address - region->address;
  if (size > region->size - offset) {
    Fail("ERR_OUT_OF_BOUNDS",
         std::string(what) + ": " + std::to_string(size) + " bytes at offset " + std::to_string(offset) +
             " reach past the end of the region at " + Hex(region->address) + " (" + std::to_string(region->size) +
             " bytes).",
         address);
  }
  return region;
}

RegionPtr RegionRegistry::BySerial(std::uint64_t serial) {
  std::lock_guard<std::recursive_mutex> lock(mutex_);
  auto found = by_serial_.find(serial);
  return found == by_serial_.end() ? nullptr : found->second;
}

void RegionRegistry::Remove(const RegionPtr& region) {
  std::lock_guard<std::recursive_mutex> lock(mutex_);
  by_address_.erase(region->address);
  by_serial_.erase(region->serial);
}

void RegionRegistry::ForEach(const std::function<void(const RegionPtr&)>& visit) {
  std::vector<RegionPtr> all;
  {
    std::lock_guard<std::recursive_mutex> lock(mutex_);
    all.reserve(by_address_.size());
    for (const auto& entry : by_address_) all.push_back(entry.second);
  }
  for (const RegionPtr& region : all) visit(region);
}

}  // namespace native_mem
