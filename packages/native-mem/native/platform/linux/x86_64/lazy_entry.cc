// The entries of lazy slots in x86-64 code. Encodings: Intel SDM vol. 2.
#include "platform/lazy_entry.h"

#include <algorithm>
#include <cstring>

namespace native_mem {

extern "C" {
void native_mem_lazy_entry();
void native_mem_lazy_entry_probed();
void native_mem_lazy_leave();
}

namespace {

// lea r11, [rip - 7]: the address of the entry itself; jmp to the last bytes of the batch
constexpr unsigned char kEntry[] = {0x4C, 0x8D, 0x1D, 0xF9, 0xFF, 0xFF, 0xFF, 0xE9};
// jmp [rip + 0], with the pointer right behind
constexpr unsigned char kTail[] = {0xFF, 0x25, 0x00, 0x00, 0x00, 0x00};
constexpr std::size_t kTailSize = sizeof kTail + sizeof(std::uintptr_t);
static_assert(sizeof kEntry + 4 <= kLazyEntry && kTailSize <= kLazyEntry);

}  // namespace

std::size_t WriteLazyEntries(unsigned char* code, std::size_t size) {
  std::fill_n(code, size, static_cast<unsigned char>(0xCC));
  const std::size_t count = size / kLazyEntry - 1;
  const std::size_t tail = count * kLazyEntry;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = i * kLazyEntry;
    std::memcpy(code + at, kEntry, sizeof kEntry);
    const auto distance = static_cast<std::int32_t>(tail - (at + sizeof kEntry + 4));
    std::memcpy(code + at + sizeof kEntry, &distance, 4);
  }
  std::memcpy(code + tail, kTail, sizeof kTail);
  const auto target = reinterpret_cast<std::uintptr_t>(&native_mem_lazy_entry);
  std::memcpy(code + tail + sizeof kTail, &target, sizeof target);
  return count;
}

bool IsLazyFault(std::uintptr_t pc) {
  const bool probing = pc >= reinterpret_cast<std::uintptr_t>(&native_mem_lazy_entry) &&
                       pc < reinterpret_cast<std::uintptr_t>(&native_mem_lazy_entry_probed);
  // The processor refuses an address that is not canonical before it goes there.
  return probing || pc == reinterpret_cast<std::uintptr_t>(&native_mem_lazy_leave);
}

void RestoreControls(const GuardFrame& frame) {
  __asm__ volatile("ldmxcsr %0\n\tfldcw %1" ::"m"(frame.mxcsr), "m"(frame.x87_control));
}

}  // namespace native_mem
