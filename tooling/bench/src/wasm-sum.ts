// sum<f64> of examples/collections.tir as a WebAssembly module, for comparing compilers.

export interface WasmSum {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly sum: (data: number, n: bigint) => number;
}

// What this needs of the global, whose types come with the DOM library only.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

/** Compiles synchronously, as version `version` of the module. */
export function instantiateSum(version: number): WasmSum {
  return new WebAssembly.Instance(new WebAssembly.Module(sumModule(version))).exports as WasmSum;
}

const I32 = 0x7f;
const I64 = 0x7e;
const F64 = 0x7c;

const vector = (bytes: readonly number[]): number[] => [bytes.length, ...bytes];
const section = (id: number, bytes: readonly number[]): number[] => [id, ...vector(bytes)];
const name = (text: string): number[] => vector([...text].map((letter) => letter.charCodeAt(0)));

const body = [
  2, 1, I64, 1, F64, // locals: i (2), total (3)
  0x02, 0x40, 0x03, 0x40, // block, loop
  0x20, 2, 0x20, 1, 0x59, 0x0d, 1, // br_if out (i >= n)
  0x20, 3, 0x20, 0, 0x20, 2, 0xa7, 0x41, 3, 0x74, 0x6a, 0x2b, 3, 0, 0xa0, 0x21, 3, // total += data[i]
  0x20, 2, 0x42, 1, 0x7c, 0x21, 2, // i += 1
  0x0c, 0, 0x0b, 0x0b, // br loop, end, end
  0x20, 3, 0x0b, // total
]; // biome-ignore format: instructions

const common = [
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, ...vector([I32, I64]), ...vector([F64])]),
  ...section(3, [1, 0]),
  ...section(5, [1, 0, 1]),
  ...section(7, [2, ...name('memory'), 2, 0, ...name('sum'), 0, 0]),
  ...section(10, [1, ...vector(body)]),
];

/** The module's bytes; each version has other ones (in a custom section), so that no cache of compiled modules can answer. */
function sumModule(version: number): Uint8Array<ArrayBuffer> {
  const bytes = [version & 0x7f, (version >> 7) & 0x7f, (version >> 14) & 0x7f, (version >> 21) & 0x7f];
  return Uint8Array.from([...common, ...section(0, [...name('version'), ...bytes])]);
}
