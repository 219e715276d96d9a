// Signatures of native functions, parsed once: how each argument is checked and where it goes by the System V ABI.
#pragma once

#include <string>
#include <vector>

#include "platform/guard_frame.h"

namespace native_mem {

enum class ValueKind { kVoid, kI8, kI16, kI32, kI64, kU8, kU16, kU32, kU64, kF32, kF64, kBool, kPointer, kI64Number, kU64Number };

// What a pointer may point to; kAny takes every kind of buffer.
enum class ElementKind { kAny, kI8, kI16, kI32, kI64, kU8, kU16, kU32, kU64, kF32, kF64, kBool };

struct ValueType {
  ValueKind kind = ValueKind::kVoid;
  ElementKind element = ElementKind::kAny;
  std::string name;
};

struct Parameter {
  ValueType type;
  std::size_t offset = 0;  // of the word that takes it, from the start of the GuardFrame of a call
};

struct Signature {
  static constexpr std::size_t kMaxParameters = 255;
  static constexpr std::size_t kStackOffset = sizeof(GuardFrame);  // stack words follow the frame

  std::vector<Parameter> parameters;
  ValueType result;
  bool float_result = false;
  std::size_t pointers = 0;  // parameters that are
  unsigned stack_words = 0;
};

// Throws ArgumentError for a name that isn't a type, or more than kMaxParameters of them.
Signature ParseSignature(const std::vector<std::string>& parameters, const std::string& result);

}  // namespace native_mem
