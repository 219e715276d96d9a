// Mapped files for JavaScript, by address: mmapFile and its kin.
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "binding/arguments.h"
#include "memory/exec_regions.h"
#include "memory/file_mapping.h"
#include "memory/protection.h"
#include "memory/region_registry.h"

namespace native_mem {
namespace {

using Lock = std::lock_guard<std::recursive_mutex>;

Napi::Value MmapFile(const Napi::CallbackInfo& info, EnvState& state) {
  const std::string path = PathArgument(info[0], "path");
  const int prot = IntArgument(info[1], "prot");
  const int flags = IntArgument(info[2], "flags");
  const std::uint64_t offset = SizeArgument(info[3], "offset");
  const std::uint64_t length = SizeArgument(info[4], "length");
  ThreadOf(state);
  const FileMapping mapping = MapFile(path, prot, flags, offset, length, IfUnmappable::kFail, &state);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("address", AddressValue(info.Env(), mapping.region->address));
  result.Set("size", Napi::Number::New(info.Env(), static_cast<double>(mapping.region->size)));
  return result;
}

void RequireFile(const RegionPtr& region, const char* what) {
  if (region->kind == RegionKind::kFile) return;
  Fail("EINVAL", std::string(what) + ": the region was made by allocExecMemory or allocRwMemory. Free it by freeExecMemory.",
       region->address);
}

Napi::Value Munmap(const Napi::CallbackInfo& info, EnvState&) {
  const std::uint64_t address = AddressArgument(info[0], "address");
  const std::uint64_t size = SizeArgument(info[1], "size");
  auto& registry = RegionRegistry::Get();
  Lock lock(registry.mutex());
  const RegionPtr region = registry.Exact(address, size, "munmap");
  RequireFile(region, "munmap");
  if (region->held) {
    Fail("EINVAL", "munmap: a MappedFile owns this mapping. Call its close().", address, region->path);
  }
  UnmapFile(region, false);
  return Napi::Boolean::New(info.Env(), true);
}

Napi::Value MmapReadBytes(const Napi::CallbackInfo& info, EnvState& state) {
  const std::uint64_t address = AddressArgument(info[0], "address");
  const std::uint64_t offset = SizeArgument(info[1], "offset");
  const std::uint64_t length = SizeArgument(info[2], "length");
  auto& registry = RegionRegistry::Get();
  Lock lock(registry.mutex());
  const RegionPtr region = registry.Starting(address, "mmapReadBytes");
  if (offset > region->size || length > region->size - offset) {
    Fail("ERR_OUT_OF_BOUNDS",
         "mmapReadBytes: " + std::to_string(length) + " bytes at offset " + std::to_string(offset) +
             " lie outside the region at " + Hex(address) + " (" + std::to_string(region->size) + " bytes).",
         address, region->path);
  }
  Napi::Uint8Array copy = NewBytes(info.Env(), static_cast<std::size_t>(length));
  CopyOut(ThreadOf(state), region, offset, copy.Data(), static_cast<std::size_t>(length));
  CheckFileHas(*region, offset, length);
  return copy;
}

Napi::Value MmapReadString(const Napi::CallbackInfo& info, EnvState& state) {
  constexpr std::size_t kStep = 4096;
  constexpr std::size_t kLongestString = 0x1fffffe8;  // of V8 on 64-bit platforms
  const std::uint64_t address = AddressArgument(info[0], "address");
  const std::uint64_t offset = SizeArgument(info[1], "offset");
  const std::uint64_t max_length = SizeArgument(info[2], "maxLength");
  auto& registry = RegionRegistry::Get();
  Lock lock(registry.mutex());
  const RegionPtr region = registry.Starting(address, "mmapReadString");
  if (offset > region->size) {
    Fail("ERR_OUT_OF_BOUNDS",
         "mmapReadString: offset " + std::to_string(offset) + " lies outside the region at " + Hex(address) + " (" +
             std::to_string(region->size) + " bytes).",
         address, region->path);
  }
  std::uint64_t left = region->size - offset;
  if (max_length != 0) left = std::min(left, max_length);
  std::string text;
  std::uint64_t used = 0;
  while (left > 0) {
    // Up to the next page boundary, so that a page which vanished behind the terminator is not touched.
    const std::uint64_t at = region->address + offset + text.size();
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(left, kStep - at % kStep));
    const std::size_t before = text.size();
    text.resize(before + step);
    CopyOut(ThreadOf(state), region, offset + before, text.data() + before, step);
    const void* nul = std::memchr(text.data() + before, 0, step);
    if (nul != nullptr) {
      text.resize(static_cast<std::size_t>(static_cast<const char*>(nul) - text.data()));
      used = text.size() + 1;  // the terminator too: behind the end of a file there are zeros
      break;
    }
    used = text.size();
    left -= step;
    if (text.size() > kLongestString) {
      Fail("ERR_STRING_TOO_LONG", "mmapReadString: the text is too long for a string. Pass maxLength, or use mmapReadBytes.",
           address, region->path);
    }
  }
  CheckFileHas(*region, offset, used);
  return Napi::String::New(info.Env(), text);
}

struct PageRange {
  void* start;
  std::size_t size;
};

// The pages that hold [address, address + size), as msync and its kin want them.
PageRange Pages(std::uint64_t address, std::uint64_t size) {
  const std::uint64_t start = address & ~static_cast<std::uint64_t>(PageSize() - 1);
  return {reinterpret_cast<void*>(start), static_cast<std::size_t>(address + size - start)};
}

Napi::Value Msync(const Napi::CallbackInfo& info, EnvState&) {
  const std::uint64_t address = AddressArgument(info[0], "address");
  const std::uint64_t size = SizeArgument(info[1], "size");
  const bool is_async = info[2].IsBoolean() && info[2].As<Napi::Boolean>().Value();
  auto& registry = RegionRegistry::Get();
  Lock lock(registry.mutex());
  const RegionPtr region = registry.Containing(address, size, "msync");
  RequireFile(region, "msync");
  CheckFileHas(*region, address - region->address, size);
  if (size != 0) {
    const PageRange pages = Pages(address, size);
    if (msync(pages.start, pages.size, is_async ? MS_ASYNC : MS_SYNC) != 0) {
      FailErrno(errno, "msync", "The changes may not be on disk.", region->path, address);
    }
  }
  return Napi::Boolean::New(info.Env(), true);
}

template <int (*function)(const void*, std::size_t)>
bool LockPages(const Napi::CallbackInfo& info, const char* what) {
  const std::uint64_t address = AddressArgument(info[0], "address");
  const std::uint64_t size = SizeArgument(info[1], "size");
  auto& registry = RegionRegistry::Get();
  Lock lock(registry.mutex());
  registry.Containing(address, size, what);
  if (size == 0) return true;
  const PageRange pages = Pages(address, size);
  return function(pages.start, pages.size) == 0;
}

Napi::Value Mlock(const Napi::CallbackInfo& info, EnvState&) {
  return Napi::Boolean::New(info.Env(), LockPages<mlock>(info, "mlock"));
}

Napi::Value Munlock(const Napi::CallbackInfo& info, EnvState&) {
  return Napi::Boolean::New(info.Env(), LockPages<munlock>(info, "munlock"));
}

Napi::Value Madvise(const Napi::CallbackInfo& info, EnvState&) {
  const std::uint64_t address = AddressArgument(info[0], "address");
  const std::uint64_t size = SizeArgument(info[1], "size");
  const int advice = PlatformAdvice(IntArgument(info[2], "advice"));
  auto& registry = RegionRegistry::Get();
  Lock lock(registry.mutex());
  const RegionPtr region = registry.Containing(address, size, "madvise");
  // MADV_DONTNEED would throw away code and private data; on the pages of a shared file mapping it only drops a cache.
  if (advice == MADV_DONTNEED && (region->kind != RegionKind::kFile || !region->mapped)) {
    Fail("EINVAL", "madvise: MADV_DONTNEED would destroy what is in this memory. It is for mapped files.", address);
  }
  if (size == 0) return Napi::Boolean::New(info.Env(), true);
  const PageRange pages = Pages(address, size);
  return Napi::Boolean::New(info.Env(), madvise(pages.start, pages.size, advice) == 0);
}

Napi::Value FileSizeForMmap(const Napi::CallbackInfo& info, EnvState&) {
  return Napi::Number::New(info.Env(), static_cast<double>(FileSize(PathArgument(info[0], "path"))));
}

Napi::Value PageSizeOf(const Napi::CallbackInfo& info, EnvState&) {
  return Napi::Number::New(info.Env(), static_cast<double>(PageSize()));
}

}  // namespace

void ExportMapping(Napi::Object exports) {
  Export<MmapFile>(exports, "mmapFile");
  Export<Munmap>(exports, "munmap");
  Export<MmapReadBytes>(exports, "mmapReadBytes");
  Export<MmapReadString>(exports, "mmapReadString");
  Export<Msync>(exports, "msync");
  Export<Mlock>(exports, "mlock");
  Export<Munlock>(exports, "munlock");
  Export<Madvise>(exports, "madvise");
  Export<FileSizeForMmap>(exports, "fileSizeForMmap");
  Export<PageSizeOf>(exports, "pageSize");
}

}  // namespace native_mem
