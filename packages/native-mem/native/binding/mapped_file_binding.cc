// MappedFile for JavaScript: a mapping by handle, with ArrayBuffers over it that are made on demand.
#include <algorithm>
#include <atomic>
#include <vector>

#include "binding/arguments.h"
#include "memory/file_mapping.h"
#include "memory/protection.h"
#include "memory/region_registry.h"

namespace native_mem {
namespace {

using Lock = std::lock_guard<std::recursive_mutex>;

// V8 counts an external ArrayBuffer as heap memory and collects garbage for large ones, though mapped pages belong to the
// page cache. So a mapping alone isn't counted, and only what is looked at becomes an ArrayBuffer. (The count can't be
// taken back: newer versions of V8 end the process when it would turn negative before they sweep.) What a program holds
// is bounded by our own count: each time this much more is open, V8 is asked to look for forgotten ones.
constexpr std::size_t kNudgeCount = 4096;
constexpr std::size_t kNudgeBytes = std::size_t{16} << 30;
constexpr std::int64_t kNudge = std::int64_t{1} << 40;

std::atomic<std::size_t> g_next_count{kNudgeCount};
std::atomic<std::size_t> g_next_bytes{kNudgeBytes};

void NudgeCollector(napi_env env) {
  const std::size_t count = Held().count.load();
  const std::size_t bytes = Held().bytes.load();
  const bool due = count >= g_next_count.load() || bytes >= g_next_bytes.load();
  // The marks follow what is open, down as well as up.
  g_next_count.store(std::min(due ? SIZE_MAX : g_next_count.load(), count + kNudgeCount));
  g_next_bytes.store(std::min(due ? SIZE_MAX : g_next_bytes.load(), bytes + kNudgeBytes));
  if (!due) return;
  std::int64_t ignored = 0;
  napi_adjust_external_memory(env, kNudge, &ignored);
  napi_adjust_external_memory(env, -kNudge, &ignored);
}

// The JavaScript object of a MappedFile, or an ArrayBuffer over it, for as long as the collector hasn't finalised it.
struct Holder {
  RegionPtr region;
  napi_ref buffer = nullptr;  // weak; null for the MappedFile itself
};

void Release(napi_env env, void*, void* hint) {
  auto* holder = static_cast<Holder*>(hint);
  const RegionPtr region = holder->region;
  auto& registry = RegionRegistry::Get();
  Lock lock(registry.mutex());
  if (holder->buffer != nullptr) napi_delete_reference(env, holder->buffer);
  region->views.erase(holder);
  delete holder;
  if (--region->holders != 0) return;
  if (region->replaced) {
    ReleaseAddressSpace(*region);
  } else if (registry.BySerial(region->serial) == region) {
    UnmapFile(region, false);  // forgotten: nothing refers to it any more
  }
}

enum class Detached {
  kDone,
  kPending,  // the object is collected, its memory not released yet
  kMoved,    // by ArrayBuffer.prototype.transfer: the memory lives on in an object that we don't know
};

Detached Detach(napi_env env, Holder& holder) {
  napi_value buffer = nullptr;
  if (napi_get_reference_value(env, holder.buffer, &buffer) != napi_ok || buffer == nullptr) return Detached::kPending;
  bool detached = false;
  napi_is_detached_arraybuffer(env, buffer, &detached);
  if (detached) return Detached::kMoved;
  return napi_detach_arraybuffer(env, buffer) == napi_ok ? Detached::kDone : Detached::kMoved;
}

// Detaches every view and unmaps. Memory that an ArrayBuffer may still show is replaced by zeros instead: until the last
// holder is released, or, once moved, for good, since nobody would tell us that it is gone.
void CloseHeld(napi_env env, const RegionPtr& region) {
  const std::vector<void*> views(region->views.begin(), region->views.end());
  for (void* view : views) {
    const Detached outcome = Detach(env, *static_cast<Holder*>(view));
    if (outcome != Detached::kDone) region->replaced = true;
    if (outcome == Detached::kMoved) ++region->holders;
  }
  UnmapFile(region, region->replaced);
}

Napi::Object IdentityObject(Napi::Env env, const FileIdentity& file) {
  Napi::Object identity = Napi::Object::New(env);
  identity.Set("dev", Napi::BigInt::New(env, file.dev));
  identity.Set("ino", Napi::BigInt::New(env, file.ino));
  identity.Set("size", Napi::BigInt::New(env, file.size));
  identity.Set("mtimeNs", Napi::BigInt::New(env, file.mtime_ns));
  identity.Set("mode", Napi::BigInt::New(env, static_cast<std::uint64_t>(file.mode)));
  identity.Set("uid", Napi::BigInt::New(env, static_cast<std::uint64_t>(file.uid)));
  return identity;
}

// openMapping(path, writable, offset, length)
Napi::Value OpenMapping(const Napi::CallbackInfo& info, EnvState& state) {
  Napi::Env env = info.Env();
  const std::string path = PathArgument(info[0], "path");
  if (!info[1].IsBoolean()) FailType("writable must be a boolean");
  const bool writable = info[1].As<Napi::Boolean>().Value();
  const std::uint64_t offset = SizeArgument(info[2], "offset");
  const std::uint64_t length = SizeArgument(info[3], "length");
  ThreadOf(state);
  // Without `writable` the view is private and writable all the same: JavaScript has no read-only Uint8Array, and a write
  // to a read-only page would end the process.
  const FileMapping mapping = MapFile(path, kProtRead | kProtWrite, writable ? kMapShared : kMapPrivate, offset, length,
                                      IfUnmappable::kRead, &state);
  const RegionPtr& region = mapping.region;
  Hold(region);
  napi_value handle = nullptr;
  auto* holder = new Holder{region};
  ++region->holders;
  if (napi_create_external(env, nullptr, Release, holder, &handle) != napi_ok) {
    --region->holders;
    delete holder;
    UnmapFile(region, false);
    Fail("ERR_INTERNAL", "The handle of a mapping can't be made.");
  }
  NudgeCollector(env);
  Napi::Object result = Napi::Object::New(env);
  result.Set("handle", Napi::Value(env, handle));
  result.Set("serial", Napi::Number::New(env, static_cast<double>(region->serial)));
  result.Set("address", AddressValue(env, region->address));
  result.Set("size", Napi::Number::New(env, static_cast<double>(region->size)));
  result.Set("mapped", Napi::Boolean::New(env, region->mapped));
  result.Set("stat", IdentityObject(env, mapping.identity));
  return result;
}

// mappingView(serial, offset, length): an ArrayBuffer over part of the mapping; undefined when it is closed.
Napi::Value MappingView(const Napi::CallbackInfo& info, EnvState& state) {
  Napi::Env env = info.Env();
  const std::uint64_t serial = SizeArgument(info[0], "serial");
  const std::uint64_t offset = SizeArgument(info[1], "offset");
  const std::uint64_t length = SizeArgument(info[2], "length");
  auto& registry = RegionRegistry::Get();
  Lock lock(registry.mutex());
  const RegionPtr region = registry.BySerial(serial);
  if (!region || !region->held) return env.Undefined();
  if (offset > region->size || length > region->size - offset) {
    Fail("ERR_OUT_OF_BOUNDS",
         std::to_string(length) + " bytes at offset " + std::to_string(offset) + " lie outside the mapping of '" + region->path +
             "' (" + std::to_string(region->size) + " bytes).",
         region->address, region->path);
  }
  CheckFileHas(*region, offset, length);
  const auto size = static_cast<std::size_t>(length);
  if (size == 0) return Napi::ArrayBuffer::New(env, 0);
  napi_value buffer = nullptr;
  auto* holder = new Holder{region};
  ++region->holders;
  if (napi_create_external_arraybuffer(env, reinterpret_cast<void*>(region->address + static_cast<std::uintptr_t>(offset)), size,
                                       Release, holder, &buffer) != napi_ok) {
    --region->holders;
    delete holder;
    Fail("ERR_UNSUPPORTED", "This runtime doesn't allow ArrayBuffers over foreign memory. Use mmapFile and mmapReadBytes.",
         region->address, region->path);
  }
  if (napi_create_reference(env, buffer, 0, &holder->buffer) != napi_ok) {
    napi_detach_arraybuffer(env, buffer);  // a view that can't be found again could not be detached later
    Fail("ERR_INTERNAL", "A reference to a view can't be made.", region->address, region->path);
  }
  region->views.insert(holder);
  // At its end, Node detaches such buffers and calls Release, moved or not. Ours must come before.
  RenewCleanup(state);
  return Napi::Value(env, buffer);
}

// closeMapping(serial): detaches every view and unmaps; nothing happens when the mapping is closed already.
Napi::Value CloseMapping(const Napi::CallbackInfo& info, EnvState&) {
  const std::uint64_t serial = SizeArgument(info[0], "serial");
  auto& registry = RegionRegistry::Get();
  Lock lock(registry.mutex());
  const RegionPtr region = registry.BySerial(serial);
  if (!region || !region->held) return info.Env().Undefined();
  CloseHeld(info.Env(), region);
  return info.Env().Undefined();
}

// checkMapping(serial, whole): throws ERR_FILE_SHRUNK when a page of the mapping vanished because the file shrank, or, with
// `whole`, when the file no longer has all bytes of it.
Napi::Value CheckMapping(const Napi::CallbackInfo& info, EnvState&) {
  const std::uint64_t serial = SizeArgument(info[0], "serial");
  if (!info[1].IsBoolean()) FailType("whole must be a boolean");
  auto& registry = RegionRegistry::Get();
  Lock lock(registry.mutex());
  const RegionPtr region = registry.BySerial(serial);
  if (region) CheckFileHas(*region, 0, info[1].As<Napi::Boolean>().Value() ? region->size : 0);
  return info.Env().Undefined();
}

// mappedFileTotals(): how many MappedFiles are open in this process, and their bytes.
Napi::Value MappedFileTotals(const Napi::CallbackInfo& info, EnvState&) {
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("count", Napi::Number::New(info.Env(), static_cast<double>(Held().count.load())));
  result.Set("bytes", Napi::Number::New(info.Env(), static_cast<double>(Held().bytes.load())));
  return result;
}

}  // namespace

void CloseMappedFilesOf(EnvState& state) {
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(state.env, &scope) != napi_ok) return;
  RegionRegistry::Get().ForEach([&](const RegionPtr& region) {
    if (region->owner != &state || !region->held) return;
    Lock lock(RegionRegistry::Get().mutex());
    CloseHeld(state.env, region);
  });
  napi_close_handle_scope(state.env, scope);
}

void ExportMappedFile(Napi::Object exports) {
  Export<OpenMapping>(exports, "openMapping");
  Export<MappingView>(exports, "mappingView");
  Export<CloseMapping>(exports, "closeMapping");
  Export<CheckMapping>(exports, "checkMapping");
  Export<MappedFileTotals>(exports, "mappedFileTotals");
}

}  // namespace native_mem
