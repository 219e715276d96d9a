// Reads and checks arguments of exported functions; wraps them so that C++ errors become JavaScript ones.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

#include "binding/env_state.h"

namespace native_mem {

// An address: a bigint from 0 to 2^64-1.
std::uint64_t AddressArgument(const Napi::Value& value, const char* name);
// A size or offset: an integer number from 0 to 2^53-1.
std::uint64_t SizeArgument(const Napi::Value& value, const char* name);
int IntArgument(const Napi::Value& value, const char* name);
std::string StringArgument(const Napi::Value& value, const char* name);
// A file path: a string without NUL.
std::string PathArgument(const Napi::Value& value, const char* name);

struct Bytes {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
};
// A Uint8Array that is not detached.
Bytes BytesArgument(const Napi::Value& value, const char* name);

Napi::Value AddressValue(Napi::Env env, std::uint64_t address);
// Where memory may not suffice, the constructor of JavaScript throws; Node-API would end the process.
Napi::Uint8Array NewBytes(Napi::Env env, std::size_t size);

using Exported = Napi::Value (*)(const Napi::CallbackInfo&, EnvState&);

// Makes the C++ exception that was caught a JavaScript one.
void ThrowCaught(EnvState& state);

template <Exported function>
Napi::Value Guarded(const Napi::CallbackInfo& info) {
  EnvState& state = *GetEnvState(info.Env());
  try {
    return function(info, state);
  } catch (...) {
    ThrowCaught(state);
  }
  return Napi::Value();
}

template <Exported function>
void Export(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<Guarded<function>>(exports.Env(), name));
}

// For what is called often: without node-addon-api around it. Gets `count` arguments; those that were left out are undefined.
using PlainExported = napi_value (*)(EnvState&, const napi_value* arguments);

template <PlainExported function, std::size_t count>
napi_value GuardedPlain(napi_env env, napi_callback_info info) {
  napi_value arguments[count];
  std::size_t given = count;
  void* data = nullptr;
  napi_get_cb_info(env, info, &given, arguments, nullptr, &data);
  EnvState& state = *static_cast<EnvState*>(data);
  try {
    return function(state, arguments);
  } catch (...) {
    ThrowCaught(state);
  }
  return nullptr;
}

template <PlainExported function, std::size_t count>
void ExportPlain(Napi::Object exports, const char* name) {
  napi_env env = exports.Env();
  napi_value made = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, GuardedPlain<function, count>, GetEnvState(env), &made);
  napi_set_named_property(env, exports, name, made);
}

void ExportMapping(Napi::Object exports);
void ExportMappedFile(Napi::Object exports);
void ExportExecMemory(Napi::Object exports);
void ExportArena(Napi::Object exports);
void ExportData(Napi::Object exports);
void ExportCalls(Napi::Object exports);
void ExportObservers(Napi::Object exports);

}  // namespace native_mem
