// The record of one guarded call, shared by the trampoline (assembly), the fault handler and the callers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace native_mem {

constexpr std::size_t kIntRegisters = 6;
constexpr std::size_t kFloatRegisters = 8;

struct FaultRecord {
  int signal = 0;
  int code = 0;
  std::uintptr_t address = 0;  // what was accessed, for memory faults
  std::uintptr_t pc = 0;       // the instruction that faulted, or the call that jumped into nowhere
  bool stack_overflow = false;
  bool exception_pending = false;  // not a fault: the resolver of a lazy slot threw, and its exception ends the call
};

// trampoline.S knows these offsets.
struct GuardFrame {
  void* saved_sp;                       // 0
  const void* target;                   // 8
  const std::uint64_t* stack_arguments; // 16
  std::uint64_t stack_count;            // 24
  std::uint64_t ints[kIntRegisters];    // 32
  std::uint64_t floats[kFloatRegisters];// 80
  std::uint64_t int_result;             // 144
  std::uint64_t float_result;           // 152
  std::uint32_t mxcsr;                  // 160
  std::uint16_t x87_control;            // 164
  GuardFrame* previous;                 // 168
  void* environment;                    // 176, the EnvState that calls; null where no code can be called
  FaultRecord fault;
};

static_assert(offsetof(GuardFrame, stack_count) == 24 && offsetof(GuardFrame, ints) == 32 &&
              offsetof(GuardFrame, floats) == 80 && offsetof(GuardFrame, int_result) == 144 &&
              offsetof(GuardFrame, mxcsr) == 160 && offsetof(GuardFrame, x87_control) == 164 &&
              offsetof(GuardFrame, previous) == 168);

}  // namespace native_mem
