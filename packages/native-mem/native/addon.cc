// The module: what native_mem.node exports. src/binding.ts describes every one of these in TypeScript.
#include <napi.h>

#include "binding/arguments.h"
#include "binding/env_state.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  native_mem::CreateEnvState(env);
  native_mem::ExportMapping(exports);
  native_mem::ExportMappedFile(exports);
  native_mem::ExportExecMemory(exports);
  native_mem::ExportArena(exports);
  native_mem::ExportData(exports);
  native_mem::ExportCalls(exports);
  native_mem::ExportObservers(exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(native_mem, Init)
