// Memory of interpreted programs: byte regions at virtual addresses, little-endian, every access bounds-checked.
import { isSigned, sizeOf, type Type, typeToString } from '../types.js';
import type { IrValue } from './arithmetic.js';
import { wrap } from './integers.js';

/** What the interpreter loads from and stores to. Types are scalars, pointers and function pointers. */
export interface Memory {
  /** The value of `type` at `address`; undefined if not all its bytes are there: the interpreter traps. */
  load(address: bigint, type: Type): IrValue | undefined;
  /** Writes a value; false, and nothing written, if not all its bytes are there. */
  store(address: bigint, type: Type, value: IrValue): boolean;
  /** A copy of `length` bytes from `address` on, or undefined if not all are there. Without it, `copy` loads byte by byte. */
  readBytes?(address: bigint, length: number): Uint8Array | undefined;
  /** Writes bytes from `address` on; false if not all are there. Without it, `copy` and `fill` store byte by byte. */
  writeBytes?(address: bigint, bytes: Uint8Array): boolean;
}

/** Memory that moves bytes too. */
export type ByteMemory = Required<Memory>;

interface Region {
  readonly start: bigint;
  readonly end: bigint;
  /** Its length is 0 once the buffer is detached, or too short. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** No region is nearer than this to another or to address 0, so that a stray index hits nothing. */
const GAP = 0x10000n;

/**
 * Memory made of separate regions. Regions live as long as the object, or until `unmap`; no address is used twice.
 *
 * ```ts
 * const memory = new LinearMemory();
 * const data = memory.map(new Float64Array([1, 2, 3])); // address of the array itself, not of a copy
 * interpret(sum, [data, 3n], { memory }); // 6
 * ```
 */
export class LinearMemory implements ByteMemory {
  readonly #regions: Region[] = [];
  #next: bigint;

  /** `base`: the lowest address, a multiple of 64 KiB above 0. */
  constructor(base: bigint = GAP) {
    this.#next = base;
  }

  /** Address of `count` zeroed values of `type`: a scalar, pointer or function pointer. */
  allocate(type: Type, count: number): bigint {
    const size = sizeOf(type);
    if (size === undefined) throw new TypeError(`${typeToString(type)} has no size of its own; map as many bytes`);
    return this.map(new Uint8Array(count * size));
  }

  /**
   * Address under which interpreted code sees the bytes of `data`; both see what the other writes. Aligned to 64 KiB. Once its
   * buffer is detached, or shrunk to less, accesses trap.
   */
  map(data: ArrayBufferView): bigint {
    const start = this.#next;
    const { buffer, byteOffset, byteLength } = data;
    const end = start + BigInt(byteLength);
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    this.#regions.push({ start, end, bytes, view: new DataView(buffer, byteOffset, byteLength) });
    this.#next = (end / GAP + 2n) * GAP;
    return start;
  }

  /** Ends the region that `map` or `allocate` put at `start`: accesses trap from then on. False if there is none. */
  unmap(start: bigint): boolean {
    const i = this.#upTo(start) - 1;
    if (this.#regions[i]?.start !== start) return false;
    this.#regions.splice(i, 1);
    return true;
  }

  /** Bytes in the region that begins at `start`; undefined if none does. */
  sizeAt(start: bigint): number | undefined {
    const region = this.#regions[this.#upTo(start) - 1];
    return region?.start === start ? region.bytes.length : undefined;
  }

  readBytes(address: bigint, length: number): Uint8Array | undefined {
    return this.#bytes(address, length)?.slice();
  }

  writeBytes(address: bigint, bytes: Uint8Array): boolean {
    const there = this.#bytes(address, bytes.length);
    there?.set(bytes);
    return there !== undefined;
  }

  load(address: bigint, type: Type): IrValue | undefined {
    const region = this.#find(address, sizeOf(type)!);
    if (region === undefined) return undefined;
    const offset = Number(address - region.start);
    if (type.kind !== 'scalar') return region.view.getBigUint64(offset, true);
    switch (type.name) {
      case 'bool':
        return region.view.getUint8(offset) !== 0;
      case 'f32':
        return region.view.getFloat32(offset, true);
      case 'f64':
        return region.view.getFloat64(offset, true);
      default:
        return loadInt(region.view, offset, type);
    }
  }

  store(address: bigint, type: Type, value: IrValue): boolean {
    const region = this.#find(address, sizeOf(type)!);
    if (region === undefined) return false;
    const offset = Number(address - region.start);
    if (typeof value === 'boolean') region.view.setUint8(offset, value ? 1 : 0);
    else if (typeof value === 'bigint') storeInt(region.view, offset, type, value);
    else if (sizeOf(type) === 4) region.view.setFloat32(offset, value, true);
    else region.view.setFloat64(offset, value, true);
    return true;
  }

  #bytes(address: bigint, length: number): Uint8Array | undefined {
    const region = this.#find(address, length);
    if (region === undefined) return undefined;
    const start = Number(address - region.start);
    return region.bytes.subarray(start, start + length);
  }

  /** The region that holds all of `size` bytes at `address`. */
  #find(address: bigint, size: number): Region | undefined {
    const region = this.#regions[this.#upTo(address) - 1];
    if (region === undefined || address + BigInt(size) > region.end) return undefined;
    return region.bytes.length > 0 || size === 0 ? region : undefined;
  }

  /** How many regions begin at `address` or below, by bisection: they ascend. */
  #upTo(address: bigint): number {
    let low = 0;
    let high = this.#regions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#regions[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function loadInt(view: DataView, offset: number, type: Type): bigint {
  switch (sizeOf(type)) {
    case 1:
      return wrap(type, BigInt(view.getUint8(offset)));
    case 2:
      return wrap(type, BigInt(view.getUint16(offset, true)));
    case 4:
      return wrap(type, BigInt(view.getUint32(offset, true)));
    default:
      return isSigned(type) ? view.getBigInt64(offset, true) : view.getBigUint64(offset, true);
  }
}

function storeInt(view: DataView, offset: number, type: Type, value: bigint): void {
  const size = sizeOf(type)!;
  if (size === 8) {
    view.setBigUint64(offset, BigInt.asUintN(64, value), true);
    return;
  }
  const bits = Number(BigInt.asUintN(32, value));
  if (size === 1) view.setUint8(offset, bits & 0xff);
  else if (size === 2) view.setUint16(offset, bits & 0xffff, true);
  else view.setUint32(offset, bits, true);
}
