// Small WebAssembly modules of one function over one memory, for comparing compilers.

// What this needs of the global, whose types come with the DOM library only.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F64 = 0x7c;

export interface WasmFunction {
  /** What it is exported as. */
  readonly name: string;
  readonly params: readonly number[];
  readonly results: readonly number[];
  /** Its locals and instructions, to the final `end`. */
  readonly body: readonly number[];
}

const length = (count: number): number[] => (count < 0x80 ? [count] : [(count & 0x7f) | 0x80, count >> 7]);
const vector = (bytes: readonly number[]): number[] => [...length(bytes.length), ...bytes];
const section = (id: number, bytes: readonly number[]): number[] => [id, ...vector(bytes)];
const text = (name: string): number[] => vector([...name].map((letter) => letter.charCodeAt(0)));

/** The bytes but for the version, which `instantiate` adds. */
export function moduleOf({ name, params, results, body }: WasmFunction): readonly number[] {
  return [
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, ...vector(params), ...vector(results)]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...text('memory'), 2, 0, ...text(name), 0, 0]),
    ...section(10, [1, ...vector(body)]),
  ];
}

/** Compiles synchronously. Each version has other bytes (in a custom section), so that no cache of compiled modules can answer. */
export function instantiate(module: readonly number[], version: number): object {
  const bytes = [version & 0x7f, (version >> 7) & 0x7f, (version >> 14) & 0x7f, (version >> 21) & 0x7f];
  const versioned = Uint8Array.from([...module, ...section(0, [...text('version'), ...bytes])]);
  return new WebAssembly.Instance(new WebAssembly.Module(versioned)).exports;
}
