// The portable protection and flag values of the public API, and their translation for this platform.
#pragma once

namespace native_mem {

constexpr int kProtNone = 0;
constexpr int kProtRead = 1;
constexpr int kProtWrite = 2;
constexpr int kProtExec = 4;

constexpr int kMapShared = 1;
constexpr int kMapPrivate = 2;
constexpr int kMapFixed = 0x10;
constexpr int kMapAnonymous = 0x20;

// Throws for unknown bits and for memory that would be writable and executable at once.
int PlatformProtection(int prot);
int PlatformAdvice(int advice);

}  // namespace native_mem
