// Values as directives write them: from text to what the interpreter calls a value, by the type, and compared again.
import { type IrValue, type Type, typeToString } from '@simple-jit/template-ir';
import { DirectiveError } from './directives.js';

/** A value, or an address that is known only once the buffers of an engine have one. */
export type Expected = IrValue | { readonly buffer: string; readonly offset: bigint };

const INTEGER = /^-?(\d+|0x[0-9a-fA-F]+)$/;
const NUMBER = /^-?(\d+(\.\d+)?([eE][+-]?\d+)?|inf)$|^nan$/;
const ADDRESS = /^([A-Za-z_][A-Za-z0-9_.]*)([+-]\d+)?$/;

/** Reads `text` as a value of `type`: an integer (also hexadecimal), a number, a bool, `null`, or `buffer+bytes` for a pointer. */
export function readValue(text: string, type: Type): Expected {
  switch (type.kind === 'scalar' ? type.name : type.kind) {
    case 'bool':
      if (text === 'true' || text === 'false') return text === 'true';
      break;
    case 'f32':
    case 'f64': {
      if (!NUMBER.test(text)) break;
      const value = text === 'nan' ? Number.NaN : Number(text.replace('inf', 'Infinity'));
      if (type.kind !== 'scalar' || type.name !== 'f32') return value;
      const rounded = Math.fround(value);
      if (Number.isFinite(value) && !Number.isFinite(rounded)) break;
      return rounded;
    }
    case 'ptr': {
      if (text === 'null') return 0n;
      const match = text.match(ADDRESS);
      if (match !== null) return { buffer: match[1]!, offset: BigInt(match[2] ?? 0) };
      if (INTEGER.test(text) && inRange(integer(text), 0n, 64n)) return integer(text);
      break;
    }
    case 'fn':
      if (text === 'null') return 0n;
      if (INTEGER.test(text) && inRange(integer(text), 0n, 64n)) return integer(text);
      break;
    case 'param':
    case 'array':
    case 'named':
      break;
    default: {
      if (!INTEGER.test(text)) break;
      const value = integer(text);
      const name = typeToString(type);
      const bits = BigInt(name.slice(1));
      if (inRange(value, name[0] === 'i' ? bits - 1n : 0n, bits)) return value;
    }
  }
  throw new DirectiveError(`${text} is no value of ${typeToString(type)}`);
}

function integer(text: string): bigint {
  return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
}

/** Signed if `signBit` is not 0. */
function inRange(value: bigint, signBit: bigint, bits: bigint): boolean {
  const least = signBit === 0n ? 0n : -(1n << signBit);
  const end = signBit === 0n ? 1n << bits : 1n << signBit;
  return value >= least && value < end;
}

/** The address that a buffer has, where the value is one. */
export function resolveValue(value: Expected, addressOf: (buffer: string) => bigint | undefined): IrValue {
  if (typeof value !== 'object') return value;
  const address = addressOf(value.buffer);
  if (address === undefined) throw new DirectiveError(`there is no buffer ${value.buffer}`);
  return BigInt.asUintN(64, address + value.offset);
}

/** Equal in every bit; any two NaN are equal. */
export function sameValue(a: IrValue | undefined, b: IrValue | undefined): boolean {
  return Object.is(a, b);
}

export function valueToString(value: IrValue | undefined): string {
  if (value === undefined) return 'no value';
  return Object.is(value, -0) ? '-0' : String(value);
}
