// What the processor at hand offers to generated code.
import { binding } from './binding.js';

/** Features beyond what every x86-64 processor has. */
export type CpuFeature = 'sse4.1' | 'popcnt' | 'lzcnt' | 'bmi1' | 'bmi2' | 'fma' | 'avx' | 'avx2';

/**
 * Which of the features in {@link CpuFeature} this processor has (CPUID) and this system supports: `fma`, `avx` and `avx2` only
 * where the ymm registers are saved (OSXSAVE and XGETBV, Intel SDM vol. 1, 14.3). Always in the order of that type. Empty on
 * other architectures, and where native code isn't supported at all.
 *
 * @example
 * if (cpuFeatures().includes('popcnt')) {
 *   // the instruction may be used
 * }
 */
export function cpuFeatures(): readonly CpuFeature[] {
  return binding.cpuFeatures();
}
