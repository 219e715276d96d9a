// x86-64 features by the CPUID instruction. Sources: Intel SDM vol. 2 "CPUID" and vol. 1, 14.3 "Detection of Intel AVX
// instructions"; AMD APM vol. 3, appendix E (LZCNT).
#include "platform/cpu_features.h"

#include <cpuid.h>

#include <cstdint>

namespace native_mem {
namespace {

constexpr unsigned kXmmAndYmm = 0x6;  // of XCR0

struct Leaf {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
};

// All zero when the processor has no such leaf.
Leaf ReadLeaf(unsigned number) {
  Leaf leaf;
  if (__get_cpuid_count(number, 0, &leaf.eax, &leaf.ebx, &leaf.ecx, &leaf.edx) == 0) return {};
  return leaf;
}

bool Bit(unsigned word, unsigned bit) { return ((word >> bit) & 1) != 0; }

// Whether the system saves the upper halves of the ymm registers when it switches threads.
bool YmmSaved(const Leaf& basic) {
  if (!Bit(basic.ecx, 27)) return false;  // OSXSAVE: XGETBV may be executed
  unsigned low = 0;
  unsigned high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & kXmmAndYmm) == kXmmAndYmm;
}

}  // namespace

std::vector<const char*> CpuFeatures() {
  const Leaf basic = ReadLeaf(1);
  const Leaf structured = ReadLeaf(7);
  const Leaf extended = ReadLeaf(0x80000001);
  const bool ymm = YmmSaved(basic);
  const struct {
    const char* name;
    bool present;
  } all[] = {
      {"sse4.1", Bit(basic.ecx, 19)},
      {"popcnt", Bit(basic.ecx, 23)},
      {"lzcnt", Bit(extended.ecx, 5)},
      {"bmi1", Bit(structured.ebx, 3)},
      {"bmi2", Bit(structured.ebx, 8)},
      {"fma", ymm && Bit(basic.ecx, 12)},
      {"avx", ymm && Bit(basic.ecx, 28)},
      {"avx2", ymm && Bit(structured.ebx, 5)},
  };
  std::vector<const char*> present;
  for (const auto& feature : all) {
    if (feature.present) present.push_back(feature.name);
  }
  return present;
}

}  // namespace native_mem
