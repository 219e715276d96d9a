// Makes NativeError values; gives errno numbers their symbolic names, as Node's own errors do.
#include "memory/errors.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace native_mem {
namespace {

const char* ErrnoName(int error) {
  switch (error) {
    case EACCES: return "EACCES";
    case EAGAIN: return "EAGAIN";
    case EBADF: return "EBADF";
    case EBUSY: return "EBUSY";
    case EEXIST: return "EEXIST";
    case EFAULT: return "EFAULT";
    case EFBIG: return "EFBIG";
    case EINTR: return "EINTR";
    case EINVAL: return "EINVAL";
    case EIO: return "EIO";
    case EISDIR: return "EISDIR";
    case ELOOP: return "ELOOP";
    case EMFILE: return "EMFILE";
    case ENAMETOOLONG: return "ENAMETOOLONG";
    case ENFILE: return "ENFILE";
    case ENODEV: return "ENODEV";
    case ENOENT: return "ENOENT";
    case ENOMEM: return "ENOMEM";
    case ENOSPC: return "ENOSPC";
    case ENOSYS: return "ENOSYS";
    case ENOTDIR: return "ENOTDIR";
    case ENXIO: return "ENXIO";
    case EOVERFLOW: return "EOVERFLOW";
    case EPERM: return "EPERM";
    case EROFS: return "EROFS";
    case ETXTBSY: return "ETXTBSY";
    default: return nullptr;
  }
}

}  // namespace

void Fail(const char* code, std::string message, std::optional<std::uint64_t> address, std::string path) {
  NativeError error;
  error.code = code;
  error.message = std::move(message);
  error.address = address;
  error.path = std::move(path);
  throw error;
}

void FailErrno(int number, const char* syscall, const std::string& hint, std::string path,
               std::optional<std::uint64_t> address) {
  NativeError error;
  const char* name = ErrnoName(number);
  error.code = name != nullptr ? name : "ERRNO_" + std::to_string(number);
  error.message = error.code + ": " + std::strerror(number) + ", " + syscall;
  if (!path.empty()) error.message += " '" + path + "'";
  if (!hint.empty()) error.message += ". " + hint;
  error.syscall = syscall;
  error.path = std::move(path);
  error.address = address;
  throw error;
}

void FailType(std::string message) {
  ArgumentError error;
  error.message = std::move(message);
  throw error;
}

void FailRange(std::string message) {
  ArgumentError error;
  error.range = true;
  error.message = std::move(message);
  throw error;
}

std::string Hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%" PRIx64, value);
  return text;
}

}  // namespace native_mem
