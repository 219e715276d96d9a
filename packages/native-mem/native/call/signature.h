// Signatures of native functions, parsed once: how each argument is checked and where it goes by the System V ABI.
#pragma once

#include <string>
#include <vector>

namespace native_mem {

enum class ValueKind { kVoid, kI8, kI16, kI32, kI64, kU8, kU16, kU32, kU64, kF32, kF64, kBool, kPointer, kI64Number, kU64Number };

// What a pointer may point to; kAny takes every kind of buffer.
enum class ElementKind { kAny, kI8, kI16, kI32, kI64, kU8, kU16, kU32, kU64, kF32, kF64, kBool };

struct ValueType {
  ValueKind kind = ValueKind::kVoid;
  ElementKind element = ElementKind::kAny;
  std::string name;
};

enum class Place { kIntRegister, kFloatRegister, kStack };

struct Parameter {
  ValueType type;
  Place place = Place::kStack;
  unsigned index = 0;
};

struct Signature {
  static constexpr std::size_t kMaxParameters = 32;

  std::vector<Parameter> parameters;
  ValueType result;
  unsigned stack_words = 0;
};

// Throws ArgumentError for a name that isn't a type, or more than kMaxParameters of them.
Signature ParseSignature(const std::vector<std::string>& parameters, const std::string& result);

}  // namespace native_mem
