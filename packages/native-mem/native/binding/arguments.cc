// See arguments.h.
#include "binding/arguments.h"

#include <cmath>

namespace native_mem {

std::uint64_t AddressArgument(const Napi::Value& value, const char* name) {
  bool lossless = false;
  std::uint64_t address = 0;
  if (napi_get_value_bigint_uint64(value.Env(), value, &address, &lossless) != napi_ok) {
    FailType(std::string(name) + " must be a bigint");
  }
  if (!lossless) FailRange(std::string(name) + " must be from 0 to 2^64-1");
  return address;
}

std::uint64_t SizeArgument(const Napi::Value& value, const char* name) {
  double number = 0;
  if (napi_get_value_double(value.Env(), value, &number) != napi_ok) FailType(std::string(name) + " must be a number");
  if (!(number >= 0) || number > 9007199254740991.0 || std::trunc(number) != number) {
    FailRange(std::string(name) + " must be an integer from 0 to 2^53-1");
  }
  return static_cast<std::uint64_t>(number);
}

int IntArgument(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) FailType(std::string(name) + " must be a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= -2147483648.0 && number <= 2147483647.0) || std::trunc(number) != number) {
    FailRange(std::string(name) + " must be a 32-bit integer");
  }
  return static_cast<int>(number);
}

std::string StringArgument(const Napi::Value& value, const char* name) {
  char text[128];
  std::size_t size = 0;
  if (napi_get_value_string_utf8(value.Env(), value, text, sizeof text, &size) != napi_ok) {
    FailType(std::string(name) + " must be a string");
  }
  constexpr std::size_t longest_character = 4;
  if (size + longest_character < sizeof text) return {text, size};
  return value.As<Napi::String>().Utf8Value();
}

std::string PathArgument(const Napi::Value& value, const char* name) {
  std::string path = StringArgument(value, name);
  if (path.empty() || path.find('\0') != std::string::npos) {
    FailType(std::string(name) + " must be a path: not empty, without NUL characters");
  }
  return path;
}

Bytes BytesArgument(const Napi::Value& value, const char* name) {
  if (value.IsTypedArray()) {
    const auto array = value.As<Napi::TypedArray>();
    if (array.TypedArrayType() == napi_uint8_array) {
      const auto bytes = value.As<Napi::Uint8Array>();
      bool detached = false;
      napi_is_detached_arraybuffer(value.Env(), bytes.ArrayBuffer(), &detached);
      if (detached) FailType(std::string(name) + " is a Uint8Array over a detached ArrayBuffer");
      return {bytes.Data(), bytes.ByteLength()};
    }
  }
  FailType(std::string(name) + " must be a Uint8Array");
}

void ThrowCaught(EnvState& state) {
  try {
    throw;
  } catch (const NativeError& error) {
    ThrowNative(state, error);
  } catch (const ArgumentError& error) {
    ThrowArgument(state.env, error);
  } catch (const std::bad_alloc&) {
    NativeError error;
    error.code = "ENOMEM";
    error.message = "Out of memory.";
    ThrowNative(state, error);
  } catch (const Napi::Error& error) {
    error.ThrowAsJavaScriptException();
  } catch (const std::exception& unexpected) {
    NativeError error;
    error.code = "ERR_INTERNAL";
    error.message = std::string("Unexpected: ") + unexpected.what() + ". Please report this.";
    ThrowNative(state, error);
  }
}

Napi::Value AddressValue(Napi::Env env, std::uint64_t address) { return Napi::BigInt::New(env, address); }

Napi::Uint8Array NewBytes(Napi::Env env, std::size_t size) {
  constexpr std::size_t kSmall = 1 << 20;
  if (size <= kSmall) return Napi::Uint8Array::New(env, size);
  const auto constructor = env.Global().Get("Uint8Array").As<Napi::Function>();
  const Napi::Value made = constructor.New({Napi::Number::New(env, static_cast<double>(size))});
  if (BytesArgument(made, "Uint8Array").size != size) FailType("The global Uint8Array was replaced");
  return made.As<Napi::Uint8Array>();
}

}  // namespace native_mem
