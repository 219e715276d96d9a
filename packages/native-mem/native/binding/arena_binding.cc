// Code arenas for JavaScript. Arenas go by number, blocks by a serial number that is never used twice, so that a stale
// handle can't reach what was allocated later at the same address.
#include <algorithm>
#include <vector>

#include "binding/arena_argument.h"
#include "binding/arguments.h"
#include "code/code_lookup.h"
#include "platform/fault_handlers.h"

namespace native_mem {
namespace {

CodeBlockPtr BlockArgument(const std::shared_ptr<CodeArena>& arena, const Napi::Value& value) {
  CodeBlockPtr block = arena->BySerial(SizeArgument(value, "serial"));
  if (!block) Fail("ERR_CODE_FREED", "The code block is closed.");
  return block;
}

Napi::Value ArenaPlace(Napi::Env env, const CodeArena& arena) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("id", Napi::Number::New(env, arena.id()));
  result.Set("address", AddressValue(env, arena.base()));
  result.Set("size", Napi::Number::New(env, static_cast<double>(arena.reserved())));
  return result;
}

Napi::Value ArenaDefault(const Napi::CallbackInfo& info, EnvState& state) {
  RequireCodeSupport();
  ThreadOf(state);
  return ArenaPlace(info.Env(), *DefaultArena());
}

// arenaCreate(reserve, backings?: ('memfd' | 'mprotect')[], in order of preference)
Napi::Value ArenaCreate(const Napi::CallbackInfo& info, EnvState& state) {
  RequireCodeSupport();
  const std::uint64_t reserve = SizeArgument(info[0], "reserve");
  if (!info[1].IsUndefined() && !info[1].IsArray()) FailType("backing must be an array");
  const Napi::Array names = info[1].IsUndefined() ? Napi::Array::New(info.Env()) : info[1].As<Napi::Array>();
  std::vector<Backing> backings;
  if (info[1].IsUndefined()) backings = PreferredBackings();
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = StringArgument(names.Get(i), "backing");
    if (name == "memfd") {
      backings.push_back(Backing::kMemoryFile);
    } else if (name == "mprotect") {
      backings.push_back(Backing::kProtect);
    } else {
      FailRange("backing must hold 'memfd' and 'mprotect' only, got '" + name + "'");
    }
  }
  ThreadOf(state);
  return ArenaPlace(info.Env(), *AddArena(CodeArena::Create(static_cast<std::size_t>(reserve), backings, &state)));
}

Napi::Value ArenaClose(const Napi::CallbackInfo& info, EnvState&) {
  CloseArena(static_cast<std::uint32_t>(SizeArgument(info[0], "arena")));
  return info.Env().Undefined();
}

// arenaReserve(arena, size, alignment, name, trapOffsets?: Uint32Array, trapKinds?: string[])
Napi::Value ArenaReserve(const Napi::CallbackInfo& info, EnvState& state) {
  const auto arena = ArenaArgument(info[0]);
  const std::uint64_t size = SizeArgument(info[1], "size");
  const std::uint64_t alignment = SizeArgument(info[2], "alignment");
  std::string name = StringArgument(info[3], "name");
  std::vector<TrapEntry> traps;
  if (!info[4].IsUndefined()) {
    if (!info[4].IsTypedArray() || !info[5].IsArray()) FailType("traps must be an array");
    const auto offsets = info[4].As<Napi::Uint32Array>();
    const auto kinds = info[5].As<Napi::Array>();
    for (std::size_t i = 0; i < offsets.ElementLength(); ++i) {
      traps.push_back({offsets[i], StringArgument(kinds.Get(static_cast<std::uint32_t>(i)), "kind")});
    }
    std::sort(traps.begin(), traps.end(), [](const TrapEntry& a, const TrapEntry& b) { return a.offset < b.offset; });
  }
  const CodeBlockPtr block = arena->Reserve(static_cast<std::size_t>(size), static_cast<std::size_t>(alignment), std::move(name),
                                            std::move(traps), &state);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("serial", Napi::Number::New(info.Env(), static_cast<double>(block->serial)));
  result.Set("address", AddressValue(info.Env(), block->address));
  return result;
}

Napi::Value ArenaInstall(const Napi::CallbackInfo& info, EnvState&) {
  const auto arena = ArenaArgument(info[0]);
  const Bytes code = BytesArgument(info[2], "code");
  arena->Install(BlockArgument(arena, info[1]), code.data, code.size);
  return info.Env().Undefined();
}

// True when the block was still there. An arena that is closed has no blocks.
Napi::Value ArenaFree(const Napi::CallbackInfo& info, EnvState&) {
  const auto arena = FindArena(static_cast<std::uint32_t>(SizeArgument(info[0], "arena")));
  const CodeBlockPtr block = arena ? arena->BySerial(SizeArgument(info[1], "serial")) : nullptr;
  if (block) arena->Free(block);
  return Napi::Boolean::New(info.Env(), block != nullptr);
}

Napi::Value ArenaBytes(const Napi::CallbackInfo& info, EnvState&) {
  const auto arena = ArenaArgument(info[0]);
  const CodeBlockPtr block = BlockArgument(arena, info[1]);
  auto buffer = Napi::ArrayBuffer::New(info.Env(), block->size);
  std::copy_n(reinterpret_cast<const std::uint8_t*>(block->address), block->size, static_cast<std::uint8_t*>(buffer.Data()));
  return Napi::Uint8Array::New(info.Env(), block->size, buffer, 0);
}

Napi::Value ArenaFindCode(const Napi::CallbackInfo& info, EnvState&) {
  const std::uint64_t address = AddressArgument(info[0], "address");
  const CodePlace place = FindCode(address);
  if (!place.block) return info.Env().Undefined();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("arena", Napi::Number::New(info.Env(), place.arena->id()));
  result.Set("serial", Napi::Number::New(info.Env(), static_cast<double>(place.block->serial)));
  result.Set("address", AddressValue(info.Env(), place.start));
  result.Set("size", Napi::Number::New(info.Env(), static_cast<double>(place.size)));
  result.Set("name", Napi::String::New(info.Env(), place.name));
  result.Set("offset", Napi::Number::New(info.Env(), static_cast<double>(address - place.start)));
  return result;
}

Napi::Value ArenaStatsFn(const Napi::CallbackInfo& info, EnvState&) {
  const ArenaStats stats = ArenaArgument(info[0])->Stats();
  Napi::Object result = Napi::Object::New(info.Env());
  const auto set = [&](const char* name, std::size_t value) {
    result.Set(name, Napi::Number::New(info.Env(), static_cast<double>(value)));
  };
  set("reserved", stats.reserved);
  set("committed", stats.committed);
  set("used", stats.used);
  set("codeBytes", stats.code_bytes);
  set("blocks", stats.blocks);
  set("dataCommitted", stats.data_committed);
  set("dataUsed", stats.data_used);
  set("slots", stats.slots);
  set("lazyBytes", stats.lazy_bytes);
  set("dataBlocks", stats.data_blocks);
  set("dataBytes", stats.data_bytes);
  result.Set("backing", Napi::String::New(info.Env(), stats.backing == Backing::kMemoryFile ? "memfd" : "mprotect"));
  return result;
}

}  // namespace

void ExportArena(Napi::Object exports) {
  Export<ArenaDefault>(exports, "arenaDefault");
  Export<ArenaCreate>(exports, "arenaCreate");
  Export<ArenaClose>(exports, "arenaClose");
  Export<ArenaReserve>(exports, "arenaReserve");
  Export<ArenaInstall>(exports, "arenaInstall");
  Export<ArenaFree>(exports, "arenaFree");
  Export<ArenaBytes>(exports, "arenaBytes");
  Export<ArenaFindCode>(exports, "arenaFindCode");
  Export<ArenaStatsFn>(exports, "arenaStats");
}

}  // namespace native_mem
