// allocExecMemory and its kin for JavaScript.
#include <vector>

#include "binding/arguments.h"
#include "code/code_lookup.h"
#include "platform/fault_handlers.h"
#include "memory/exec_regions.h"
#include "memory/file_mapping.h"
#include "memory/protection.h"
#include "platform/barriers.h"

namespace native_mem {
namespace {

using Lock = std::lock_guard<std::recursive_mutex>;

Napi::Value AllocExecMemory(const Napi::CallbackInfo& info, EnvState& state) {
  RequireCodeSupport();
  const std::uint64_t size = SizeArgument(info[0], "size");
  ThreadOf(state);
  return AddressValue(info.Env(), AllocateExecutable(size, &state)->address);
}

Napi::Value AllocRwMemory(const Napi::CallbackInfo& info, EnvState& state) {
  return AddressValue(info.Env(), AllocateReadWrite(SizeArgument(info[0], "size"), &state)->address);
}

Napi::Value WriteExecMemory(const Napi::CallbackInfo& info, EnvState&) {
  const std::uint64_t address = AddressArgument(info[0], "address");
  const Bytes code = BytesArgument(info[1], "code");
  const std::uint64_t offset = SizeArgument(info[2], "offset");
  return Napi::Number::New(info.Env(), static_cast<double>(WriteCode(address, code.data, code.size, offset)));
}

Napi::Value MakeExecutableFn(const Napi::CallbackInfo& info, EnvState& state) {
  RequireCodeSupport();
  const std::uint64_t address = AddressArgument(info[0], "address");
  const std::uint64_t size = SizeArgument(info[1], "size");
  ThreadOf(state);
  MakeExecutable(address, size);
  return Napi::Boolean::New(info.Env(), true);
}

Napi::Value FlushIcache(const Napi::CallbackInfo& info, EnvState&) {
  const std::uint64_t address = AddressArgument(info[0], "address");
  const std::uint64_t size = SizeArgument(info[1], "size");
  const CodePlace place = FindCode(address);
  if (!place.life || size > place.start + place.size - address) {
    auto& registry = RegionRegistry::Get();
    Lock lock(registry.mutex());
    registry.Containing(address, size, "flushIcache");
  }
  PublishCode(reinterpret_cast<void*>(address), static_cast<std::size_t>(size), true);
  return info.Env().Undefined();
}

Napi::Value GetFunctionPointer(const Napi::CallbackInfo& info, EnvState&) {
  const std::uint64_t address = AddressArgument(info[0], "address");
  RequireCode(address, "getFunctionPointer");
  return AddressValue(info.Env(), address);
}

Napi::Value FreeExecMemory(const Napi::CallbackInfo& info, EnvState&) {
  const std::uint64_t address = AddressArgument(info[0], "address");
  const std::uint64_t size = SizeArgument(info[1], "size");
  auto& registry = RegionRegistry::Get();
  Lock lock(registry.mutex());
  const RegionPtr region = registry.Exact(address, size, "freeExecMemory");
  if (region->kind == RegionKind::kFile) {
    Fail("EINVAL", "freeExecMemory: the region is a mapped file. Give it back by munmap.", address, region->path);
  }
  FreeRegion(region);
  return Napi::Boolean::New(info.Env(), true);
}

Napi::Value SetProtectionFn(const Napi::CallbackInfo& info, EnvState& state) {
  const std::uint64_t address = AddressArgument(info[0], "address");
  const std::uint64_t size = SizeArgument(info[1], "size");
  const int prot = IntArgument(info[2], "prot");
  ThreadOf(state);
  SetProtection(address, size, prot);
  return Napi::Boolean::New(info.Env(), true);
}

int ProtectionAt(std::uint64_t address, const char* what) {
  const CodePlace place = FindCode(address);
  if (place.block) return kProtRead | kProtExec;
  auto& registry = RegionRegistry::Get();
  Lock lock(registry.mutex());
  return registry.Containing(address, 1, what)->prot;
}

Napi::Value GetProtection(const Napi::CallbackInfo& info, EnvState&) {
  return Napi::Number::New(info.Env(), ProtectionAt(AddressArgument(info[0], "address"), "getProtection"));
}

Napi::Value IsExecutable(const Napi::CallbackInfo& info, EnvState&) {
  const int prot = ProtectionAt(AddressArgument(info[0], "address"), "isExecutable");
  return Napi::Boolean::New(info.Env(), (prot & kProtExec) != 0);
}

Napi::Value ExecMemoryTotals(const Napi::CallbackInfo& info, EnvState&) {
  const ExecTotals totals = CountExecRegions();
  Napi::Object result = Napi::Object::New(info.Env());
  const auto set = [&](const char* name, std::size_t value) {
    result.Set(name, Napi::Number::New(info.Env(), static_cast<double>(value)));
  };
  set("executableCount", totals.executable_count);
  set("executableBytes", totals.executable_bytes);
  set("readWriteCount", totals.read_write_count);
  set("readWriteBytes", totals.read_write_bytes);
  set("pendingFrees", RetiredCount());
  return result;
}

}  // namespace

void ExportExecMemory(Napi::Object exports) {
  Export<AllocExecMemory>(exports, "allocExecMemory");
  Export<AllocRwMemory>(exports, "allocRwMemory");
  Export<WriteExecMemory>(exports, "writeExecMemory");
  Export<MakeExecutableFn>(exports, "makeExecutable");
  Export<FlushIcache>(exports, "flushIcache");
  Export<GetFunctionPointer>(exports, "getFunctionPointer");
  Export<FreeExecMemory>(exports, "freeExecMemory");
  Export<SetProtectionFn>(exports, "setProtection");
  Export<GetProtection>(exports, "getProtection");
  Export<IsExecutable>(exports, "isExecutable");
  Export<ExecMemoryTotals>(exports, "execMemoryTotals");
}

}  // namespace native_mem
