// What a processor may offer beyond the x86-64 baseline, and which of it a unit's code really uses.
import { CodegenError } from './errors.js';

/**
 * Instructions that not every x86-64 processor has, by the names that `cpuFeatures` of `@simple-jit/native-mem` gives. The generator uses
 * `sse4.1` (rounding), `popcnt`, `lzcnt`, `bmi1` (counting zeros) and `fma`, whose encoding needs the operating system to have AVX
 * enabled; the others change nothing.
 */
export type CpuFeature = 'sse4.1' | 'popcnt' | 'lzcnt' | 'bmi1' | 'bmi2' | 'fma' | 'avx' | 'avx2';

/** All that the generator knows how to use, in the order of `CompiledUnit.cpuFeatures`. */
const CPU_FEATURES: readonly CpuFeature[] = ['sse4.1', 'popcnt', 'lzcnt', 'bmi1', 'fma'];

export class CpuFeatures {
  private readonly found: CpuFeature[] = [];

  constructor(private readonly allowed: ReadonlySet<CpuFeature>) {}

  /** True if the code may use it; then it does. */
  use(feature: CpuFeature): boolean {
    if (!this.allowed.has(feature)) return false;
    if (!this.found.includes(feature)) this.found.push(feature);
    return true;
  }

  /** For what has no other way. */
  require(feature: CpuFeature, symbol: string, what: string): void {
    if (this.use(feature)) return;
    const remedy = `pass '${feature}' in cpuFeatures if the processor that will run the code has it`;
    throw new CodegenError('ERR_CPU_FEATURE', symbol, `${what} needs the CPU feature ${feature}; ${remedy}`, {
      feature,
    });
  }

  get used(): readonly CpuFeature[] {
    return CPU_FEATURES.filter((feature) => this.found.includes(feature));
  }
}
