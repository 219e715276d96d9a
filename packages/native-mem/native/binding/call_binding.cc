// bindFunction, the generic callFunction that takes up to six integers, and addresses of foreign functions.
#include <dlfcn.h>

#include <cmath>
#include <vector>

#include "binding/arguments.h"
#include "call/bound_function.h"
#include "call/guarded_call.h"
#include "call/signature.h"
#include "code/code_lookup.h"
#include "platform/cpu_features.h"
#include "platform/fault_handlers.h"

namespace native_mem {
namespace {

// createCaller(params: string[], result: string)
Napi::Value CreateCallerFn(const Napi::CallbackInfo& info, EnvState& state) {
  RequireCodeSupport();
  if (!info[0].IsArray()) FailType("params must be an array of type names");
  const auto names = info[0].As<Napi::Array>();
  std::vector<std::string> parameters;
  for (std::uint32_t i = 0; i < names.Length(); ++i) parameters.push_back(StringArgument(names.Get(i), "A type in params"));
  Signature signature = ParseSignature(parameters, StringArgument(info[1], "result"));
  return Napi::Value(info.Env(), CreateCaller(state, std::move(signature)));
}

// bindCode(address, name): stores the code in the slots; returns `name`, or that of the code when it is empty.
napi_value BindCode(EnvState& state, const napi_value* arguments) {
  RequireCodeSupport();
  const std::uint64_t address = AddressArgument(Napi::Value(state.env, arguments[0]), "address");
  std::size_t size = 0;
  if (napi_get_value_string_utf8(state.env, arguments[1], nullptr, 0, &size) != napi_ok) FailType("name must be a string");
  const CodePlace place = RequireCode(address, "bindFunction");
  state.slots->life = std::uint64_t{place.life.generation} << 32 | place.life.cell;
  state.slots->target = static_cast<double>(address);
  if (size != 0 || place.name.empty()) return arguments[1];
  napi_value name = nullptr;
  napi_create_string_utf8(state.env, place.name.data(), place.name.size(), &name);
  return name;
}

std::uint64_t WordArgument(const Napi::Value& value) {
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (!(std::fabs(number) <= 9007199254740991.0) || std::trunc(number) != number) {
      FailRange("An argument that is a number must be a safe integer. Pass a bigint for larger ones.");
    }
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(number));
  }
  if (!value.IsBigInt()) FailType("An argument must be a bigint or a safe integer");
  bool lossless = false;
  const std::int64_t number = value.As<Napi::BigInt>().Int64Value(&lossless);
  if (lossless) return static_cast<std::uint64_t>(number);
  const std::uint64_t bits = value.As<Napi::BigInt>().Uint64Value(&lossless);
  if (!lossless) FailRange("An argument must fit 64 bits");
  return bits;
}

// callFunction(fnPtr, ...args)
Napi::Value CallFunction(const Napi::CallbackInfo& info, EnvState& state) {
  RequireCodeSupport();
  const std::uint64_t address = AddressArgument(info[0], "fnPtr");
  GuardFrame frame{};
  if (info.Length() > 1 + kIntRegisters) FailType("callFunction takes at most 6 arguments");
  for (std::size_t i = 1; i < info.Length(); ++i) frame.ints[i - 1] = WordArgument(info[i]);
  const CodePlace place = RequireCode(address, "callFunction");
  frame.target = reinterpret_cast<const void*>(address);
  frame.environment = &state;
  bool faulted = false;
  if (!GuardedCall(ThreadOf(state), frame, place.life, faulted)) {
    Fail("ERR_CODE_FREED", "The code was freed.", address);
  }
  if (faulted) {
    if (!frame.fault.exception_pending) ThrowTrap(state, frame.fault);
    return Napi::Value();
  }
  return Napi::BigInt::New(info.Env(), static_cast<std::int64_t>(frame.int_result));
}

// processSymbol(name): an address; undefined when the process has no such symbol.
Napi::Value ProcessSymbol(const Napi::CallbackInfo& info, EnvState&) {
  const std::string name = StringArgument(info[0], "name");
  if (name.empty() || name.find('\0') != std::string::npos) {
    FailType("name must be the name of a symbol: not empty, without NUL characters");
  }
  const void* address = dlsym(RTLD_DEFAULT, name.c_str());
  if (address == nullptr) return info.Env().Undefined();
  return AddressValue(info.Env(), reinterpret_cast<std::uintptr_t>(address));
}

Napi::Value CpuFeaturesFn(const Napi::CallbackInfo& info, EnvState&) {
  const std::vector<const char*> features = CpuFeatures();
  Napi::Array names = Napi::Array::New(info.Env(), features.size());
  for (std::uint32_t i = 0; i < features.size(); ++i) names.Set(i, features[i]);
  return names;
}

// setErrorClasses(NativeMemError, TrapError): both are constructed with (message, details).
Napi::Value SetErrorClasses(const Napi::CallbackInfo& info, EnvState& state) {
  if (!info[0].IsFunction() || !info[1].IsFunction()) FailType("setErrorClasses takes two classes");
  napi_create_reference(info.Env(), info[0], 1, &state.native_error);
  napi_create_reference(info.Env(), info[1], 1, &state.trap_error);
  return info.Env().Undefined();
}

// setLazyResolver(resolve: (arena: number, slot: bigint) => bigint, probe: () => void); resolve never returns 0n.
Napi::Value SetLazyResolver(const Napi::CallbackInfo& info, EnvState& state) {
  if (!info[0].IsFunction() || !info[1].IsFunction()) FailType("setLazyResolver takes two functions");
  napi_create_reference(info.Env(), info[0], 1, &state.lazy_resolver);
  napi_create_reference(info.Env(), info[1], 1, &state.stack_probe);
  return info.Env().Undefined();
}

// callSlots(): the ArrayBuffer over CallSlots.
Napi::Value CallSlotsBuffer(const Napi::CallbackInfo& info, EnvState& state) {
  napi_value buffer = nullptr;
  napi_get_reference_value(info.Env(), state.slots_buffer, &buffer);
  return Napi::Value(info.Env(), buffer);
}

}  // namespace

void ExportCalls(Napi::Object exports) {
  Export<CreateCallerFn>(exports, "createCaller");
  ExportPlain<BindCode, 2>(exports, "bindCode");
  Export<CallFunction>(exports, "callFunction");
  Export<CpuFeaturesFn>(exports, "cpuFeatures");
  Export<ProcessSymbol>(exports, "processSymbol");
  Export<CallSlotsBuffer>(exports, "callSlots");
  Export<SetErrorClasses>(exports, "setErrorClasses");
  Export<SetLazyResolver>(exports, "setLazyResolver");
}

}  // namespace native_mem
