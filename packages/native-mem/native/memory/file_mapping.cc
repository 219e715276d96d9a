// See file_mapping.h. Sources: mmap(2), open(2), POSIX.1-2017 mmap.
#include "memory/file_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <limits>

#include "call/guarded_call.h"
#include "code/quiescence.h"
#include "memory/errors.h"
#include "memory/protection.h"

namespace native_mem {
namespace {

constexpr std::uint64_t kLargestUnmappable = 256ull << 20;  // what we read at most where mmap isn't possible
constexpr std::size_t kReadStep = 64ull * 1024;

struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
};

std::string OpenHint(int error) {
  switch (error) {
    case ENOENT: return "Check the path; relative paths start at process.cwd().";
    case EACCES: return "Give this user permission to the file (and to the folders above it).";
    case EMFILE:
    case ENFILE: return "Too many files are open: close some, or raise the limit (ulimit -n).";
    case EROFS: return "The file system is read-only: open without write.";
    default: return "";
  }
}

void OpenRegular(const std::string& path, bool write, Descriptor& file, struct stat& status) {
  // O_NONBLOCK: opening a FIFO must not wait; it has no effect on regular files.
  file.number = open(path.c_str(), (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file.number < 0) FailErrno(errno, "open", OpenHint(errno), path);
  if (fstat(file.number, &status) != 0) FailErrno(errno, "fstat", "", path);
  if (S_ISDIR(status.st_mode)) FailErrno(EISDIR, "open", "Pass the path of a file.", path);
  if (!S_ISREG(status.st_mode)) {
    Fail("ERR_NOT_REGULAR_FILE", "'" + path + "' is a device, pipe or socket; only regular files can be mapped.",
         std::nullopt, path);
  }
}

FileIdentity IdentityOf(const struct stat& status) {
  FileIdentity identity;
  identity.dev = status.st_dev;
  identity.ino = status.st_ino;
  identity.size = static_cast<std::uint64_t>(status.st_size);
#if defined(__APPLE__)
  const struct timespec& modified = status.st_mtimespec;
#else
  const struct timespec& modified = status.st_mtim;
#endif
  identity.mtime_ns = static_cast<std::int64_t>(modified.tv_sec) * 1'000'000'000 + modified.tv_nsec;
  identity.mode = status.st_mode;
  identity.uid = status.st_uid;
  return identity;
}

// The working directory may change later. Empty when it has no name.
std::string AbsolutePath(const std::string& path) {
  if (path.front() == '/') return path;
  std::string folder(PATH_MAX, '\0');
  if (getcwd(folder.data(), folder.size()) == nullptr) return {};
  folder.resize(std::strlen(folder.c_str()));
  return folder + "/" + path;
}

std::uintptr_t MapAnonymous(std::size_t size, int prot) {
  void* memory = mmap(nullptr, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) FailErrno(errno, "mmap", "Free memory or raise the limit of address space (ulimit -v).");
  return reinterpret_cast<std::uintptr_t>(memory);
}

// The whole file by read(2), for file systems such as /proc and /sys that know no mmap or no sizes.
std::string ReadWhole(int descriptor, const std::string& path) {
  std::string content;
  for (;;) {
    const std::size_t before = content.size();
    content.resize(before + kReadStep);
    const ssize_t got = pread(descriptor, content.data() + before, kReadStep, static_cast<off_t>(before));
    if (got < 0 && errno == EINTR) {
      content.resize(before);
      continue;
    }
    if (got < 0) FailErrno(errno, "read", "", path);
    content.resize(before + static_cast<std::size_t>(got));
    if (got == 0) return content;
    if (content.size() > kLargestUnmappable) {
      Fail("EFBIG", "'" + path + "' can't be mapped by its file system and is too large to be read instead (over 256 MiB).",
           std::nullopt, path);
    }
  }
}

std::size_t RoundUp(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

void CheckRange(std::uint64_t offset, std::uint64_t length, std::uint64_t size, const std::string& path) {
  if (offset <= size && length <= size - offset) return;
  Fail("ERR_OUT_OF_BOUNDS",
       "The range of " + std::to_string(length) + " bytes at offset " + std::to_string(offset) + " lies outside '" + path +
           "', which has " + std::to_string(size) + " bytes.",
       std::nullopt, path);
}

void FillByReading(Region& region, int descriptor, std::uint64_t offset, std::uint64_t length, int prot) {
  const std::string content = ReadWhole(descriptor, region.path);
  CheckRange(offset, length, content.size(), region.path);
  region.size = static_cast<std::size_t>(length != 0 ? length : content.size() - offset);
  region.map_size = RoundUp(region.size == 0 ? 1 : region.size, PageSize());
  region.map_base = MapAnonymous(region.map_size, PROT_READ | PROT_WRITE);
  region.address = region.map_base;
  region.mapped = false;
  region.absolute_path.clear();  // a copy can't shrink
  content.copy(reinterpret_cast<char*>(region.address), region.size, static_cast<std::size_t>(offset));
  if (mprotect(reinterpret_cast<void*>(region.map_base), region.map_size, prot) != 0) {
    const int error = errno;
    munmap(reinterpret_cast<void*>(region.map_base), region.map_size);
    FailErrno(error, "mprotect", "", region.path);
  }
}

}  // namespace

std::size_t PageSize() {
  static const std::size_t size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

int PlatformProtection(int prot) {
  if ((prot & ~(kProtRead | kProtWrite | kProtExec)) != 0) {
    FailRange("prot must be PROT_NONE or a combination of PROT_READ, PROT_WRITE and PROT_EXEC, got " + std::to_string(prot));
  }
  if ((prot & kProtWrite) != 0 && (prot & kProtExec) != 0) {
    Fail("ERR_WRITABLE_AND_EXECUTABLE",
         "Memory is never writable and executable at once. Write first, then call makeExecutable; or use allocExecMemory "
         "and writeExecMemory.");
  }
  return ((prot & kProtRead) != 0 ? PROT_READ : 0) | ((prot & kProtWrite) != 0 ? PROT_WRITE : 0) |
         ((prot & kProtExec) != 0 ? PROT_EXEC : 0);
}

int PlatformAdvice(int advice) {
  switch (advice) {
    case 0: return MADV_NORMAL;
    case 1: return MADV_RANDOM;
    case 2: return MADV_SEQUENTIAL;
    case 3: return MADV_WILLNEED;
    case 4: return MADV_DONTNEED;
    default: FailRange("advice must be one of MADV_NORMAL to MADV_DONTNEED (0 to 4), got " + std::to_string(advice));
  }
}

FileMapping MapFile(const std::string& path, int prot, int flags, std::uint64_t offset, std::uint64_t length,
                    IfUnmappable if_unmappable, const void* owner) {
  const int protection = PlatformProtection(prot);
  const bool shared = (flags & kMapShared) != 0;
  if ((flags & ~(kMapShared | kMapPrivate)) != 0 || shared == ((flags & kMapPrivate) != 0)) {
    Fail("EINVAL",
         "flags must be MAP_SHARED or MAP_PRIVATE. MAP_FIXED could overwrite live memory; for memory without a file call "
         "allocRwMemory.",
         std::nullopt, path);
  }
  Descriptor file;
  struct stat status {};
  OpenRegular(path, shared && (prot & kProtWrite) != 0, file, status);

  FileMapping mapping;
  mapping.identity = IdentityOf(status);
  auto region = std::make_shared<Region>();
  region->kind = RegionKind::kFile;
  region->share = MappingShare(1);
  region->prot = prot;
  region->shared = shared;
  region->path = path;
  region->absolute_path = AbsolutePath(path);
  region->device = mapping.identity.dev;
  region->inode = mapping.identity.ino;
  region->file_offset = offset;
  region->owner = owner;
  const std::uint64_t file_size = mapping.identity.size;
  const bool may_read = if_unmappable == IfUnmappable::kRead && !(shared && (prot & kProtWrite) != 0);

  char probe;
  if (file_size == 0 && may_read && pread(file.number, &probe, 1, 0) > 0) {
    FillByReading(*region, file.number, offset, length, protection);
  } else {
    CheckRange(offset, length, file_size, path);
    const std::uint64_t wanted = length != 0 ? length : file_size - offset;
    const std::uint64_t delta = offset % PageSize();
    if (wanted > std::numeric_limits<std::size_t>::max() / 2) {
      Fail("EFBIG", "'" + path + "' is larger than the address space.", std::nullopt, path);
    }
    region->size = static_cast<std::size_t>(wanted);
    if (region->size == 0) {
      // An empty range still has an address of its own, so that it can be unmapped like any other.
      region->map_size = PageSize();
      region->map_base = MapAnonymous(region->map_size, PROT_NONE);
      region->address = region->map_base;
    } else {
      region->map_size = RoundUp(static_cast<std::size_t>(wanted + delta), PageSize());
      void* memory = mmap(nullptr, region->map_size, protection, shared ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE, file.number,
                          static_cast<off_t>(offset - delta));
      if (memory == MAP_FAILED && errno == ENODEV && may_read) {
        FillByReading(*region, file.number, offset, length, protection);
      } else if (memory == MAP_FAILED) {
        const int error = errno;
        FailErrno(error, "mmap",
                  error == ENODEV   ? "This file system can't map files: read it with fs.readFile."
                  : error == ENOMEM ? "Unmap something, or raise vm.max_map_count or ulimit -v."
                                    : "",
                  path);
      } else {
        region->map_base = reinterpret_cast<std::uintptr_t>(memory);
        region->address = region->map_base + static_cast<std::uintptr_t>(delta);
        region->file_range = FileRanges().Add(region->map_base, region->map_base + region->map_size, &region->lost,
                                         (prot & kProtWrite) != 0);
      }
    }
  }
  if ((prot & kProtExec) != 0 && region->size != 0) region->BeginExecutable();
  mapping.region = RegionRegistry::Get().Add(std::move(region));
  return mapping;
}

HeldTotals& Held() {
  static HeldTotals totals;
  return totals;
}

void Hold(const RegionPtr& region) {
  region->held = true;
  ++Held().count;
  Held().bytes += region->size;
}

void UnmapFile(const RegionPtr& region, bool keep_address_space) {
  RegionRegistry::Get().Remove(region);
  if (region->held) {
    --Held().count;
    Held().bytes -= region->size;
  }
  if (region->file_range != nullptr) FileRanges().Remove(region->file_range);
  region->file_range = nullptr;
  void* base = reinterpret_cast<void*>(region->map_base);
  if (keep_address_space) {
    const int protection = PROT_READ | ((region->prot & kProtWrite) != 0 ? PROT_WRITE : 0);
    // Should that fail, the pages of the file stay, which is as safe.
    static_cast<void>(mmap(base, region->map_size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0));
    region->share = MappingShare();  // zeros merge with zeros
    return;
  }
  if (!region->life) {
    ReleaseAddressSpace(*region);
    return;
  }
  region->EndExecutable();
  Retire([region] { ReleaseAddressSpace(*region); });
}

void ReleaseAddressSpace(Region& region) {
  munmap(reinterpret_cast<void*>(region.map_base), region.map_size);
  region.share = MappingShare();  // the region itself lives until the collector has found its JavaScript object
}

std::uint64_t FileSize(const std::string& path) {
  Descriptor file;
  struct stat status {};
  OpenRegular(path, false, file, status);
  return static_cast<std::uint64_t>(status.st_size);
}

namespace {

[[noreturn]] void FailShrunk(const Region& region) {
  Fail("ERR_FILE_SHRUNK", "'" + region.path + "' became shorter while it was mapped. Close the mapping and open the file again.",
       region.address, region.path);
}

}  // namespace

void CheckNotLost(const Region& region) {
  if (region.lost.load(std::memory_order_relaxed)) FailShrunk(region);
}

void CheckFileHas(const Region& region, std::uint64_t offset, std::uint64_t count) {
  CheckNotLost(region);
  if (count == 0 || region.absolute_path.empty()) return;
  struct stat status {};
  if (stat(region.absolute_path.c_str(), &status) != 0) return;
  const FileIdentity now = IdentityOf(status);
  if (now.dev != region.device || now.ino != region.inode) return;
  if (now.size < region.file_offset + offset + count) FailShrunk(region);
}

void CopyOut(ThreadState& thread, const RegionPtr& region, std::uint64_t offset, void* to, std::size_t count) {
  if ((region->prot & kProtRead) == 0 && region->size != 0) {
    Fail("EACCES", "The region at " + Hex(region->address) + " is not readable. Change it by setProtection first.",
         region->address, region->path);
  }
  CheckNotLost(*region);
  std::uintptr_t fault = 0;
  if (count == 0) return;
  if (!GuardedCopy(thread, to, reinterpret_cast<const void*>(region->address + static_cast<std::uintptr_t>(offset)), count,
                   &fault)) {
    region->lost.store(true, std::memory_order_relaxed);
  }
  CheckNotLost(*region);
}

}  // namespace native_mem
