// See env_state.h.
#include "binding/env_state.h"

#include <signal.h>

#include <atomic>
#include <string>

#include "code/code_lookup.h"
#include "memory/exec_regions.h"
#include "platform/barriers.h"

namespace native_mem {
namespace {

void EndEnvironment(void* data) {
  auto* state = static_cast<EnvState*>(data);
  CloseMappedFilesOf(*state);
  FreeRegionsOwnedBy(state);
  for (const auto& arena : AllArenas()) {
    if (arena->owner() == state) {
      CloseArena(arena->id());
    } else {
      arena->FreeOwnedBy(state);
    }
  }
  if (state->thread != nullptr) ReleaseThreadState();
  delete state;
}

napi_value String(napi_env env, const std::string& text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

napi_value BigInt(napi_env env, std::uint64_t number) {
  napi_value value = nullptr;
  napi_create_bigint_uint64(env, number, &value);
  return value;
}

void Construct(EnvState& state, napi_ref reference, const std::string& message, napi_value details) {
  napi_env env = state.env;
  napi_value constructor = nullptr;
  if (reference != nullptr) napi_get_reference_value(env, reference, &constructor);
  napi_value arguments[] = {String(env, message), details};
  napi_value error = nullptr;
  if (constructor == nullptr || napi_new_instance(env, constructor, 2, arguments, &error) != napi_ok) {
    napi_throw_error(env, nullptr, message.c_str());
    return;
  }
  napi_throw(env, error);
}

TrapKind KindOf(const FaultRecord& fault) {
  if (fault.stack_overflow) return TrapKind::kStackOverflow;
  switch (fault.signal) {
    case SIGFPE: return fault.code == FPE_INTOVF || fault.code == FPE_FLTOVF ? TrapKind::kOverflow : TrapKind::kDivide;
    case SIGILL: return TrapKind::kIllegalInstruction;
    case SIGTRAP: return TrapKind::kBreakpoint;
    // A stack fault (#SS: a non-canonical address from rbp or rsp) comes as SIGBUS from the kernel itself; only a page that
    // cannot be brought in has a code of its own.
    case SIGBUS: return fault.code == SI_KERNEL ? TrapKind::kMemory : TrapKind::kBus;
    default: return TrapKind::kMemory;
  }
}

const char* NameOf(TrapKind kind) {
  switch (kind) {
    case TrapKind::kDivide: return "divide";
    case TrapKind::kMemory: return "memory";
    case TrapKind::kIllegalInstruction: return "illegal-instruction";
    case TrapKind::kBreakpoint: return "breakpoint";
    case TrapKind::kStackOverflow: return "stack-overflow";
    case TrapKind::kBus: return "bus";
    case TrapKind::kUnreachable: return "unreachable";
    case TrapKind::kBounds: return "bounds";
    case TrapKind::kOverflow: return "overflow";
  }
  return "trap";
}

const char* Explain(TrapKind kind) {
  switch (kind) {
    case TrapKind::kDivide: return "an integer division by zero, or one whose quotient doesn't fit";
    case TrapKind::kMemory: return "an access to memory that isn't there or doesn't allow it";
    case TrapKind::kIllegalInstruction: return "an instruction that this processor doesn't execute";
    case TrapKind::kBreakpoint: return "a breakpoint, or code that was freed";
    case TrapKind::kStackOverflow: return "the end of the stack (recursion without end?)";
    case TrapKind::kBus: return "an access to a page that can't be brought in";
    case TrapKind::kUnreachable: return "a point that must not be reached";
    case TrapKind::kBounds: return "an index out of bounds";
    case TrapKind::kOverflow: return "an arithmetic overflow";
  }
  return "a trap";
}

}  // namespace

EnvState* CreateEnvState(napi_env env) {
  static std::atomic<bool> another{false};
  if (another.exchange(true)) ShareCodeBetweenThreads();
  auto* state = new EnvState;
  state->env = env;
  napi_value buffer = nullptr;
  void* memory = nullptr;
  napi_create_arraybuffer(env, sizeof(CallSlots), &memory, &buffer);
  state->slots = static_cast<CallSlots*>(memory);
  napi_create_reference(env, buffer, 1, &state->slots_buffer);
  napi_set_instance_data(env, state, nullptr, nullptr);
  napi_add_env_cleanup_hook(env, EndEnvironment, state);
  return state;
}

void RenewCleanup(EnvState& state) {
  napi_remove_env_cleanup_hook(state.env, EndEnvironment, &state);
  napi_add_env_cleanup_hook(state.env, EndEnvironment, &state);
}

EnvState* GetEnvState(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<EnvState*>(data);
}

ThreadState& ThreadOf(EnvState& state) {
  if (state.thread == nullptr) state.thread = AcquireThreadState();
  return *state.thread;
}

void ThrowNative(EnvState& state, const NativeError& error) {
  napi_env env = state.env;
  napi_value details = nullptr;
  napi_create_object(env, &details);
  napi_set_named_property(env, details, "code", String(env, error.code));
  if (!error.syscall.empty()) napi_set_named_property(env, details, "syscall", String(env, error.syscall));
  if (!error.path.empty()) napi_set_named_property(env, details, "path", String(env, error.path));
  if (error.address) napi_set_named_property(env, details, "address", BigInt(env, *error.address));
  Construct(state, state.native_error, error.message, details);
}

void ThrowArgument(napi_env env, const ArgumentError& error) {
  // napi_throw_type_error would take a C string, and a name in the message may hold a NUL.
  napi_value code = String(env, error.range ? "ERR_OUT_OF_RANGE" : "ERR_INVALID_ARG_TYPE");
  napi_value made = nullptr;
  const auto create = error.range ? napi_create_range_error : napi_create_type_error;
  if (create(env, code, String(env, error.message), &made) == napi_ok) napi_throw(env, made);
}

void ThrowTrap(EnvState& state, const FaultRecord& fault) {
  TrapKind kind = KindOf(fault);
  std::string message = "Native code trapped: ";
  napi_env env = state.env;
  napi_value details = nullptr;
  napi_create_object(env, &details);
  const CodePlace place = FindCode(fault.pc);
  const bool memory = fault.signal == SIGSEGV || fault.signal == SIGBUS;
  std::string where;
  if (place.life) {
    const std::uint64_t offset = fault.pc - place.start;
    if (place.block) {
      for (const TrapEntry& trap : place.block->traps) {
        if (trap.offset == offset && !fault.stack_overflow) kind = trap.kind;
      }
    }
    napi_value number = nullptr;
    napi_create_double(env, static_cast<double>(offset), &number);
    napi_set_named_property(env, details, "offset", number);
    if (!place.name.empty()) napi_set_named_property(env, details, "symbol", String(env, place.name));
    where = (place.name.empty() ? "code at " + Hex(place.start) : place.name) + "+" + Hex(offset);
  } else if (const DataBlock data = FindData(fault.pc); data.serial != 0) {
    where = "data, which is never executable: " + (data.name.empty() ? "the block at " + Hex(data.address) : data.name) + "+" +
            Hex(fault.pc - data.address);
  } else {
    where = "code that was freed, at " + Hex(fault.pc);
  }
  message += std::string(Explain(kind)) + " (" + NameOf(kind) + ") in " + where;
  if (memory) message += ", address " + Hex(fault.address);
  napi_set_named_property(env, details, "kind", String(env, NameOf(kind)));
  napi_set_named_property(env, details, "address", BigInt(env, memory ? fault.address : fault.pc));
  napi_set_named_property(env, details, "pc", BigInt(env, fault.pc));
  Construct(state, state.trap_error, message, details);
}

}  // namespace native_mem
