// See bound_function.h. Nothing is called unless every argument fits.
#include "call/bound_function.h"

#include <memory>

#include "call/guarded_call.h"
#include "call/value_conversion.h"
#include "memory/errors.h"

namespace native_mem {
namespace {

struct Caller {
  EnvState* state;
  ThreadState* thread;
  CallSlots* slots;
  Signature signature;
};

// The code to call, out of the slots.
struct Target {
  CodeLife life;
  std::uintptr_t address;
};

// Parameter::offset counts from the start of this.
struct CallArea {
  GuardFrame frame;
  std::uint64_t stack[Signature::kMaxParameters];
};
static_assert(offsetof(CallArea, stack) == Signature::kStackOffset);

void Place(CallArea& area, const Parameter& parameter, std::uint64_t bits) {
  *reinterpret_cast<std::uint64_t*>(reinterpret_cast<char*>(&area) + parameter.offset) = bits;
}

enum class Outcome { kReturned, kThrown, kFreed };

Outcome Perform(const Caller& caller, Target target, CallArea& area) {
  area.frame.target = reinterpret_cast<const void*>(target.address);
  area.frame.stack_arguments = area.stack;
  area.frame.stack_count = caller.signature.stack_words;
  area.frame.environment = caller.state;
  bool faulted = false;
  if (!GuardedCall(*caller.thread, area.frame, target.life, faulted)) return Outcome::kFreed;
  if (!faulted) return Outcome::kReturned;
  if (!area.frame.fault.exception_pending) ThrowTrap(*caller.state, area.frame.fault);
  return Outcome::kThrown;
}

napi_value CallByArguments(const Callee& callee, const Caller& caller, Target target, std::size_t count,
                           const napi_value* values) {
  const Signature& signature = caller.signature;
  const std::size_t wanted = signature.parameters.size();
  if (count != wanted) {
    const std::string name = NameOf(callee);
    FailType((name.empty() ? "The native function" : name) + " takes " + std::to_string(wanted) + " arguments, got " +
             std::to_string(count));
  }
  CallArea area;
  for (std::size_t i = 0; i < wanted; ++i) Place(area, signature.parameters[i], ConvertArgument(callee, i, values[i]));
  switch (Perform(caller, target, area)) {
    case Outcome::kReturned: return ConvertResult(callee, area.frame);
    case Outcome::kThrown: return nullptr;
    case Outcome::kFreed: break;
  }
  const std::string name = NameOf(callee);
  Fail("ERR_CODE_FREED",
       "The code of " + (name.empty() ? "this function" : name) +
           " was freed. Keep the CodeBlock open for as long as its function is called.",
       target.address);
}

// The bound function has checked and stored all but the pointers, and reads the result from the slots.
napi_value CallBySlots(napi_env env, napi_callback_info info, const Caller& caller, Target target) {
  CallSlots& slots = *caller.slots;
  CallArea area;
  Outcome outcome = Outcome::kFreed;
  try {
    napi_value values[Signature::kMaxParameters];
    std::size_t pointers = caller.signature.pointers;
    if (pointers != 0) napi_get_cb_info(env, info, &pointers, values, nullptr, nullptr);
    std::size_t index = 0;
    const napi_value* next = values;  // there are as many as parameters that are pointers
    for (const Parameter& parameter : caller.signature.parameters) {
      const bool pointer = parameter.type.kind == ValueKind::kPointer;
      // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): see above
      Place(area, parameter, pointer ? PointerArgument({env, caller.signature, nullptr}, index, *next++) : slots.values[index]);
      ++index;
    }
    outcome = Perform(caller, target, area);
  } catch (const ArgumentError&) {
    // said by the call with arguments
  }
  if (outcome == Outcome::kReturned) {
    slots.result = caller.signature.float_result ? area.frame.float_result : area.frame.int_result;
  }
  if (outcome != Outcome::kFreed) return nullptr;
  napi_value refused = nullptr;
  napi_get_boolean(env, true, &refused);
  return refused;
}

napi_value CallWithArguments(napi_env env, napi_callback_info info, const Caller& caller, Target target) {
  std::size_t count = caller.signature.parameters.size();
  napi_value values[Signature::kMaxParameters];
  napi_value self = nullptr;
  napi_get_cb_info(env, info, &count, values, &self, nullptr);
  try {
    return CallByArguments({env, caller.signature, self}, caller, target, count, values);
  } catch (const NativeError& error) {
    ThrowNative(*caller.state, error);
  } catch (const ArgumentError& error) {
    ThrowArgument(env, error);
  }
  return nullptr;
}

// Node-API fills what the caller of a function left out of `values`, so each path asks for no more than it needs.
napi_value Call(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  const auto& caller = *static_cast<Caller*>(data);
  const CallSlots& slots = *caller.slots;
  const std::uint64_t life = slots.life;
  const CodeLife code = {static_cast<std::uint32_t>(life), static_cast<std::uint32_t>(life >> 32) & 0x7FFFFFFF};
  const Target target = {code, static_cast<std::uintptr_t>(static_cast<std::int64_t>(slots.target))};
  return life >> 63 == 0 ? CallBySlots(env, info, caller, target) : CallWithArguments(env, info, caller, target);
}

}  // namespace

std::string NameOf(const Callee& callee) {
  napi_value name = nullptr;
  std::size_t size = 0;
  if (callee.self == nullptr || napi_get_named_property(callee.env, callee.self, "name", &name) != napi_ok ||
      napi_get_value_string_utf8(callee.env, name, nullptr, 0, &size) != napi_ok) {
    return {};
  }
  std::string text(size, '\0');
  napi_get_value_string_utf8(callee.env, name, text.data(), size + 1, &size);
  return text;
}

napi_value CreateCaller(EnvState& state, Signature signature) {
  auto caller = std::make_unique<Caller>(Caller{&state, &ThreadOf(state), state.slots, std::move(signature)});
  napi_value value = nullptr;
  if (napi_create_function(state.env, nullptr, 0, Call, caller.get(), &value) != napi_ok ||
      napi_add_finalizer(
          state.env, value, caller.get(), [](napi_env, void* data, void*) { delete static_cast<Caller*>(data); }, nullptr,
          nullptr) != napi_ok) {
    Fail("ERR_INTERNAL", "The JavaScript function can't be made.");
  }
  static_cast<void>(caller.release());  // the finalizer deletes it
  return value;
}

}  // namespace native_mem
