// Turns faults of our code into returns to the landing pad; passes every other signal on.
#pragma once

#include <cstdint>

#include "call/thread_state.h"
#include "platform/guard_frame.h"

namespace native_mem {

bool GuardedCallsSupported();
// Throws ERR_UNSUPPORTED where code can't be installed and called.
void RequireCodeSupport();
// Once per process; throws NativeError where the platform has no support.
void InstallFaultHandlers();


// The instruction of ours that a return address tells of: the address itself, or the function that `frame` called when it
// jumped on instead of calling; 0 for code that isn't ours.
std::uintptr_t CallerByReturnAddress(const GuardFrame& frame, std::uintptr_t return_address);
// Whether a fault at `address` with the stack pointer `sp` says that the stack has ended.
bool IsStackOverflow(const ThreadState& thread, std::uintptr_t sp, std::uintptr_t address);
// Whether the stack of this thread has less left below `sp` than what counts as its end.
bool NearStackEnd(const ThreadState& thread, std::uintptr_t sp);

}  // namespace native_mem
