// See code_arena.h. Sources: mmap(2), memfd_create(2), pwrite(2).
#include "code/code_arena.h"

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "code/code_observers.h"
#include "memory/errors.h"
#include "memory/file_mapping.h"
#include "platform/barriers.h"
#include "platform/code_file.h"

namespace native_mem {
namespace {

constexpr std::size_t kCodeChunk = BitPool::kChunkUnits * CodeArena::kUnit;  // 64 KiB
constexpr std::uintptr_t kReach = (std::uintptr_t{2} << 30) - (1 << 20);     // of a 32-bit displacement
constexpr std::uintptr_t kPlacementStep = std::uintptr_t{64} << 20;
constexpr unsigned char kTrapByte = 0xCC;  // int3

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

std::atomic<std::uint32_t> g_next_arena{1};

std::size_t RoundUp(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

std::uintptr_t TryReserve(std::uintptr_t where, std::size_t size, int extra) {
  void* got = mmap(reinterpret_cast<void*>(where), size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | extra, -1, 0);
  if (got == MAP_FAILED) return 0;
  const auto address = reinterpret_cast<std::uintptr_t>(got);
  if (where != 0 && address != where) {  // a kernel that doesn't know the flag took `where` as a hint
    munmap(got, size);
    return 0;
  }
  return address;
}

// Within reach of the addon itself where possible, so that code may also refer to what lies next to it.
std::uintptr_t ReserveRange(std::size_t size) {
  static const char anchor = 0;
  const auto here = reinterpret_cast<std::uintptr_t>(&anchor) & ~(kPlacementStep - 1);
  for (std::uintptr_t away = size; away <= kReach; away += kPlacementStep) {
    if (here > away) {
      if (const std::uintptr_t base = TryReserve(here - away, size, MAP_FIXED_NOREPLACE)) return base;
    }
    if (away + kPlacementStep <= kReach) {
      if (const std::uintptr_t base = TryReserve(here + kPlacementStep + (away - size), size, MAP_FIXED_NOREPLACE)) return base;
    }
  }
  // The system chooses, by pages. What it gives beyond an aligned range goes back.
  const std::uintptr_t got = TryReserve(0, size + CodeArena::kMaxAlignment, 0);
  if (got == 0) {
    FailErrno(errno, "mmap", "No address range of " + std::to_string(size) +
                                 " bytes is free: pass a smaller `reserve`, or raise ulimit -v.");
  }
  const std::uintptr_t base = RoundUp(got, CodeArena::kMaxAlignment);
  if (base > got) munmap(reinterpret_cast<void*>(got), base - got);
  if (const std::uintptr_t rest = got + CodeArena::kMaxAlignment - base) munmap(reinterpret_cast<void*>(base + size), rest);
  return base;
}

// Finds out whether the system lets us execute such memory, by asking for a page of it.
bool Probe(Backing backing, int& descriptor, int& error) {
  const std::size_t page = PageSize();
  descriptor = -1;
  void* memory = MAP_FAILED;
  bool works = false;
  if (backing == Backing::kMemoryFile) {
    descriptor = CreateCodeFile();
    if (descriptor >= 0 && ftruncate(descriptor, static_cast<off_t>(page)) == 0) {
      memory = mmap(nullptr, page, PROT_READ | PROT_EXEC, MAP_SHARED, descriptor, 0);
      works = memory != MAP_FAILED;
    }
  } else {
    memory = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    works = memory != MAP_FAILED && mprotect(memory, page, PROT_READ | PROT_EXEC) == 0;
  }
  if (!works) error = errno;
  if (memory != MAP_FAILED) munmap(memory, page);
  if (!works && descriptor >= 0) {
    close(descriptor);
    descriptor = -1;
  }
  return works;
}

}  // namespace

std::shared_ptr<CodeArena> CodeArena::Create(std::size_t reserve, const std::vector<Backing>& backings, const void* owner) {
  if (reserve < kMinReserve || reserve > kMaxReserve) {
    FailRange("reserve must be from " + std::to_string(kMinReserve) + " to " + std::to_string(kMaxReserve) + " bytes, got " +
              std::to_string(reserve));
  }
  reserve = RoundUp(reserve, kCodeChunk);
  MappingShare share(3);
  int descriptor = -1;
  int error = EPERM;
  for (const Backing backing : backings) {
    if (!Probe(backing, descriptor, error)) continue;
    try {
      const std::uintptr_t base = ReserveRange(reserve);
      return std::shared_ptr<CodeArena>(new CodeArena(base, reserve, backing, descriptor, std::move(share), owner));
    } catch (...) {
      if (descriptor >= 0) close(descriptor);
      throw;
    }
  }
  Fail("ERR_EXEC_MEMORY_REFUSED",
       std::string("The system refuses executable memory (") + std::strerror(error) +
           "). Look at SELinux or seccomp rules, vm.memfd_noexec and noexec policies of the container; without it, use the "
           "interpreter.");
}

CodeArena::CodeArena(std::uintptr_t base, std::size_t reserve, Backing backing, int descriptor, MappingShare share,
                     const void* owner)
    : base_(base),
      reserved_(reserve),
      backing_(backing),
      descriptor_(descriptor),
      share_(std::move(share)),
      owner_(owner),
      id_(g_next_arena.fetch_add(1)),
      unit_(backing == Backing::kMemoryFile ? kUnit : PageSize()),
      code_(reserve / kUnit),
      data_(reserve / kDataUnit) {
  range_ = CodeRanges().Add(base_, base_ + reserved_);
}

CodeArena::~CodeArena() { Close(); }

std::uint64_t CodeArena::NextSerial() {
  static std::atomic<std::uint64_t> next{1};
  return next.fetch_add(1);
}

void CodeArena::CheckAlignment(std::size_t alignment) {
  if (alignment != 0 && (alignment & (alignment - 1)) == 0 && alignment <= kMaxAlignment) return;
  FailRange("alignment must be a power of two up to " + std::to_string(kMaxAlignment) + ", got " + std::to_string(alignment));
}

void CodeArena::CheckOpen() const {
  if (closed_) Fail("ERR_CLOSED", "The code arena is closed. Make a new one, or use CodeArena.default().");
}

void CodeArena::CommitCode(std::size_t from, std::size_t size) {
  const std::size_t data_committed = data_.units() * kDataUnit;
  if (from + size > reserved_ - RoundUp(data_committed, PageSize())) {
    Fail("ENOMEM", "The code arena is full (" + std::to_string(reserved_) + " bytes reserved). Close blocks that are no longer "
                   "needed, or make an arena with a larger `reserve`.");
  }
  if (backing_ == Backing::kProtect) return;  // pages are mapped one allocation at a time
  if (ftruncate(descriptor_, static_cast<off_t>(from + size)) != 0) FailErrno(errno, "ftruncate", "No memory for code is left.");
  FillWithTraps(base_ + from, size);
  void* wanted = reinterpret_cast<void*>(base_ + from);
  if (mmap(wanted, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, descriptor_, static_cast<off_t>(from)) == MAP_FAILED) {
    FailErrno(errno, "mmap", "No more executable memory can be mapped.");
  }
}

std::size_t CodeArena::AllocateUnits(std::size_t count, std::size_t alignment) {
  if (const auto first = code_.Allocate(count, alignment)) return *first;
  const auto chunks = code_.ChunksNeeded(count, alignment);
  if (!chunks) {
    Fail("ENOMEM", "The code arena is full (" + std::to_string(reserved_) + " bytes reserved). Close blocks that are no longer "
                   "needed, or make an arena with a larger `reserve`.");
  }
  CommitCode(code_.units() * kUnit, *chunks * kCodeChunk);
  code_.AddChunks(*chunks);
  const auto first = code_.Allocate(count, alignment);
  if (!first) Fail("ERR_INTERNAL", "The code pool lost a run of free units. Please report this.");
  return *first;
}

void CodeArena::Place(CodeBlock& block, std::size_t alignment) {
  const std::size_t rounded = RoundUp(block.size, unit_);
  const std::size_t first = AllocateUnits(rounded / kUnit, std::max(alignment, unit_) / kUnit);
  block.address = base_ + first * kUnit;
  if (backing_ == Backing::kProtect &&
      mmap(reinterpret_cast<void*>(block.address), rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
           0) == MAP_FAILED) {
    const int error = errno;
    code_.Free(first);
    FailErrno(error, "mmap", "No memory for code is left.");
  }
  block.reused = first < high_water_;
  high_water_ = std::max(high_water_, first + rounded / kUnit);
}

CodeBlockPtr CodeArena::Reserve(std::size_t size, std::size_t alignment, std::string name, std::vector<TrapEntry> traps,
                                const void* owner) {
  ReclaimRetired();
  std::lock_guard<std::mutex> lock(mutex_);
  return ReserveBlock(size, alignment, std::move(name), std::move(traps), owner);
}

CodeBlockPtr CodeArena::Allocate(std::size_t size, std::size_t alignment, std::string name, std::vector<TrapEntry> traps,
                                 const void* owner, const void* code, std::size_t code_size) {
  ReclaimRetired();
  CodeBlockPtr block;
  try {
    std::lock_guard<std::mutex> lock(mutex_);
    block = ReserveBlock(size, alignment, std::move(name), std::move(traps), owner);
    InstallBlock(*block, code, code_size, 0);
  } catch (...) {
    if (block) Free(block);
    throw;
  }
  return block;
}

CodeBlockPtr CodeArena::ReserveBlock(std::size_t size, std::size_t alignment, std::string name, std::vector<TrapEntry> traps,
                                     const void* owner) {
  CheckOpen();
  if (size == 0 || size > reserved_) {
    FailRange("The size of code must be from 1 to " + std::to_string(reserved_) + " bytes, got " + std::to_string(size));
  }
  CheckAlignment(alignment);
  auto block = std::make_shared<CodeBlock>();
  block->size = size;
  block->life = BeginLife();
  try {
    Place(*block, alignment);
  } catch (...) {
    EndLife(block->life);
    throw;
  }
  block->serial = NextSerial();
  block->name = std::move(name);
  block->traps = std::move(traps);
  block->owner = owner;
  blocks_[block->address] = block;
  by_serial_[block->serial] = block;
  code_bytes_ += size;
  return block;
}

// Through the descriptor: the pages themselves stay as they are.
void CodeArena::Write(std::uintptr_t address, const void* bytes, std::size_t size) {
  const char* from = static_cast<const char*>(bytes);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t wrote = pwrite(descriptor_, from + done, size - done, static_cast<off_t>(address - base_ + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) FailErrno(wrote < 0 ? errno : EIO, "pwrite", "No memory for code is left.");
    done += static_cast<std::size_t>(wrote);
  }
}

// The pages of a block belong to it alone; while they are written they can't be executed.
void CodeArena::InstallByProtection(const CodeBlock& block, const void* code, std::size_t size, std::size_t offset) {
  void* pages = reinterpret_cast<void*>(block.address);
  const std::size_t length = RoundUp(block.size, unit_);
  if (block.published && mprotect(pages, length, PROT_READ | PROT_WRITE) != 0) FailErrno(errno, "mprotect", "");
  if (!block.published) std::memset(pages, kTrapByte, length);
  if (size != 0) std::memcpy(reinterpret_cast<void*>(block.address + offset), code, size);
  if (mprotect(pages, length, PROT_READ | PROT_EXEC) != 0) {
    FailErrno(errno, "mprotect", "The system refuses executable memory.");
  }
}

void CodeArena::FillWithTraps(std::uintptr_t address, std::size_t size) {
  constexpr std::size_t piece = 4096;
  static const std::vector<unsigned char> traps(piece, kTrapByte);
  // The same piece up to sixteen times in one call.
  iovec pieces[16];
  for (iovec& each : pieces) each = {const_cast<unsigned char*>(traps.data()), piece};
  for (std::size_t done = 0; done < size;) {
    const std::size_t left = size - done;
    if (left < 2 * piece) {
      const std::size_t length = std::min(piece, left);
      Write(address + done, traps.data(), length);
      done += length;
      continue;
    }
    const std::size_t count = std::min(std::size(pieces), left / piece);
    const ssize_t wrote = pwritev(descriptor_, pieces, static_cast<int>(count), static_cast<off_t>(address - base_ + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) FailErrno(wrote < 0 ? errno : EIO, "pwritev", "No memory for code is left.");
    done += static_cast<std::size_t>(wrote);
  }
}

void CodeArena::Install(const CodeBlockPtr& block, const void* code, std::size_t size, std::size_t offset) {
  std::lock_guard<std::mutex> lock(mutex_);
  InstallBlock(*block, code, size, offset);
}

void CodeArena::InstallBlock(CodeBlock& block, const void* code, std::size_t size, std::size_t offset) {
  CheckOpen();
  if (!IsAlive(block.life)) Fail("ERR_CODE_FREED", "The code block is closed.", block.address);
  if (offset > block.size || size > block.size - offset) {
    Fail("ERR_OUT_OF_BOUNDS", std::to_string(size) + " bytes at offset " + std::to_string(offset) + " don't fit the " +
                                  std::to_string(block.size) + " bytes at " + Hex(block.address) + ".",
         block.address);
  }
  Put(block, code, size, offset);
  ObserveInstalled(block);
}

void CodeArena::Put(CodeBlock& block, const void* code, std::size_t size, std::size_t offset) {
  if (backing_ == Backing::kProtect) {
    InstallByProtection(block, code, size, offset);
  } else {
    Write(block.address + offset, code, size);
  }
  PublishCode(reinterpret_cast<void*>(block.address + offset), size, block.reused || block.published);
  block.published = true;
}

void CodeArena::Free(const CodeBlockPtr& block) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_ || by_serial_.erase(block->serial) == 0) return;
    EndLife(block->life);
    code_bytes_ -= block->size;
    ObserveFreed(*block);
  }
  std::shared_ptr<CodeArena> self = shared_from_this();
  Retire([self, address = block->address] { self->ReleaseUnits(address); });
}

void CodeArena::ReleaseUnits(std::uintptr_t address) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return;
  blocks_.erase(address);
  const std::size_t first = (address - base_) / kUnit;
  const auto units = code_.RunLength(first);
  if (!units) return;
  if (backing_ == Backing::kProtect) {
    // Executable again, so that code and freed code are one mapping to the system. Should that fail, the units stay in use:
    // better lost than callable.
    void* pages = reinterpret_cast<void*>(address);
    const std::size_t length = *units * kUnit;
    if (mprotect(pages, length, PROT_READ | PROT_WRITE) != 0) return;
    std::memset(pages, kTrapByte, length);
    if (mprotect(pages, length, PROT_READ | PROT_EXEC) != 0) return;
  } else {
    FillWithTraps(address, *units * kUnit);
  }
  code_.Free(first);
}

void CodeArena::Read(const CodeBlock& block, void* to) const {
  std::lock_guard<std::mutex> lock(mutex_);
  CheckOpen();
  if (!IsAlive(block.life)) Fail("ERR_CODE_FREED", "The code block is closed.", block.address);
  std::memcpy(to, reinterpret_cast<const void*>(block.address), block.size);
}

CodeBlockPtr CodeArena::BySerial(std::uint64_t serial) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = by_serial_.find(serial);
  return found == by_serial_.end() ? nullptr : found->second;
}

CodeBlockPtr CodeArena::Find(std::uintptr_t address) const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto after = blocks_.upper_bound(address);
  if (after == blocks_.begin()) return nullptr;
  const CodeBlockPtr block = std::prev(after)->second;
  return address - block->address < block->size ? block : nullptr;
}

std::vector<CodeBlockPtr> CodeArena::PublishedBlocks() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<CodeBlockPtr> all;
  for (const auto& entry : by_serial_) {
    if (entry.second->published) all.push_back(entry.second);
  }
  return all;
}

ArenaStats CodeArena::Stats() const {
  std::lock_guard<std::mutex> lock(mutex_);
  ArenaStats stats;
  stats.backing = backing_;
  if (closed_) return stats;
  stats.reserved = reserved_;
  stats.committed = code_.units() * kUnit;
  stats.used = code_.used_units() * kUnit;
  stats.code_bytes = code_bytes_;
  stats.blocks = by_serial_.size();
  stats.data_committed = RoundUp(data_.units() * kDataUnit, PageSize());
  stats.data_used = data_.used_units() * kDataUnit;
  stats.slots = slots_.size();
  stats.lazy_bytes = lazy_bytes_;
  stats.data_blocks = data_blocks_.size();
  stats.data_bytes = data_bytes_;
  return stats;
}

void CodeArena::FreeOwnedBy(const void* owner) {
  std::vector<CodeBlockPtr> blocks;
  std::vector<std::uintptr_t> slots;
  std::vector<std::uint64_t> data;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return;
    for (const auto& entry : by_serial_) {
      if (entry.second->owner == owner) blocks.push_back(entry.second);
    }
    for (const auto& entry : slots_) {
      if (entry.second == owner) slots.push_back(entry.first);
    }
    for (const auto& entry : data_blocks_) {
      if (entry.second.owner == owner) data.push_back(entry.first);
    }
  }
  for (const auto& block : blocks) Free(block);
  for (const auto slot : slots) FreeSlot(slot);
  for (const auto serial : data) FreeData(serial);
}

void CodeArena::Close() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return;
    closed_ = true;
    for (const auto& entry : blocks_) {
      EndLife(entry.second->life);
      ObserveFreed(*entry.second);
    }
    blocks_.clear();
    by_serial_.clear();
    slots_.clear();
    entry_of_.clear();
    slot_of_.clear();
    data_blocks_.clear();
    data_at_.clear();
  }
  Retire([base = base_, size = reserved_, descriptor = descriptor_, range = range_] {
    CodeRanges().Remove(range);
    munmap(reinterpret_cast<void*>(base), size);
    if (descriptor >= 0) close(descriptor);
  });
}

}  // namespace native_mem
