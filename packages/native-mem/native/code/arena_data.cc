// The data end of a code arena: import slots and data blocks. Units count from the high end downwards. Slots share pages;
// a data block has pages of its own. Writable neighbours are one mapping to the system, and so are sealed ones.
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "code/code_arena.h"
#include "memory/errors.h"
#include "memory/file_mapping.h"

namespace native_mem {
namespace {

constexpr std::size_t kDataChunk = BitPool::kChunkUnits * CodeArena::kDataUnit;  // 8 KiB

std::size_t RoundUp(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

bool MapZeros(std::uintptr_t address, std::size_t size) {
  return mmap(reinterpret_cast<void*>(address), size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
         MAP_FAILED;
}

[[noreturn]] void FailFull(std::size_t reserved) {
  Fail("ENOMEM", "The code arena is full (" + std::to_string(reserved) +
                     " bytes reserved): no room for import slots and data. Close what is no longer needed, or make an arena with "
                     "a larger `reserve`.");
}

void CheckRange(const DataBlock& block, std::uint64_t offset, std::uint64_t size) {
  if (offset <= block.size && size <= block.size - offset) return;
  Fail("ERR_OUT_OF_BOUNDS",
       std::to_string(size) + " bytes at offset " + std::to_string(offset) + " lie outside the data block of " +
           std::to_string(block.size) + " bytes at " + Hex(block.address) + ".",
       block.address);
}

}  // namespace

void CodeArena::CommitData(std::size_t chunks) {
  const std::size_t before = RoundUp(data_.units() * kDataUnit, PageSize());
  const std::size_t after = RoundUp(data_.units() * kDataUnit + chunks * kDataChunk, PageSize());
  if (after + code_.units() * kUnit > reserved_) FailFull(reserved_);
  if (after > before && !MapZeros(base_ + reserved_ - after, after - before)) {
    FailErrno(errno, "mmap", "No memory for import slots and data is left.");
  }
  data_.AddChunks(chunks);
}

std::size_t CodeArena::AllocateDataUnits(std::size_t count, std::size_t alignment) {
  if (const auto first = data_.Allocate(count, alignment)) return *first;
  const auto chunks = data_.ChunksNeeded(count, alignment);
  if (!chunks) FailFull(reserved_);
  CommitData(*chunks);
  const auto first = data_.Allocate(count, alignment);
  if (!first) Fail("ERR_INTERNAL", "The data pool lost a run of free units. Please report this.");
  return *first;
}

std::uintptr_t CodeArena::AllocateSlot(std::uint64_t target, const void* owner) {
  std::lock_guard<std::mutex> lock(mutex_);
  CheckOpen();
  const std::uintptr_t slot = DataAddress(AllocateDataUnits(1, 1), 1);
  slots_[slot] = owner;
  __atomic_store_n(reinterpret_cast<std::uint64_t*>(slot), target, __ATOMIC_RELEASE);
  return slot;
}

void CodeArena::CheckSlot(std::uintptr_t slot) const {
  CheckOpen();
  if (slots_.count(slot) == 0) Fail("ERR_NOT_MAPPED", "No live import slot at " + Hex(slot) + ".", slot);
}

bool CodeArena::FreeSlot(std::uintptr_t slot) {
  std::uintptr_t entry = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_ || slots_.erase(slot) == 0) return false;
    __atomic_store_n(reinterpret_cast<std::uint64_t*>(slot), std::uint64_t{0}, __ATOMIC_RELEASE);
    const auto lazy = entry_of_.find(slot);
    if (lazy != entry_of_.end()) {
      entry = lazy->second;
      slot_of_.erase(entry);
      entry_of_.erase(lazy);
    }
  }
  std::shared_ptr<CodeArena> self = shared_from_this();
  Retire([self, slot, entry] {
    std::lock_guard<std::mutex> lock(self->mutex_);
    if (self->closed_) return;
    self->data_.Free(self->DataUnit(slot, 1));
    if (entry != 0) self->free_entries_.push_back(entry);
  });
  return true;
}

void CodeArena::SetSlot(std::uintptr_t slot, std::uint64_t target) {
  std::lock_guard<std::mutex> lock(mutex_);
  CheckSlot(slot);
  __atomic_store_n(reinterpret_cast<std::uint64_t*>(slot), target, __ATOMIC_RELEASE);
}

std::uint64_t CodeArena::GetSlot(std::uintptr_t slot) const {
  std::lock_guard<std::mutex> lock(mutex_);
  CheckSlot(slot);
  return __atomic_load_n(reinterpret_cast<std::uint64_t*>(slot), __ATOMIC_ACQUIRE);
}

DataBlock CodeArena::AllocateData(std::size_t size, std::size_t alignment, std::string name, const void* owner) {
  ReclaimRetired();
  std::lock_guard<std::mutex> lock(mutex_);
  CheckOpen();
  if (size == 0 || size > reserved_) {
    FailRange("The size of data must be from 1 to " + std::to_string(reserved_) + " bytes, got " + std::to_string(size));
  }
  CheckAlignment(alignment);
  // Units count downwards: the end of a run is its lowest address, so the length carries the alignment too.
  const std::size_t step = std::max(alignment, PageSize());
  DataBlock block;
  block.mapped = RoundUp(size, step);
  const std::size_t units = block.mapped / kDataUnit;
  block.address = DataAddress(AllocateDataUnits(units, step / kDataUnit), units);
  block.serial = NextSerial();
  block.size = size;
  block.name = std::move(name);
  block.owner = owner;
  // Slots may have been in these pages, or code gone wild may have written there.
  if (!MapZeros(block.address, block.mapped)) {
    const int error = errno;
    data_.Free(DataUnit(block.address, units));
    FailErrno(error, "mmap", "No memory for data is left, or too many mappings: close data blocks, or raise vm.max_map_count.");
  }
  data_blocks_[block.serial] = block;
  data_at_[block.address] = block.serial;
  data_bytes_ += size;
  return block;
}

const DataBlock& CodeArena::RequireData(std::uint64_t serial) const {
  CheckOpen();
  const auto found = data_blocks_.find(serial);
  if (found == data_blocks_.end()) Fail("ERR_CLOSED", "The data block is closed.");
  return found->second;
}

DataBlock& CodeArena::RequireData(std::uint64_t serial) {
  return const_cast<DataBlock&>(static_cast<const CodeArena*>(this)->RequireData(serial));
}

void CodeArena::WriteData(std::uint64_t serial, const void* bytes, std::size_t size, std::uint64_t offset) {
  std::lock_guard<std::mutex> lock(mutex_);
  const DataBlock& block = RequireData(serial);
  CheckRange(block, offset, size);
  if (block.sealed) Fail("EACCES", "The data block at " + Hex(block.address) + " is sealed. Write before seal().", block.address);
  if (size != 0) std::memcpy(reinterpret_cast<void*>(block.address + static_cast<std::uintptr_t>(offset)), bytes, size);
}

void CodeArena::ReadData(std::uint64_t serial, std::uint64_t offset, std::size_t size, void* to) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const DataBlock& block = RequireData(serial);
  CheckRange(block, offset, size);
  if (size != 0) std::memcpy(to, reinterpret_cast<const void*>(block.address + static_cast<std::uintptr_t>(offset)), size);
}

void CodeArena::CheckData(std::uint64_t serial, std::uint64_t offset, std::uint64_t size) const {
  std::lock_guard<std::mutex> lock(mutex_);
  CheckRange(RequireData(serial), offset, size);
}

void CodeArena::SealData(std::uint64_t serial) {
  std::lock_guard<std::mutex> lock(mutex_);
  DataBlock& block = RequireData(serial);
  if (block.sealed) return;
  auto share = std::make_shared<MappingShare>(2);  // itself, and what it cuts off
  if (mprotect(reinterpret_cast<void*>(block.address), block.mapped, PROT_READ) != 0) {
    FailErrno(errno, "mprotect", "Close data blocks, or raise vm.max_map_count.", {}, block.address);
  }
  block.sealed = true;
  block.share = std::move(share);
}

bool CodeArena::FreeData(std::uint64_t serial) {
  DataBlock block;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = data_blocks_.find(serial);
    if (closed_ || found == data_blocks_.end()) return false;
    block = std::move(found->second);
    data_blocks_.erase(found);
    data_at_.erase(block.address);
    data_bytes_ -= block.size;
  }
  std::shared_ptr<CodeArena> self = shared_from_this();
  Retire([self, block] { self->ReleaseData(block); });
  return true;
}

// Fresh pages are writable for whoever comes next, slots too, and the memory goes back to the system until then.
void CodeArena::ReleaseData(const DataBlock& block) {
  std::lock_guard<std::mutex> lock(mutex_);
  // Should that fail, the units stay in use: better lost than handed out with old content.
  if (closed_ || !MapZeros(block.address, block.mapped)) return;
  data_.Free(DataUnit(block.address, block.mapped / kDataUnit));
}

DataBlock CodeArena::FindData(std::uintptr_t address) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto after = data_at_.upper_bound(address);
  if (after == data_at_.begin()) return {};
  const DataBlock& block = data_blocks_.at(std::prev(after)->second);
  return address - block.address < block.size ? block : DataBlock{};
}

}  // namespace native_mem
