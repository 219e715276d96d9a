// Every region that this process mapped or allocated through us. All addresses that come in are checked against it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

#include "code/code_life.h"
#include "memory/address_ranges.h"
#include "memory/mapping_share.h"

namespace native_mem {

class CodeArena;

enum class RegionKind { kFile, kReadWrite, kExecutable };

struct Region {
  std::uint64_t serial = 0;
  RegionKind kind = RegionKind::kFile;
  std::uintptr_t address = 0;  // what the user sees
  std::size_t size = 0;
  std::uintptr_t map_base = 0;  // what the system mapped (page-aligned); 0 for memory of an arena
  std::size_t map_size = 0;
  MappingShare share;  // none for memory of an arena
  int prot = 0;
  bool shared = false;
  bool mapped = true;  // false: the bytes were read, because the file system can't map
  std::string path;
  // Which bytes of which file are mapped, to find out whether they are still there. The path is absolute; empty: unknown.
  std::string absolute_path;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t file_offset = 0;
  const void* owner = nullptr;          // the environment that made it
  std::atomic<bool> lost{false};        // a page vanished because the file shrank
  AddressRanges::Node* file_range = nullptr;  // in FileRanges, while a file is mapped
  CodeLife life;                              // while executable
  AddressRanges::Node* code_range = nullptr;  // in CodeRanges, while executable
  std::shared_ptr<CodeArena> arena;     // kExecutable
  // Of a MappedFile: its JavaScript object and the ArrayBuffers over it that the collector hasn't finalised yet.
  bool held = false;
  std::size_t holders = 0;
  std::unordered_set<void*> views;  // those of the holders that are ArrayBuffers
  bool replaced = false;            // closed, but the address space waits for the last holder

  // Memory that the system mapped for us becomes code, or is no longer. Calls that run in it may still end, or fault.
  void BeginExecutable();
  void EndExecutable();
};

using RegionPtr = std::shared_ptr<Region>;

class RegionRegistry {
 public:
  static RegionRegistry& Get();

  // Held by every operation that looks a region up and then uses its memory.
  std::recursive_mutex& mutex() { return mutex_; }

  RegionPtr Add(RegionPtr region);
  // The region that starts at `address` and has `size` bytes; throws ERR_NOT_MAPPED or ERR_OUT_OF_BOUNDS otherwise.
  RegionPtr Exact(std::uint64_t address, std::uint64_t size, const char* what);
  // The region that holds all of [address, address + size).
  RegionPtr Containing(std::uint64_t address, std::uint64_t size, const char* what);
  RegionPtr Starting(std::uint64_t address, const char* what);
  RegionPtr BySerial(std::uint64_t serial);
  void Remove(const RegionPtr& region);
  void ForEach(const std::function<void(const RegionPtr&)>& visit);

 private:
  RegionPtr Around(std::uint64_t address);

  std::recursive_mutex mutex_;
  std::map<std::uintptr_t, RegionPtr> by_address_;
  std::map<std::uint64_t, RegionPtr> by_serial_;
  std::uint64_t next_serial_ = 1;
};

}  // namespace native_mem
