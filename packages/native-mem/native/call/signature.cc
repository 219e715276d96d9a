// See signature.h. Source: System V psABI for x86-64, section 3.2.3 (classes INTEGER and SSE only).
#include "call/signature.h"

#include <map>

#include "memory/errors.h"

namespace native_mem {
namespace {

const std::map<std::string, ValueKind>& Kinds() {
  static const std::map<std::string, ValueKind> kinds = {
      {"void", ValueKind::kVoid}, {"i8", ValueKind::kI8},     {"i16", ValueKind::kI16},
      {"i32", ValueKind::kI32},   {"i64", ValueKind::kI64},   {"u8", ValueKind::kU8},
      {"u16", ValueKind::kU16},   {"u32", ValueKind::kU32},   {"u64", ValueKind::kU64},
      {"f32", ValueKind::kF32},   {"f64", ValueKind::kF64},   {"bool", ValueKind::kBool},
      {"ptr", ValueKind::kPointer}, {"i64:number", ValueKind::kI64Number}, {"u64:number", ValueKind::kU64Number}};
  return kinds;
}

ElementKind ElementOf(const std::string& name) {
  static const std::map<std::string, ElementKind> elements = {
      {"i8", ElementKind::kI8},   {"i16", ElementKind::kI16}, {"i32", ElementKind::kI32}, {"i64", ElementKind::kI64},
      {"u8", ElementKind::kU8},   {"u16", ElementKind::kU16}, {"u32", ElementKind::kU32}, {"u64", ElementKind::kU64},
      {"f32", ElementKind::kF32}, {"f64", ElementKind::kF64}, {"bool", ElementKind::kBool}};
  const auto found = elements.find(name);
  return found == elements.end() ? ElementKind::kAny : found->second;
}

ValueType ParseType(const std::string& name) {
  ValueType type;
  type.name = name;
  const auto found = Kinds().find(name);
  if (found != Kinds().end()) {
    type.kind = found->second;
    return type;
  }
  if (name.size() > 5 && name.compare(0, 4, "ptr<") == 0 && name.back() == '>') {
    type.kind = ValueKind::kPointer;
    type.element = ElementOf(name.substr(4, name.size() - 5));
    return type;
  }
  FailType("'" + name + "' is not a native type. Use i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 bool ptr ptr<T> void, or i64:number "
           "and u64:number.");
}

}  // namespace

Signature ParseSignature(const std::vector<std::string>& parameters, const std::string& result) {
  if (parameters.size() > Signature::kMaxParameters) {
    FailRange("A signature has at most " + std::to_string(Signature::kMaxParameters) + " parameters, got " +
              std::to_string(parameters.size()));
  }
  Signature signature;
  unsigned ints = 0;
  unsigned floats = 0;
  for (const std::string& name : parameters) {
    Parameter parameter;
    parameter.type = ParseType(name);
    if (parameter.type.kind == ValueKind::kVoid) FailType("A parameter can't be void. Leave it out.");
    const bool is_float = parameter.type.kind == ValueKind::kF32 || parameter.type.kind == ValueKind::kF64;
    if (is_float && floats < kFloatRegisters) {
      parameter.offset = offsetof(GuardFrame, floats) + std::size_t{8} * floats++;
    } else if (!is_float && ints < kIntRegisters) {
      parameter.offset = offsetof(GuardFrame, ints) + std::size_t{8} * ints++;
    } else {
      parameter.offset = Signature::kStackOffset + std::size_t{8} * signature.stack_words++;
    }
    if (parameter.type.kind == ValueKind::kPointer) ++signature.pointers;
    signature.parameters.push_back(std::move(parameter));
  }
  signature.result = ParseType(result);
  signature.float_result = signature.result.kind == ValueKind::kF32 || signature.result.kind == ValueKind::kF64;
  return signature;
}

}  // namespace native_mem
