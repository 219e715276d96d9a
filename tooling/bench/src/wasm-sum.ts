// sum<f64> of examples/collections.tir as a WebAssembly module, for comparing compilers.
import { F64, I32, I64, instantiate, moduleOf } from './wasm-module.js';

export interface WasmSum {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly sum: (data: number, n: bigint) => number;
}

const module = moduleOf({
  name: 'sum',
  params: [I32, I64],
  results: [F64],
  body: [
    2, 1, I64, 1, F64, // locals: i (2), total (3)
    0x02, 0x40, 0x03, 0x40, // block, loop
    0x20, 2, 0x20, 1, 0x59, 0x0d, 1, // br_if out (i >= n)
    0x20, 3, 0x20, 0, 0x20, 2, 0xa7, 0x41, 3, 0x74, 0x6a, 0x2b, 3, 0, 0xa0, 0x21, 3, // total += data[i]
    0x20, 2, 0x42, 1, 0x7c, 0x21, 2, // i += 1
    0x0c, 0, 0x0b, 0x0b, // br loop, end, end
    0x20, 3, 0x0b, // total
  ], // biome-ignore format: instructions
});

/** Compiles synchronously, as version `version` of the module. */
export function instantiateSum(version: number): WasmSum {
  return instantiate(module, version) as WasmSum;
}
