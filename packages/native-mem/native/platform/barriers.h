// Barriers that reach every thread of the process. Implemented per platform.
#pragma once

#include <cstddef>

namespace native_mem {

// False when the platform has no such barrier: then every guarded call fences for itself.
bool EnableProcessBarrier();
void ProcessBarrier();

// Makes freshly written code visible to instruction fetch on every core. `reused` = the memory held code before.
void PublishCode(void* start, std::size_t size, bool reused);

}  // namespace native_mem
