// What the processor can do beyond what all of its architecture can. Implemented per processor.
#pragma once

#include <vector>

namespace native_mem {

// Names as in src/cpu-features.ts.
std::vector<const char*> CpuFeatures();

}  // namespace native_mem
