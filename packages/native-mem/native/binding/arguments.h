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

template <Exported function>
Napi::Value Guarded(const Napi::CallbackInfo& info) {
  EnvState& state = *GetEnvState(info.Env());
  try {
    return function(info, state);
  } catch (const NativeError& error) {
    ThrowNative(state, error);
  } catch (const ArgumentError& error) {
    ThrowArgument(info.Env(), error);
  } catch (const std::bad_alloc&) {
    NativeError error;
    error.code = "ENOMEM";
    error.message = "Out of memory.";
    ThrowNative(state, error);
  } catch (const Napi::Error&) {
    throw;  // node-addon-api makes it the pending exception
  } catch (const std::exception& unexpected) {
    NativeError error;
    error.code = "ERR_INTERNAL";
    error.message = std::string("Unexpected: ") + unexpected.what() + ". Please report this.";
    ThrowNative(state, error);
  }
  return Napi::Value();
}

template <Exported function>
void Export(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<Guarded<function>>(exports.Env(), name));
}

void ExportMapping(Napi::Object exports);
void ExportMappedFile(Napi::Object exports);
void ExportExecMemory(Napi::Object exports);
void ExportArena(Napi::Object exports);
void ExportData(Napi::Object exports);
void ExportCalls(Napi::Object exports);
void ExportObservers(Napi::Object exports);

}  // namespace native_mem
