// Memory of interpreted programs: byte regions at virtual addresses, little-endian, every access bounds-checked.
import { isSigned, sizeOf, type Type } from '../types.js';
import { type IrValue, wrap } from './arithmetic.js';

/** What the interpreter loads from and stores to. */
export interface Memory {
  /** The value of `type` at `address`; undefined if not all its bytes are there: the interpreter traps. */
  load(address: bigint, type: Type): IrValue | undefined;
  /** Writes a value; false, and nothing written, if not all its bytes are there. */
  store(address: bigint, type: Type, value: IrValue): boolean;
}

interface Region {
  readonly start: bigint;
  readonly end: bigint;
  readonly view: DataView;
}

/** No region is nearer than this to another or to address 0, so that a stray index hits nothing. */
const GAP = 0x10000n;

/**
 * Memory made of separate regions. Regions live as long as the object.
 *
 * ```ts
 * const memory = new LinearMemory();
 * const data = memory.map(new Float64Array([1, 2, 3])); // address of the array itself, not of a copy
 * interpret(sum, [data, 3n], { memory }); // 6
 * ```
 */
export class LinearMemory implements Memory {
  readonly #regions: Region[] = [];
  #next = GAP;

  /** Address of `count` zeroed values of `type`. */
  allocate(type: Type, count: number): bigint {
    return this.map(new Uint8Array(count * sizeOf(type)!));
  }

  /** Address under which interpreted code sees the bytes of `data`; both see what the other writes. Aligned to 64 KiB. */
  map(data: ArrayBufferView): bigint {
    const start = this.#next;
    const end = start + BigInt(data.byteLength);
    this.#regions.push({ start, end, view: new DataView(data.buffer, data.byteOffset, data.byteLength) });
    this.#next = (end / GAP + 2n) * GAP;
    return start;
  }

  load(address: bigint, type: Type): IrValue | undefined {
    const region = this.#find(address, sizeOf(type)!);
    if (region === undefined) return undefined;
    const offset = Number(address - region.start);
    if (type.kind === 'ptr') return region.view.getBigUint64(offset, true);
    switch (type.kind === 'scalar' ? type.name : undefined) {
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

  /** The region that holds all of `size` bytes at `address`, by bisection: regions ascend. */
  #find(address: bigint, size: number): Region | undefined {
    let low = 0;
    let high = this.#regions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#regions[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    const region = this.#regions[low - 1];
    return region !== undefined && address + BigInt(size) <= region.end ? region : undefined;
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
