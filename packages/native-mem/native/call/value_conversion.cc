// See value_conversion.h. Sources: Node-API reference ("Working with JavaScript values"), System V psABI 3.2.3.
#include "call/value_conversion.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "memory/errors.h"

namespace native_mem {
namespace {

constexpr double kLargestSafe = 9007199254740991.0;

std::string Describe(const Callee& callee, std::size_t index) {
  const std::string name = NameOf(callee);
  return "Argument " + std::to_string(index + 1) + " of " + (name.empty() ? "the native function" : name) + " (" +
         callee.signature.parameters[index].type.name + ")";
}

[[noreturn]] void BadKind(const Callee& callee, std::size_t index, const char* wanted) {
  FailType(Describe(callee, index) + " must be " + wanted);
}

[[noreturn]] void BadRange(const Callee& callee, std::size_t index, const char* wanted) {
  FailRange(Describe(callee, index) + " must be " + wanted);
}

double NumberArgument(const Callee& callee, std::size_t index, napi_value value) {
  double number = 0;
  if (napi_get_value_double(callee.env, value, &number) != napi_ok) BadKind(callee, index, "a number");
  return number;
}

template <typename Integer>
std::uint64_t SmallInteger(const Callee& callee, std::size_t index, napi_value value) {
  const double number = NumberArgument(callee, index, value);
  constexpr double low = static_cast<double>(std::numeric_limits<Integer>::min());
  constexpr double high = static_cast<double>(std::numeric_limits<Integer>::max());
  if (!(number >= low && number <= high) || std::trunc(number) != number) {
    BadRange(callee, index, ("an integer from " + std::to_string(std::numeric_limits<Integer>::min()) + " to " +
                               std::to_string(std::numeric_limits<Integer>::max())).c_str());
  }
  // Extended to 64 bits by its own sign, as compilers that look at the whole register expect.
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(number));
}

std::uint64_t SafeInteger(const Callee& callee, std::size_t index, napi_value value, double low) {
  const double number = NumberArgument(callee, index, value);
  if (!(number >= low && number <= kLargestSafe) || std::trunc(number) != number) {
    BadRange(callee, index, low < 0 ? "an integer from -(2^53-1) to 2^53-1" : "an integer from 0 to 2^53-1");
  }
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(number));
}

std::uint64_t SignedBig(const Callee& callee, std::size_t index, napi_value value) {
  std::int64_t number = 0;
  bool lossless = false;
  if (napi_get_value_bigint_int64(callee.env, value, &number, &lossless) != napi_ok) BadKind(callee, index, "a bigint");
  if (!lossless) BadRange(callee, index, "from -2^63 to 2^63-1");
  return static_cast<std::uint64_t>(number);
}

std::uint64_t UnsignedBig(const Callee& callee, std::size_t index, napi_value value) {
  std::uint64_t number = 0;
  bool lossless = false;
  if (napi_get_value_bigint_uint64(callee.env, value, &number, &lossless) != napi_ok) BadKind(callee, index, "a bigint");
  if (!lossless) BadRange(callee, index, "from 0 to 2^64-1");
  return number;
}

bool ElementMatches(ElementKind element, napi_typedarray_type type) {
  switch (element) {
    case ElementKind::kAny: return true;
    case ElementKind::kI8: return type == napi_int8_array;
    case ElementKind::kU8:
    case ElementKind::kBool: return type == napi_uint8_array || type == napi_uint8_clamped_array;
    case ElementKind::kI16: return type == napi_int16_array;
    case ElementKind::kU16: return type == napi_uint16_array;
    case ElementKind::kI32: return type == napi_int32_array;
    case ElementKind::kU32: return type == napi_uint32_array;
    case ElementKind::kI64: return type == napi_bigint64_array;
    case ElementKind::kU64: return type == napi_biguint64_array;
    case ElementKind::kF32: return type == napi_float32_array;
    case ElementKind::kF64: return type == napi_float64_array;
  }
  return false;
}

const char* ArrayFor(ElementKind element) {
  switch (element) {
    case ElementKind::kI8: return "an Int8Array, ArrayBuffer, DataView, null or bigint address";
    case ElementKind::kU8:
    case ElementKind::kBool: return "a Uint8Array, ArrayBuffer, DataView, null or bigint address";
    case ElementKind::kI16: return "an Int16Array, ArrayBuffer, DataView, null or bigint address";
    case ElementKind::kU16: return "a Uint16Array, ArrayBuffer, DataView, null or bigint address";
    case ElementKind::kI32: return "an Int32Array, ArrayBuffer, DataView, null or bigint address";
    case ElementKind::kU32: return "a Uint32Array, ArrayBuffer, DataView, null or bigint address";
    case ElementKind::kI64: return "a BigInt64Array, ArrayBuffer, DataView, null or bigint address";
    case ElementKind::kU64: return "a BigUint64Array, ArrayBuffer, DataView, null or bigint address";
    case ElementKind::kF32: return "a Float32Array, ArrayBuffer, DataView, null or bigint address";
    case ElementKind::kF64: return "a Float64Array, ArrayBuffer, DataView, null or bigint address";
    case ElementKind::kAny: break;
  }
  return "a typed array, ArrayBuffer, DataView, null or bigint address";
}

void CheckAttached(const Callee& callee, std::size_t index, napi_value buffer, std::size_t size) {
  if (size != 0) return;
  bool detached = false;
  if (napi_is_detached_arraybuffer(callee.env, buffer, &detached) == napi_ok && detached) {
    BadKind(callee, index, "a buffer that is not detached");
  }
}

}  // namespace

std::uint64_t PointerArgument(const Callee& callee, std::size_t index, napi_value value) {
  const ElementKind element = callee.signature.parameters[index].type.element;
  napi_typedarray_type type{};
  std::size_t length = 0;
  void* data = nullptr;
  napi_value buffer = nullptr;
  if (napi_get_typedarray_info(callee.env, value, &type, &length, &data, &buffer, nullptr) == napi_ok) {
    if (!ElementMatches(element, type)) BadKind(callee, index, ArrayFor(element));
    CheckAttached(callee, index, buffer, length);
    return reinterpret_cast<std::uintptr_t>(data);
  }
  napi_valuetype kind = napi_undefined;
  napi_typeof(callee.env, value, &kind);
  if (kind == napi_null) return 0;
  if (kind == napi_bigint) return UnsignedBig(callee, index, value);
  if (kind == napi_object) {
    bool matches = false;
    napi_is_arraybuffer(callee.env, value, &matches);
    if (matches) {
      napi_get_arraybuffer_info(callee.env, value, &data, &length);
      CheckAttached(callee, index, value, length);
      return reinterpret_cast<std::uintptr_t>(data);
    }
    napi_is_dataview(callee.env, value, &matches);
    if (matches) {
      std::size_t offset = 0;
      if (napi_get_dataview_info(callee.env, value, &length, &data, &buffer, &offset) != napi_ok) {
        bool pending = false;
        napi_is_exception_pending(callee.env, &pending);
        napi_value ignored = nullptr;
        if (pending) napi_get_and_clear_last_exception(callee.env, &ignored);
        BadKind(callee, index, "a buffer that is not detached");
      }
      CheckAttached(callee, index, buffer, length);
      return reinterpret_cast<std::uintptr_t>(data);
    }
  }
  BadKind(callee, index, ArrayFor(element));
}

namespace {

std::uint64_t FloatBits(double number) {
  const auto single = static_cast<float>(number);
  std::uint32_t bits = 0;
  std::memcpy(&bits, &single, sizeof bits);
  return bits;
}

std::uint64_t DoubleBits(double number) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &number, sizeof bits);
  return bits;
}

}  // namespace

std::uint64_t ConvertArgument(const Callee& callee, std::size_t index, napi_value value) {
  switch (callee.signature.parameters[index].type.kind) {
    case ValueKind::kI8: return SmallInteger<std::int8_t>(callee, index, value);
    case ValueKind::kI16: return SmallInteger<std::int16_t>(callee, index, value);
    case ValueKind::kI32: return SmallInteger<std::int32_t>(callee, index, value);
    case ValueKind::kU8: return SmallInteger<std::uint8_t>(callee, index, value);
    case ValueKind::kU16: return SmallInteger<std::uint16_t>(callee, index, value);
    case ValueKind::kU32: return SmallInteger<std::uint32_t>(callee, index, value);
    case ValueKind::kI64: return SignedBig(callee, index, value);
    case ValueKind::kU64: return UnsignedBig(callee, index, value);
    case ValueKind::kI64Number: return SafeInteger(callee, index, value, -kLargestSafe);
    case ValueKind::kU64Number: return SafeInteger(callee, index, value, 0);
    case ValueKind::kF32: return FloatBits(NumberArgument(callee, index, value));
    case ValueKind::kF64: return DoubleBits(NumberArgument(callee, index, value));
    case ValueKind::kBool: {
      bool flag = false;
      if (napi_get_value_bool(callee.env, value, &flag) != napi_ok) BadKind(callee, index, "a boolean");
      return flag ? 1 : 0;
    }
    case ValueKind::kPointer: return PointerArgument(callee, index, value);
    case ValueKind::kVoid: break;
  }
  return 0;
}

namespace {

napi_value SafeNumber(const Callee& callee, double number, bool safe) {
  if (!safe) {
    const std::string name = NameOf(callee);
    FailRange("The result of " + (name.empty() ? "the native function" : name) +
              " doesn't fit a safe integer. Ask for i64 or u64 (a bigint) in the signature.");
  }
  napi_value value = nullptr;
  napi_create_double(callee.env, number, &value);
  return value;
}

}  // namespace

// Reads no more bits than the type has: the rest of the register is undefined.
napi_value ConvertResult(const Callee& callee, const GuardFrame& frame) {
  napi_value value = nullptr;
  const std::uint64_t bits = frame.int_result;
  switch (callee.signature.result.kind) {
    case ValueKind::kVoid: napi_get_undefined(callee.env, &value); break;
    case ValueKind::kI8: napi_create_int32(callee.env, static_cast<std::int8_t>(bits), &value); break;
    case ValueKind::kI16: napi_create_int32(callee.env, static_cast<std::int16_t>(bits), &value); break;
    case ValueKind::kI32: napi_create_int32(callee.env, static_cast<std::int32_t>(bits), &value); break;
    case ValueKind::kU8: napi_create_uint32(callee.env, static_cast<std::uint8_t>(bits), &value); break;
    case ValueKind::kU16: napi_create_uint32(callee.env, static_cast<std::uint16_t>(bits), &value); break;
    case ValueKind::kU32: napi_create_uint32(callee.env, static_cast<std::uint32_t>(bits), &value); break;
    case ValueKind::kI64: napi_create_bigint_int64(callee.env, static_cast<std::int64_t>(bits), &value); break;
    case ValueKind::kU64:
    case ValueKind::kPointer: napi_create_bigint_uint64(callee.env, bits, &value); break;
    case ValueKind::kBool: napi_get_boolean(callee.env, (bits & 0xFF) != 0, &value); break;
    case ValueKind::kI64Number: {
      const auto number = static_cast<std::int64_t>(bits);
      constexpr std::int64_t safe = 9007199254740991;
      return SafeNumber(callee, static_cast<double>(number), number >= -safe && number <= safe);
    }
    case ValueKind::kU64Number: return SafeNumber(callee, static_cast<double>(bits), bits <= 9007199254740991u);
    case ValueKind::kF32: {
      float single = 0;
      std::memcpy(&single, &frame.float_result, sizeof single);
      napi_create_double(callee.env, static_cast<double>(single), &value);
      break;
    }
    case ValueKind::kF64: {
      double number = 0;
      std::memcpy(&number, &frame.float_result, sizeof number);
      napi_create_double(callee.env, number, &value);
      break;
    }
  }
  return value;
}

}  // namespace native_mem
