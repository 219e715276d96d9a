// How IR types look to the machine: register class, width, sign.
import { type ConcreteFunction, type ScalarName, type Type, typeToString } from '@simple-jit/template-ir';
import { CodegenError } from '../errors.js';
import { GENERAL, type RegClass, VECTOR } from '../x64/registers.js';

export interface MachineType {
  readonly cls: RegClass;
  /** 8, 16, 32 or 64. The bits of a general register above the width are undefined: whoever needs them extends first. */
  readonly bits: 8 | 16 | 32 | 64;
  readonly signed: boolean;
  /** A bool's low byte is 0 or 1. */
  readonly bool: boolean;
}

/** All there are. */
export const MACHINE_TYPES: MachineType[] = [];
const add = (type: MachineType): number => MACHINE_TYPES.push(type) - 1;

const POINTER = add({ cls: GENERAL, bits: 64, signed: false, bool: false });
const scalars = new Map<ScalarName, number>([['bool', add({ cls: GENERAL, bits: 8, signed: false, bool: true })]]);
for (const bits of [8, 16, 32, 64] as const) {
  scalars.set(`i${bits}`, add({ cls: GENERAL, bits, signed: true, bool: false }));
  scalars.set(`u${bits}`, add({ cls: GENERAL, bits, signed: false, bool: false }));
}
for (const bits of [32, 64] as const) scalars.set(`f${bits}`, add({ cls: VECTOR, bits, signed: true, bool: false }));

/**
 * Index in MACHINE_TYPES. Throws ERR_NOT_CONCRETE for a type parameter and for an aggregate, which specialisation replaces by an
 * address.
 */
export function machineTypeNumber(type: Type, symbol: string): number {
  if (type.kind === 'scalar') return scalars.get(type.name)!;
  if (type.kind === 'ptr' || type.kind === 'fn') return POINTER;
  const what = type.kind === 'param' ? `type parameter ${type.name}` : `a value of type ${typeToString(type)}`;
  throw new CodegenError('ERR_NOT_CONCRETE', symbol, `${what} is left; specialise the template first`);
}

const float64 = new Float64Array(1);
const float32 = new Float32Array(float64.buffer);
const words = new Int32Array(float64.buffer);

/** The bits of a number as f32 or f64: low and high 32. */
export function floatBits(value: number, bits: number): readonly [number, number] {
  if (bits === 64) {
    float64[0] = value;
    return [words[0]!, words[1]!];
  }
  words[1] = 0;
  float32[0] = value;
  return [words[0]!, 0];
}

/** Bytes from one element to the next: specialisation has written them into the instruction. */
export function elementSize({ symbol }: ConcreteFunction, { size }: { readonly size: number | undefined }): number {
  if (size !== undefined) return size;
  throw new CodegenError(
    'ERR_NOT_CONCRETE',
    symbol,
    'the size of an element is missing; specialise the template first',
  );
}
