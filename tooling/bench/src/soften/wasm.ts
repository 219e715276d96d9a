// soften<f64> of soften.tir as a WebAssembly module.
import { F64, I32, I64, instantiate, moduleOf } from '../wasm-module.js';

export interface WasmSoften {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly soften: (data: number, n: bigint, low: number, high: number) => number;
}

const module = moduleOf({
  name: 'soften',
  params: [I32, I64, F64, F64],
  results: [F64],
  body: [
    3, 1, I64, 5, F64, 1, I32, // locals: i (4), total (5), last (6), x (7), y (8), mean (9), p (10)
    0x02, 0x40, 0x03, 0x40, // block, loop
    0x20, 4, 0x20, 1, 0x59, 0x0d, 1, // br_if out (i >= n)
    0x20, 0, 0x20, 4, 0xa7, 0x41, 3, 0x74, 0x6a, 0x22, 10, 0x2b, 3, 0, 0x22, 7, // x = load(p = data + i * 8)
    0x20, 2, 0x63, 0x04, F64, 0x20, 2, 0x05, // x < low ? low :
    0x20, 7, 0x20, 3, 0x64, 0x04, F64, 0x20, 3, 0x05, 0x20, 7, 0x0b, 0x0b, // x > high ? high : x
    0x22, 8, 0x20, 6, 0xa0, 0x44, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xa3, 0x21, 9, // mean = ((y = that) + last) / 2
    0x20, 10, 0x20, 9, 0x39, 3, 0, // store(p, mean)
    0x20, 5, 0x20, 9, 0xa0, 0x21, 5, // total += mean
    0x20, 8, 0x21, 6, // last = y
    0x20, 4, 0x42, 1, 0x7c, 0x21, 4, // i += 1
    0x0c, 0, 0x0b, 0x0b, // br loop, end, end
    0x20, 5, 0x0b, // total
  ], // biome-ignore format: instructions
});

/** Compiles synchronously, as version `version` of the module. */
export function instantiateSoften(version: number): WasmSoften {
  return instantiate(module, version) as WasmSoften;
}
