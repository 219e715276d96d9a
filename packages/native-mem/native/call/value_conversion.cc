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

std::string Describe(const BoundFunction& function, std::size_t index) {
  return "Argument " + std::to_string(index + 1) + " of " + (function.name.empty() ? "the native function" : function.name) +
         " (" + function.signature.parameters[index].type.name + ")";
}

[[noreturn]] void BadKind(const BoundFunction& function, std::size_t index, const char* wanted) {
  FailType(Describe(function, index) + " must be " + wanted);
}

[[noreturn]] void BadRange(const BoundFunction& function, std::size_t index, const char* wanted) {
  FailRange(Describe(function, index) + " must be " + wanted);
}

double NumberArgument(napi_env env, const BoundFunction& function, std::size_t index, napi_value value) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) BadKind(function, index, "a number");
  return number;
}

template <typename Integer>
std::uint64_t SmallInteger(napi_env env, const BoundFunction& function, std::size_t index, napi_value value) {
  const double number = NumberArgument(env, function, index, value);
  constexpr double low = static_cast<double>(std::numeric_limits<Integer>::min());
  constexpr double high = static_cast<double>(std::numeric_limits<Integer>::max());
  if (!(number >= low && number <= high) || std::trunc(number) != number) {
    BadRange(function, index, ("an integer from " + std::to_string(std::numeric_limits<Integer>::min()) + " to " +
                               std::to_string(std::numeric_limits<Integer>::max())).c_str());
  }
  // Extended to 64 bits by its own sign, as compilers that look at the whole register expect.
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(number));
}

std::uint64_t SafeInteger(napi_env env, const BoundFunction& function, std::size_t index, napi_value value, double low) {
  const double number = NumberArgument(env, function, index, value);
  if (!(number >= low && number <= kLargestSafe) || std::trunc(number) != number) {
    BadRange(function, index, low < 0 ? "an integer from -(2^53-1) to 2^53-1" : "an integer from 0 to 2^53-1");
  }
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(number));
}

std::uint64_t SignedBig(napi_env env, const BoundFunction& function, std::size_t index, napi_value value) {
  std::int64_t number = 0;
  bool lossless = false;
  if (napi_get_value_bigint_int64(env, value, &number, &lossless) != napi_ok) BadKind(function, index, "a bigint");
  if (!lossless) BadRange(function, index, "from -2^63 to 2^63-1");
  return static_cast<std::uint64_t>(number);
}

std::uint64_t UnsignedBig(napi_env env, const BoundFunction& function, std::size_t index, napi_value value) {
  std::uint64_t number = 0;
  bool lossless = false;
  if (napi_get_value_bigint_uint64(env, value, &number, &lossless) != napi_ok) BadKind(function, index, "a bigint");
  if (!lossless) BadRange(function, index, "from 0 to 2^64-1");
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

void CheckAttached(napi_env env, const BoundFunction& function, std::size_t index, napi_value buffer, std::size_t size) {
  if (size != 0) return;
  bool detached = false;
  if (napi_is_detached_arraybuffer(env, buffer, &detached) == napi_ok && detached) {
    BadKind(function, index, "a buffer that is not detached");
  }
}

}  // namespace

std::uint64_t PointerArgument(napi_env env, const BoundFunction& function, std::size_t index, napi_value value) {
  const ElementKind element = function.signature.parameters[index].type.element;
  napi_typedarray_type type{};
  std::size_t length = 0;
  void* data = nullptr;
  napi_value buffer = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, &buffer, nullptr) == napi_ok) {
    if (!ElementMatches(element, type)) BadKind(function, index, ArrayFor(element));
    CheckAttached(env, function, index, buffer, length);
    return reinterpret_cast<std::uintptr_t>(data);
  }
  napi_valuetype kind = napi_undefined;
  napi_typeof(env, value, &kind);
  if (kind == napi_null) return 0;
  if (kind == napi_bigint) return UnsignedBig(env, function, index, value);
  if (kind == napi_object) {
    bool matches = false;
    napi_is_arraybuffer(env, value, &matches);
    if (matches) {
      napi_get_arraybuffer_info(env, value, &data, &length);
      CheckAttached(env, function, index, value, length);
      return reinterpret_cast<std::uintptr_t>(data);
    }
    napi_is_dataview(env, value, &matches);
    if (matches) {
      std::size_t offset = 0;
      if (napi_get_dataview_info(env, value, &length, &data, &buffer, &offset) != napi_ok) {
        bool pending = false;
        napi_is_exception_pending(env, &pending);
        napi_value ignored = nullptr;
        if (pending) napi_get_and_clear_last_exception(env, &ignored);
        BadKind(function, index, "a buffer that is not detached");
      }
      CheckAttached(env, function, index, buffer, length);
      return reinterpret_cast<std::uintptr_t>(data);
    }
  }
  BadKind(function, index, ArrayFor(element));
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

std::uint64_t ConvertArgument(napi_env env, const BoundFunction& function, std::size_t index, napi_value value) {
  switch (function.signature.parameters[index].type.kind) {
    case ValueKind::kI8: return SmallInteger<std::int8_t>(env, function, index, value);
    case ValueKind::kI16: return SmallInteger<std::int16_t>(env, function, index, value);
    case ValueKind::kI32: return SmallInteger<std::int32_t>(env, function, index, value);
    case ValueKind::kU8: return SmallInteger<std::uint8_t>(env, function, index, value);
    case ValueKind::kU16: return SmallInteger<std::uint16_t>(env, function, index, value);
    case ValueKind::kU32: return SmallInteger<std::uint32_t>(env, function, index, value);
    case ValueKind::kI64: return SignedBig(env, function, index, value);
    case ValueKind::kU64: return UnsignedBig(env, function, index, value);
    case ValueKind::kI64Number: return SafeInteger(env, function, index, value, -kLargestSafe);
    case ValueKind::kU64Number: return SafeInteger(env, function, index, value, 0);
    case ValueKind::kF32: return FloatBits(NumberArgument(env, function, index, value));
    case ValueKind::kF64: return DoubleBits(NumberArgument(env, function, index, value));
    case ValueKind::kBool: {
      bool flag = false;
      if (napi_get_value_bool(env, value, &flag) != napi_ok) BadKind(function, index, "a boolean");
      return flag ? 1 : 0;
    }
    case ValueKind::kPointer: return PointerArgument(env, function, index, value);
    case ValueKind::kVoid: break;
  }
  return 0;
}

namespace {

napi_value SafeNumber(napi_env env, const BoundFunction& function, double number, bool safe) {
  if (!safe) {
    FailRange("The result of " + (function.name.empty() ? std::string("the native function") : function.name) +
              " doesn't fit a safe integer. Ask for i64 or u64 (a bigint) in the signature.");
  }
  napi_value value = nullptr;
  napi_create_double(env, number, &value);
  return value;
}

}  // namespace

// Reads no more bits than the type has: the rest of the register is undefined.
napi_value ConvertResult(napi_env env, const BoundFunction& function, const GuardFrame& frame) {
  napi_value value = nullptr;
  const std::uint64_t bits = frame.int_result;
  switch (function.signature.result.kind) {
    case ValueKind::kVoid: napi_get_undefined(env, &value); break;
    case ValueKind::kI8: napi_create_int32(env, static_cast<std::int8_t>(bits), &value); break;
    case ValueKind::kI16: napi_create_int32(env, static_cast<std::int16_t>(bits), &value); break;
    case ValueKind::kI32: napi_create_int32(env, static_cast<std::int32_t>(bits), &value); break;
    case ValueKind::kU8: napi_create_uint32(env, static_cast<std::uint8_t>(bits), &value); break;
    case ValueKind::kU16: napi_create_uint32(env, static_cast<std::uint16_t>(bits), &value); break;
    case ValueKind::kU32: napi_create_uint32(env, static_cast<std::uint32_t>(bits), &value); break;
    case ValueKind::kI64: napi_create_bigint_int64(env, static_cast<std::int64_t>(bits), &value); break;
    case ValueKind::kU64:
    case ValueKind::kPointer: napi_create_bigint_uint64(env, bits, &value); break;
    case ValueKind::kBool: napi_get_boolean(env, (bits & 0xFF) != 0, &value); break;
    case ValueKind::kI64Number: {
      const auto number = static_cast<std::int64_t>(bits);
      constexpr std::int64_t safe = 9007199254740991;
      return SafeNumber(env, function, static_cast<double>(number), number >= -safe && number <= safe);
    }
    case ValueKind::kU64Number: return SafeNumber(env, function, static_cast<double>(bits), bits <= 9007199254740991u);
    case ValueKind::kF32: {
      float single = 0;
      std::memcpy(&single, &frame.float_result, sizeof single);
      napi_create_double(env, static_cast<double>(single), &value);
      break;
    }
    case ValueKind::kF64: {
      double number = 0;
      std::memcpy(&number, &frame.float_result, sizeof number);
      napi_create_double(env, number, &value);
      break;
    }
  }
  return value;
}

}  // namespace native_mem
