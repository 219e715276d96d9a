// How IR types look to the machine: register class, width, sign.
import { type ConcreteFunction, type Type, typeToString } from '@simple-jit/template-ir';
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

const machineTypes: Record<string, MachineType> = { bool: { cls: GENERAL, bits: 8, signed: false, bool: true } };
for (const bits of [8, 16, 32, 64] as const) {
  machineTypes[`i${bits}`] = { cls: GENERAL, bits, signed: true, bool: false };
  machineTypes[`u${bits}`] = { cls: GENERAL, bits, signed: false, bool: false };
  machineTypes[`f${bits}`] = { cls: VECTOR, bits, signed: true, bool: false };
}
const POINTER: MachineType = { cls: GENERAL, bits: 64, signed: false, bool: false };

/** Throws ERR_NOT_CONCRETE for a type parameter and for an aggregate, which specialisation replaces by an address. */
export function machineType(type: Type, symbol: string): MachineType {
  if (type.kind === 'scalar') return machineTypes[type.name]!;
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
