// Barriers that reach every thread of the process. Implemented per platform.
#pragma once

#include <cstddef>

namespace native_mem {

// False when the platform has no such barrier: then every guarded call fences for itself.
bool ProcessBarrierSupported();

// To be called before a second thread uses code. Until then nothing below has anyone to wait for; getting ready takes
// 10 to 30 ms (measured: the kernel waits for a grace period), too much for a process that never starts a thread.
void ShareCodeBetweenThreads();

void ProcessBarrier();

// Makes freshly written code visible to instruction fetch on every core. `reused` = the memory held code before.
void PublishCode(void* start, std::size_t size, bool reused);

}  // namespace native_mem
