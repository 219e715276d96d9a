// Files mapped into memory, and reading from them under guard.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "call/thread_state.h"
#include "memory/region_registry.h"

namespace native_mem {

struct FileIdentity {
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
};

struct FileMapping {
  RegionPtr region;
  FileIdentity identity;
};

std::size_t PageSize();

enum class IfUnmappable { kFail, kRead };  // kRead: files of a file system without mmap are read instead

// length 0 = to the end of the file.
FileMapping MapFile(const std::string& path, int prot, int flags, std::uint64_t offset, std::uint64_t length,
                    IfUnmappable if_unmappable, const void* owner);
// The region must be in the registry; it is gone afterwards. `keep_address_space`: a view that we can't detach still
// points there, so the pages are replaced by zeros; give them back by ReleaseAddressSpace.
void UnmapFile(const RegionPtr& region, bool keep_address_space);
void ReleaseAddressSpace(Region& region);

// What MappedFiles hold in this process.
struct HeldTotals {
  std::atomic<std::size_t> count{0};
  std::atomic<std::size_t> bytes{0};
};
HeldTotals& Held();
// Makes a new mapping one of a MappedFile.
void Hold(const RegionPtr& region);

std::uint64_t FileSize(const std::string& path);

// Copies out of any live region; throws ERR_FILE_SHRUNK when a page of it is gone. Bytes behind the end of a file that
// shrank within a page read as zeros, so call CheckFileHas on what was used of them: afterwards, so that a file that
// shrinks between the two is noticed. (One that shrinks and grows again before the check looks as if nothing was.)
void CopyOut(ThreadState& thread, const RegionPtr& region, std::uint64_t offset, void* to, std::size_t count);
void CheckNotLost(const Region& region);
// Throws ERR_FILE_SHRUNK when the file no longer has the bytes [offset, offset + count) of the region. The file is found by
// its path, since a mapping holds no descriptor. Where another file has that path now, or none, or where it can't be
// looked up, nothing is known; a page that vanishes is noticed all the same. On overlayfs a file that is copied up keeps its
// identity: one that gets shorter then counts as shrunk, though the mapping still shows the lower layer's content.
void CheckFileHas(const Region& region, std::uint64_t offset, std::uint64_t count);

}  // namespace native_mem
