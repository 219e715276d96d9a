// See bound_function.h. Nothing is called unless every argument fits.
#include "call/bound_function.h"

#include "call/guarded_call.h"
#include "call/value_conversion.h"
#include "memory/errors.h"

namespace native_mem {
namespace {

// Parameter::offset counts from the start of this.
struct CallArea {
  GuardFrame frame;
  std::uint64_t stack[Signature::kMaxParameters];
};
static_assert(offsetof(CallArea, stack) == Signature::kStackOffset);

void Place(CallArea& area, const Parameter& parameter, std::uint64_t bits) {
  *reinterpret_cast<std::uint64_t*>(reinterpret_cast<char*>(&area) + parameter.offset) = bits;
}

// True when the call returned; false leaves a JavaScript exception pending.
bool Perform(const BoundFunction& function, CallArea& area) {
  area.frame.target = reinterpret_cast<const void*>(function.target);
  area.frame.stack_arguments = area.stack;
  area.frame.stack_count = function.signature.stack_words;
  area.frame.environment = function.state;
  bool faulted = false;
  if (!GuardedCall(*function.thread, area.frame, function.life.get(), faulted)) {
    Fail("ERR_CODE_FREED",
         "The code of " + (function.name.empty() ? std::string("this function") : function.name) +
             " was freed. Keep the CodeBlock open for as long as its function is called.",
         function.target);
  }
  if (faulted && !area.frame.fault.exception_pending) ThrowTrap(*function.state, area.frame.fault);
  return !faulted;
}

napi_value CallByArguments(napi_env env, const BoundFunction& function, std::size_t count, const napi_value* values) {
  const Signature& signature = function.signature;
  const std::size_t wanted = signature.parameters.size();
  if (count != wanted) {
    FailType((function.name.empty() ? std::string("The native function") : function.name) + " takes " + std::to_string(wanted) +
             " arguments, got " + std::to_string(count));
  }
  CallArea area;
  for (std::size_t i = 0; i < wanted; ++i) {
    Place(area, signature.parameters[i], ConvertArgument(env, function, i, values[i]));
  }
  return Perform(function, area) ? ConvertResult(env, function, area.frame) : nullptr;
}

// The wrapper has checked and stored all but the pointers, and reads the result from the slots.
napi_value CallBySlots(napi_env env, const BoundFunction& function, const napi_value* values) {
  CallSlots& slots = *function.slots;
  CallArea area;
  std::size_t pointers = 0;
  std::size_t index = 0;
  for (const Parameter& parameter : function.signature.parameters) {
    const bool pointer = parameter.type.kind == ValueKind::kPointer;
    Place(area, parameter, pointer ? PointerArgument(env, function, index, values[pointers++]) : slots.values[index]);
    ++index;
  }
  if (Perform(function, area)) slots.result = function.signature.float_result ? area.frame.float_result : area.frame.int_result;
  return nullptr;
}

napi_value Dispatch(napi_env env, const BoundFunction& function, std::size_t count, const napi_value* values) {
  try {
    if (function.slots->mode != 0) {
      function.slots->mode = 0;
      return CallBySlots(env, function, values);
    }
    return CallByArguments(env, function, count, values);
  } catch (const NativeError& error) {
    ThrowNative(*function.state, error);
  } catch (const ArgumentError& error) {
    ThrowArgument(env, error);
  }
  return nullptr;
}

napi_value CallWithMany(napi_env env, napi_callback_info info, const BoundFunction& function) {
  std::size_t count = Signature::kMaxParameters;
  napi_value values[Signature::kMaxParameters];
  napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  return Dispatch(env, function, count, values);
}

// Node-API fills what is left of `values`, so the common case gets a short array.
napi_value Call(napi_env env, napi_callback_info info) {
  constexpr std::size_t kFew = 16;
  std::size_t count = kFew;
  napi_value values[kFew];
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  const auto& function = *static_cast<BoundFunction*>(data);
  return count <= kFew ? Dispatch(env, function, count, values) : CallWithMany(env, info, function);
}

}  // namespace

napi_value CreateBoundFunction(EnvState& state, const std::string& name, std::uintptr_t target,
                               std::shared_ptr<CodeLife> life, Signature signature) {
  auto function = std::make_unique<BoundFunction>();
  function->state = &state;
  function->thread = &ThreadOf(state);
  function->slots = state.slots;
  function->target = target;
  function->life = std::move(life);
  function->signature = std::move(signature);
  function->name = name;
  napi_value value = nullptr;
  if (napi_create_function(state.env, name.data(), name.size(), Call, function.get(), &value) != napi_ok ||
      napi_add_finalizer(
          state.env, value, function.get(), [](napi_env, void* data, void*) { delete static_cast<BoundFunction*>(data); }, nullptr,
          nullptr) != napi_ok) {
    Fail("ERR_INTERNAL", "The JavaScript function can't be made.");
  }
  static_cast<void>(function.release());  // the finalizer deletes it
  return value;
}

}  // namespace native_mem
