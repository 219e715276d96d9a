// perf map and gdb interface for JavaScript.
#include "binding/arguments.h"
#include "code/code_observers.h"
#include "platform/fault_handlers.h"

namespace native_mem {
namespace {

// setPerfMap(path | undefined)
Napi::Value SetPerfMap(const Napi::CallbackInfo& info, EnvState&) {
  RequireCodeSupport();
  if (info[0].IsUndefined()) {
    DisablePerfMap();
  } else {
    EnablePerfMap(PathArgument(info[0], "path"));
  }
  return info.Env().Undefined();
}

Napi::Value SetGdbInterface(const Napi::CallbackInfo& info, EnvState&) {
  RequireCodeSupport();
  if (!info[0].IsBoolean()) FailType("enabled must be a boolean");
  if (info[0].As<Napi::Boolean>().Value()) {
    EnableGdbInterface();
  } else {
    DisableGdbInterface();
  }
  return info.Env().Undefined();
}

}  // namespace

void ExportObservers(Napi::Object exports) {
  Export<SetPerfMap>(exports, "setPerfMap");
  Export<SetGdbInterface>(exports, "setGdbInterface");
}

}  // namespace native_mem
