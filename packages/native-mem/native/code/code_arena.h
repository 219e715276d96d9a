// Pooled executable memory. One address range is reserved; code grows from its low end, data (import slots, data blocks)
// from its high end, so everything lies within reach of everything. Code pages are never writable: bytes get in
// through the descriptor of the memory file that backs them, or, where that is refused, before the pages turn RX.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "code/bit_pool.h"
#include "code/code_life.h"
#include "code/quiescence.h"
#include "code/trap_kind.h"
#include "memory/address_ranges.h"
#include "memory/mapping_share.h"

namespace native_mem {

enum class Backing { kMemoryFile, kProtect };

struct TrapEntry {
  std::uint32_t offset;
  TrapKind kind;
};

struct CodeBlock {
  std::uint64_t serial = 0;
  std::uintptr_t address = 0;
  std::size_t size = 0;
  std::string name;
  std::vector<TrapEntry> traps;  // ascending offsets
  const void* owner = nullptr;
  bool published = false;
  bool reused = false;  // the memory held other code before
  CodeLife life;
};

using CodeBlockPtr = std::shared_ptr<CodeBlock>;

// Memory for the variables and constants of code. It owns whole pages, so that it can become read-only alone.
struct DataBlock {
  std::uint64_t serial = 0;
  std::uintptr_t address = 0;
  std::size_t size = 0;
  std::size_t mapped = 0;  // whole pages
  std::string name;
  const void* owner = nullptr;
  bool sealed = false;
  std::shared_ptr<MappingShare> share;  // while sealed
};

// What a call through a lazy slot finds out; slot 0 = the slot is gone.
struct LazySlot {
  std::uintptr_t slot = 0;
  const void* owner = nullptr;
  std::uint64_t target = 0;  // the entry itself for as long as the slot isn't resolved
};

struct ArenaStats {
  std::size_t reserved = 0;
  std::size_t committed = 0;
  std::size_t used = 0;
  std::size_t code_bytes = 0;
  std::size_t blocks = 0;
  std::size_t data_committed = 0;
  std::size_t data_used = 0;
  std::size_t slots = 0;
  std::size_t lazy_bytes = 0;  // of `used`: entries of lazy slots
  std::size_t data_blocks = 0;
  std::size_t data_bytes = 0;
  Backing backing = Backing::kMemoryFile;
};

class CodeArena : public std::enable_shared_from_this<CodeArena> {
 public:
  static constexpr std::size_t kUnit = 64;
  static constexpr std::size_t kDataUnit = 8;
  static constexpr std::size_t kMaxAlignment = 64 << 10;
  static constexpr std::size_t kMinReserve = 1 << 20;
  static constexpr std::size_t kMaxReserve = (std::size_t{2} << 30) - (1 << 20);

  // Tries `backings` in order; throws ERR_EXEC_MEMORY_REFUSED when none works.
  static std::shared_ptr<CodeArena> Create(std::size_t reserve, const std::vector<Backing>& backings, const void* owner);
  ~CodeArena();

  CodeArena(const CodeArena&) = delete;
  CodeArena& operator=(const CodeArena&) = delete;

  // A place for code, filled with traps; not yet executable by our calls until Install.
  CodeBlockPtr Reserve(std::size_t size, std::size_t alignment, std::string name, std::vector<TrapEntry> traps,
                       const void* owner);
  // Writes code and makes the block callable. Nothing of a block is ever writable and executable.
  void Install(const CodeBlockPtr& block, const void* code, std::size_t size, std::size_t offset = 0);
  // Both at once.
  CodeBlockPtr Allocate(std::size_t size, std::size_t alignment, std::string name, std::vector<TrapEntry> traps, const void* owner,
                        const void* code, std::size_t code_size);
  void Free(const CodeBlockPtr& block);
  // Copies all of a block. Another thread may free it, or close the arena, at any moment: then this throws or comes first.
  void Read(const CodeBlock& block, void* to) const;

  CodeBlockPtr BySerial(std::uint64_t serial) const;
  CodeBlockPtr Find(std::uintptr_t address) const;
  std::vector<CodeBlockPtr> PublishedBlocks() const;

  std::uintptr_t AllocateSlot(std::uint64_t target, const void* owner);
  // A slot that points to an entry of its own, which tells native_mem_lazy_entry who was called. The entry goes with it.
  std::uintptr_t AllocateLazySlot(const void* owner);
  LazySlot FindLazySlot(std::uintptr_t entry) const;
  // Sets the slot of `entry`, unless it is gone.
  void ResolveLazySlot(std::uintptr_t entry, std::uint64_t target);
  // False when there is no such slot (any more).
  bool FreeSlot(std::uintptr_t slot);
  // One atomic store.
  void SetSlot(std::uintptr_t slot, std::uint64_t target);
  std::uint64_t GetSlot(std::uintptr_t slot) const;

  // Zeroed, writable, never executable. A serial of a block that was freed is ERR_CLOSED.
  DataBlock AllocateData(std::size_t size, std::size_t alignment, std::string name, const void* owner);
  void WriteData(std::uint64_t serial, const void* bytes, std::size_t size, std::uint64_t offset);
  void ReadData(std::uint64_t serial, std::uint64_t offset, std::size_t size, void* to) const;
  // Throws what ReadData would.
  void CheckData(std::uint64_t serial, std::uint64_t offset, std::uint64_t size) const;
  // Read-only from now on. Sealing again does nothing.
  void SealData(std::uint64_t serial);
  // False when there is no such block (any more).
  bool FreeData(std::uint64_t serial);
  // The block that holds `address`; serial 0 when none does.
  DataBlock FindData(std::uintptr_t address) const;

  ArenaStats Stats() const;
  void Close();
  void FreeOwnedBy(const void* owner);

  std::uint32_t id() const { return id_; }
  const void* owner() const { return owner_; }
  bool closed() const { return closed_; }
  std::uintptr_t base() const { return base_; }
  std::size_t reserved() const { return reserved_; }

 private:
  CodeArena(std::uintptr_t base, std::size_t reserve, Backing backing, int descriptor, MappingShare share, const void* owner);

  // With the lock held.
  CodeBlockPtr ReserveBlock(std::size_t size, std::size_t alignment, std::string name, std::vector<TrapEntry> traps,
                            const void* owner);
  void InstallBlock(CodeBlock& block, const void* code, std::size_t size, std::size_t offset);
  // Finds memory for block.size bytes.
  void Place(CodeBlock& block, std::size_t alignment);
  void Put(CodeBlock& block, const void* code, std::size_t size, std::size_t offset);
  std::size_t AllocateUnits(std::size_t count, std::size_t alignment);
  void CommitCode(std::size_t from, std::size_t size);
  // A run of data units; `alignment` counts units and applies to the address, so `count` must be a multiple of it.
  std::size_t AllocateDataUnits(std::size_t count, std::size_t alignment);
  void CommitData(std::size_t chunks);
  std::uintptr_t DataAddress(std::size_t first, std::size_t count) const { return base_ + reserved_ - (first + count) * kDataUnit; }
  std::size_t DataUnit(std::uintptr_t address, std::size_t count) const {
    return (base_ + reserved_ - address) / kDataUnit - count;
  }
  void ReleaseData(const DataBlock& block);
  void Write(std::uintptr_t address, const void* bytes, std::size_t size);
  void InstallByProtection(const CodeBlock& block, const void* code, std::size_t size, std::size_t offset);
  void FillWithTraps(std::uintptr_t address, std::size_t size);
  void ReleaseUnits(std::uintptr_t address);
  void CheckOpen() const;
  void CheckSlot(std::uintptr_t slot) const;
  void AddLazyEntries();
  static void CheckAlignment(std::size_t alignment);
  DataBlock& RequireData(std::uint64_t serial);
  const DataBlock& RequireData(std::uint64_t serial) const;
  static std::uint64_t NextSerial();

  mutable std::mutex mutex_;
  const std::uintptr_t base_;
  const std::size_t reserved_;
  const Backing backing_;
  const int descriptor_;
  const MappingShare share_;  // free addresses, code, data
  const void* const owner_;
  const std::uint32_t id_;
  const std::size_t unit_;  // 64, or a page where pages change protection
  bool closed_ = false;
  AddressRanges::Node* range_ = nullptr;
  BitPool code_;
  BitPool data_;
  std::map<std::uintptr_t, CodeBlockPtr> blocks_;
  std::map<std::uint64_t, CodeBlockPtr> by_serial_;
  std::map<std::uintptr_t, const void*> slots_;
  std::map<std::uintptr_t, std::uintptr_t> entry_of_;  // of lazy slots, by slot
  std::map<std::uintptr_t, std::uintptr_t> slot_of_;   // by entry
  std::vector<std::uintptr_t> free_entries_;
  std::size_t lazy_bytes_ = 0;
  std::map<std::uint64_t, DataBlock> data_blocks_;        // by serial
  std::map<std::uintptr_t, std::uint64_t> data_at_;  // serials by address
  std::size_t data_bytes_ = 0;
  std::size_t code_bytes_ = 0;
  std::size_t high_water_ = 0;  // no unit from here on was ever handed out
};

}  // namespace native_mem
