// The data end of arenas for JavaScript: import slots by address, data blocks by serial.
#include "binding/arena_argument.h"
#include "binding/arguments.h"

namespace native_mem {
namespace {

Napi::Value SlotAllocate(const Napi::CallbackInfo& info, EnvState& state) {
  const auto arena = ArenaArgument(info[0]);
  return AddressValue(info.Env(), arena->AllocateSlot(AddressArgument(info[1], "target"), &state));
}

Napi::Value SlotAllocateLazy(const Napi::CallbackInfo& info, EnvState& state) {
  const auto arena = ArenaArgument(info[0]);
  FindScriptLimit(state);
  return AddressValue(info.Env(), arena->AllocateLazySlot(&state));
}

Napi::Value SlotFree(const Napi::CallbackInfo& info, EnvState&) {
  const std::uint64_t slot = AddressArgument(info[1], "slot");
  const auto arena = OpenArenaArgument(info[0]);
  if (arena) arena->FreeSlot(static_cast<std::uintptr_t>(slot));
  return info.Env().Undefined();
}

Napi::Value SlotSet(const Napi::CallbackInfo& info, EnvState&) {
  const std::uint64_t target = AddressArgument(info[2], "target");
  ArenaArgument(info[0])->SetSlot(static_cast<std::uintptr_t>(AddressArgument(info[1], "slot")), target);
  return info.Env().Undefined();
}

Napi::Value SlotGet(const Napi::CallbackInfo& info, EnvState&) {
  return AddressValue(info.Env(), ArenaArgument(info[0])->GetSlot(static_cast<std::uintptr_t>(AddressArgument(info[1], "slot"))));
}

// dataAllocate(arena, size, alignment, name)
Napi::Value DataAllocate(const Napi::CallbackInfo& info, EnvState& state) {
  const auto arena = ArenaArgument(info[0]);
  const std::uint64_t size = SizeArgument(info[1], "size");
  const std::uint64_t alignment = SizeArgument(info[2], "alignment");
  const DataBlock block = arena->AllocateData(static_cast<std::size_t>(size), static_cast<std::size_t>(alignment),
                                              StringArgument(info[3], "name"), &state);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("serial", Napi::Number::New(info.Env(), static_cast<double>(block.serial)));
  result.Set("address", AddressValue(info.Env(), block.address));
  return result;
}

// dataWrite(arena, serial, bytes, offset)
Napi::Value DataWrite(const Napi::CallbackInfo& info, EnvState&) {
  const auto arena = ArenaArgument(info[0]);
  const Bytes bytes = BytesArgument(info[2], "bytes");
  arena->WriteData(SizeArgument(info[1], "serial"), bytes.data, bytes.size, SizeArgument(info[3], "offset"));
  return info.Env().Undefined();
}

// dataRead(arena, serial, offset, length)
Napi::Value DataRead(const Napi::CallbackInfo& info, EnvState&) {
  const auto arena = ArenaArgument(info[0]);
  const std::uint64_t serial = SizeArgument(info[1], "serial");
  const std::uint64_t offset = SizeArgument(info[2], "offset");
  const std::uint64_t length = SizeArgument(info[3], "length");
  arena->CheckData(serial, offset, length);
  Napi::Uint8Array copy = NewBytes(info.Env(), static_cast<std::size_t>(length));
  arena->ReadData(serial, offset, static_cast<std::size_t>(length), copy.Data());
  return copy;
}

Napi::Value DataSeal(const Napi::CallbackInfo& info, EnvState&) {
  ArenaArgument(info[0])->SealData(SizeArgument(info[1], "serial"));
  return info.Env().Undefined();
}

Napi::Value DataFree(const Napi::CallbackInfo& info, EnvState&) {
  const std::uint64_t serial = SizeArgument(info[1], "serial");
  if (const auto arena = OpenArenaArgument(info[0])) arena->FreeData(serial);
  return info.Env().Undefined();
}

}  // namespace

void ExportData(Napi::Object exports) {
  Export<SlotAllocate>(exports, "slotAllocate");
  Export<SlotAllocateLazy>(exports, "slotAllocateLazy");
  Export<SlotFree>(exports, "slotFree");
  Export<SlotSet>(exports, "slotSet");
  Export<SlotGet>(exports, "slotGet");
  Export<DataAllocate>(exports, "dataAllocate");
  Export<DataWrite>(exports, "dataWrite");
  Export<DataRead>(exports, "dataRead");
  Export<DataSeal>(exports, "dataSeal");
  Export<DataFree>(exports, "dataFree");
}

}  // namespace native_mem
