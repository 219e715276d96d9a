// Lazy slots of a code arena. Until it is resolved, such a slot points to an entry of its own: a few bytes of code that put
// their address into r11 and go to native_mem_lazy_entry. Entries come in batches, so that a slot costs no system call, and
// are used again when their slot is freed; a batch goes with its arena.
#include <array>

#include "code/code_arena.h"
#include "platform/lazy_entry.h"

namespace native_mem {

void CodeArena::AddLazyEntries() {
  std::array<unsigned char, kLazyBatch> code{};
  const std::size_t count = WriteLazyEntries(code.data(), code.size());
  CodeBlock batch;
  batch.size = code.size();
  Place(batch, kUnit);
  lazy_bytes_ += code.size();  // should writing fail, the batch is lost to the arena
  Put(batch, code.data(), code.size(), 0);
  for (std::size_t i = count; i-- > 0;) free_entries_.push_back(batch.address + i * kLazyEntry);
}

std::uintptr_t CodeArena::AllocateLazySlot(const void* owner) {
  ReclaimRetired();
  std::lock_guard<std::mutex> lock(mutex_);
  CheckOpen();
  const std::uintptr_t slot = DataAddress(AllocateDataUnits(1, 1), 1);
  try {
    if (free_entries_.empty()) AddLazyEntries();
  } catch (...) {
    data_.Free(DataUnit(slot, 1));
    throw;
  }
  const std::uintptr_t entry = free_entries_.back();
  free_entries_.pop_back();
  slots_[slot] = owner;
  entry_of_[slot] = entry;
  slot_of_[entry] = slot;
  __atomic_store_n(reinterpret_cast<std::uint64_t*>(slot), std::uint64_t{entry}, __ATOMIC_RELEASE);
  return slot;
}

LazySlot CodeArena::FindLazySlot(std::uintptr_t entry) const {
  std::lock_guard<std::mutex> lock(mutex_);
  LazySlot lazy;
  const auto found = slot_of_.find(entry);
  if (found == slot_of_.end()) return lazy;
  lazy.slot = found->second;
  lazy.owner = slots_.at(lazy.slot);
  lazy.target = __atomic_load_n(reinterpret_cast<std::uint64_t*>(lazy.slot), __ATOMIC_ACQUIRE);
  return lazy;
}

void CodeArena::ResolveLazySlot(std::uintptr_t entry, std::uint64_t target) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = slot_of_.find(entry);
  if (found != slot_of_.end()) __atomic_store_n(reinterpret_cast<std::uint64_t*>(found->second), target, __ATOMIC_RELEASE);
}

}  // namespace native_mem
