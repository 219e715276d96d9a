// Runs code so that its faults come back as a FaultRecord instead of ending the process.
#pragma once

#include <cstddef>

#include "call/thread_state.h"
#include "code/code_life.h"

namespace native_mem {

// Calls frame.target; false when the code was already given up (then nothing ran). `faulted` tells the outcome.
// `life` may be none for code that is never freed.
bool GuardedCall(ThreadState& thread, GuardFrame& frame, CodeLife life, bool& faulted);

// memcpy out of memory that may vanish (a file that shrinks); false when it did, with the fault's address.
bool GuardedCopy(ThreadState& thread, void* to, const void* from, std::size_t count, std::uintptr_t* fault_address);

}  // namespace native_mem
