// How code gets from an unresolved lazy slot into ResolveLazyCall, and on from there. Implemented per processor.
#pragma once

#include <cstddef>
#include <cstdint>

#include "platform/guard_frame.h"

namespace native_mem {

constexpr std::size_t kLazyBatch = 4096;
constexpr std::size_t kLazyEntry = 16;

// Fills a batch with position-independent entries, kLazyEntry bytes each; returns how many there are. One that is called
// goes to native_mem_lazy_entry and tells its own address.
std::size_t WriteLazyEntries(unsigned char* code, std::size_t size);

// Whether native_mem_lazy_entry may fault at `pc` for what the code that called did: there isn't enough stack, or the target
// is no address. The stack is as the caller left it then.
bool IsLazyFault(std::uintptr_t pc);

// Gives the processor the floating-point modes back that the caller of the guarded call had.
void RestoreControls(const GuardFrame& frame);

extern "C" {

// In two registers: where the call goes on, or the guarded call that ends instead.
struct LazyOutcome {
  std::uint64_t target;
  GuardFrame* abandoned;
};

// Called by native_mem_lazy_entry with all argument registers saved; `stack` holds the return address of the call.
LazyOutcome native_mem_resolve_lazy(std::uintptr_t entry, const std::uintptr_t* stack) noexcept;
}

}  // namespace native_mem
