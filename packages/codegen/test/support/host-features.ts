// What the processor that runs the tests has beyond the baseline.
import { cpuFeatures } from '@simple-jit/native-mem';
import type { CpuFeature } from '../../src/index.js';

export const HOST_FEATURES: ReadonlySet<CpuFeature> = new Set(cpuFeatures());
