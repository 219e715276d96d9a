// Code arenas for JavaScript. Arenas go by number, blocks by a serial number that is never used twice, so that a stale
// handle can't reach what was allocated later at the same address.
#include <algorithm>
#include <cstring>
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

// `count` pairs of an offset and the number of a kind, in a Uint32Array.
std::vector<TrapEntry> TrapsArgument(napi_env env, napi_value value, std::size_t count) {
  std::vector<TrapEntry> traps;
  if (count == 0) return traps;
  napi_typedarray_type type{};
  std::size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok || type != napi_uint32_array ||
      length / 2 < count) {
    FailType("traps must be a Uint32Array of pairs");
  }
  const auto* words = static_cast<const std::uint32_t*>(data);
  traps.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (words[i * 2 + 1] >= kTrapKinds) FailType("There is no such kind of trap");
    traps.push_back({words[i * 2], static_cast<TrapKind>(words[i * 2 + 1])});
  }
  std::sort(traps.begin(), traps.end(), [](const TrapEntry& a, const TrapEntry& b) { return a.offset < b.offset; });
  return traps;
}

// arenaReserve(arena, size, alignment, name, traps: Uint32Array, trapCount, code?: Uint8Array): with `code` it is installed as
// well. The serial number and the address of the block are left in the slots.
napi_value ArenaReserve(EnvState& state, const napi_value* arguments) {
  napi_env env = state.env;
  const auto arena = ArenaArgument(Napi::Value(env, arguments[0]));
  const auto size = static_cast<std::size_t>(SizeArgument(Napi::Value(env, arguments[1]), "size"));
  const auto alignment = static_cast<std::size_t>(SizeArgument(Napi::Value(env, arguments[2]), "alignment"));
  std::string name = StringArgument(Napi::Value(env, arguments[3]), "name");
  auto traps = TrapsArgument(env, arguments[4], static_cast<std::size_t>(SizeArgument(Napi::Value(env, arguments[5]), "trapCount")));
  const Napi::Value code(env, arguments[6]);
  CodeBlockPtr block;
  if (code.IsUndefined()) {
    block = arena->Reserve(size, alignment, std::move(name), std::move(traps), &state);
  } else {
    const Bytes bytes = BytesArgument(code, "code");
    block = arena->Allocate(size, alignment, std::move(name), std::move(traps), &state, bytes.data, bytes.size);
  }
  const auto serial = static_cast<double>(block->serial);
  std::memcpy(&state.slots->values[0], &serial, sizeof serial);
  state.slots->values[1] = block->address;
  return nullptr;
}

// arenaInstall(arena, serial, code)
napi_value ArenaInstall(EnvState& state, const napi_value* arguments) {
  const auto arena = ArenaArgument(Napi::Value(state.env, arguments[0]));
  const Bytes code = BytesArgument(Napi::Value(state.env, arguments[2]), "code");
  arena->Install(BlockArgument(arena, Napi::Value(state.env, arguments[1])), code.data, code.size);
  return nullptr;
}

// arenaFree(arena, serial). An arena that is closed has no blocks.
napi_value ArenaFree(EnvState& state, const napi_value* arguments) {
  const auto arena = OpenArenaArgument(Napi::Value(state.env, arguments[0]));
  const CodeBlockPtr block = arena ? arena->BySerial(SizeArgument(Napi::Value(state.env, arguments[1]), "serial")) : nullptr;
  if (block) arena->Free(block);
  return nullptr;
}

Napi::Value ArenaBytes(const Napi::CallbackInfo& info, EnvState&) {
  const auto arena = ArenaArgument(info[0]);
  const CodeBlockPtr block = BlockArgument(arena, info[1]);
  Napi::Uint8Array copy = NewBytes(info.Env(), block->size);
  arena->Read(*block, copy.Data());
  return copy;
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
  ExportPlain<ArenaReserve, 7>(exports, "arenaReserve");
  ExportPlain<ArenaInstall, 3>(exports, "arenaInstall");
  ExportPlain<ArenaFree, 2>(exports, "arenaFree");
  Export<ArenaBytes>(exports, "arenaBytes");
  Export<ArenaFindCode>(exports, "arenaFindCode");
  Export<ArenaStatsFn>(exports, "arenaStats");
}

}  // namespace native_mem
