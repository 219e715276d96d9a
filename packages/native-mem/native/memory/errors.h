// The one C++ exception that crosses the binding: it carries what NativeMemError shows to JavaScript.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>

namespace native_mem {

struct NativeError : std::exception {
  std::string code;
  std::string message;
  std::string syscall;
  std::string path;
  std::optional<std::uint64_t> address;

  const char* what() const noexcept override { return message.c_str(); }
};

// Wrong argument kinds and ranges become the built-in TypeError and RangeError.
struct ArgumentError : std::exception {
  bool range = false;
  std::string message;

  const char* what() const noexcept override { return message.c_str(); }
};

[[noreturn]] void Fail(const char* code, std::string message, std::optional<std::uint64_t> address = std::nullopt,
                       std::string path = {});

// A system call failed with `error`; `hint` says what the user can do.
[[noreturn]] void FailErrno(int error, const char* syscall, const std::string& hint, std::string path = {},
                            std::optional<std::uint64_t> address = std::nullopt);

[[noreturn]] void FailType(std::string message);
[[noreturn]] void FailRange(std::string message);

std::string Hex(std::uint64_t value);

}  // namespace native_mem
