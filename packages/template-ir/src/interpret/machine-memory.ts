// The memory that one run sees: what its caller gave it, and the slots of its activations, which lie where nothing of the
// caller's can. Moves bytes over both.
import { scalar, sizeOf, type Type } from '../types.js';
import type { IrValue } from './arithmetic.js';
import { type ByteMemory, LinearMemory, type Memory } from './memory.js';

/** What the specification leaves open. A program that can tell is wrong, or nothing to compare with native code. */
export interface Quirks {
  /** Where slots lie: a multiple of 2^48. */
  readonly slots: bigint;
  /** In how many areas of 2^48 bytes: one slot in each, from the last to the first, and then again. */
  readonly areas: number;
  /** What slots hold that nothing has filled with zeros: seen in a result, it shows that something read too early. */
  readonly poison: number;
  /** The bytes that a NaN is stored as, beside the usual ones. */
  readonly nan: { readonly f32: bigint; readonly f64: bigint } | undefined;
}

/** Slots are where neither LinearMemory comes nor, as they are no canonical addresses, the hardware. */
export const USUAL: Quirks = { slots: 0x5107n << 48n, areas: 1, poison: 0xa5, nan: undefined };

const AREA_BITS = 48n;
/** Where the first slot of an area begins. */
const FIRST = 0x10000n;

/** Bytes that are moved at a time. */
const CHUNK = 0x10000n;

/** Addresses end here. */
const SPACE = 1n << 64n;

const U8 = scalar('u8');

export class MachineMemory implements ByteMemory {
  readonly #outer: Memory;
  readonly #areas: readonly LinearMemory[];
  readonly #maxBytes: number;
  readonly #quirks: Quirks;
  #bytes = 0;
  #allocated = 0;

  /** `maxBytes`: how much all slots that are there at a time may take. */
  constructor(outer: Memory, maxBytes: number, quirks: Quirks) {
    this.#outer = outer;
    this.#maxBytes = maxBytes;
    this.#quirks = quirks;
    const { slots, areas } = quirks;
    this.#areas = Array.from({ length: areas }, (_, i) => new LinearMemory(slots + (BigInt(i) << AREA_BITS) + FIRST));
  }

  /** Address of a new slot; undefined if there is no space left. No address is given out twice, so stale ones trap. */
  allocate(size: number): bigint | undefined {
    if (this.#bytes + size > this.#maxBytes) return undefined;
    this.#bytes += size;
    const area = this.#areas.at(-1 - (this.#allocated++ % this.#areas.length))!;
    return area.map(new Uint8Array(size).fill(this.#quirks.poison));
  }

  free(slot: bigint): void {
    const area = this.#areaOf(slot)!;
    this.#bytes -= area.sizeAt(slot)!;
    area.unmap(slot);
  }

  load(address: bigint, type: Type): IrValue | undefined {
    return this.#at(address).load(address, type);
  }

  store(address: bigint, type: Type, value: IrValue): boolean {
    const { nan } = this.#quirks;
    if (nan === undefined || !Number.isNaN(value)) return this.#at(address).store(address, type, value);
    const isShort = sizeOf(type) === 4;
    return this.#at(address).store(address, scalar(isShort ? 'u32' : 'u64'), isShort ? nan.f32 : nan.f64);
  }

  readBytes(address: bigint, length: number): Uint8Array | undefined {
    const memory = this.#at(address);
    if (memory.readBytes !== undefined) return memory.readBytes(address, length);
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      const byte = memory.load(address + BigInt(i), U8);
      if (byte === undefined) return undefined;
      bytes[i] = Number(byte);
    }
    return bytes;
  }

  writeBytes(address: bigint, bytes: Uint8Array): boolean {
    const memory = this.#at(address);
    if (memory.writeBytes !== undefined) return memory.writeBytes(address, bytes);
    return bytes.every((byte, i) => memory.store(address + BigInt(i), U8, BigInt(byte)));
  }

  /** Moves bytes; the two ranges may overlap. Returns the address of what is not there, if anything is not. */
  move(to: bigint, from: bigint, length: bigint): bigint | undefined {
    if (from + length > SPACE) return from;
    if (to + length > SPACE) return to;
    for (let done = 0n; done < length; done += CHUNK) {
      const size = length - done < CHUNK ? length - done : CHUNK;
      // What is read must not have been written yet: begin at the end where the target lies behind the source.
      const start = to > from ? length - done - size : done;
      const bytes = this.readBytes(from + start, Number(size));
      if (bytes === undefined) return from + start;
      if (!this.writeBytes(to + start, bytes)) return to + start;
    }
    return undefined;
  }

  /** Writes one byte `length` times. Returns the address of what is not there, if anything is not. */
  fill(to: bigint, byte: number, length: bigint): bigint | undefined {
    if (to + length > SPACE) return to;
    for (let done = 0n; done < length; done += CHUNK) {
      const size = length - done < CHUNK ? length - done : CHUNK;
      if (!this.writeBytes(to + done, new Uint8Array(Number(size)).fill(byte))) return to + done;
    }
    return undefined;
  }

  #at(address: bigint): Memory {
    return this.#areaOf(address) ?? this.#outer;
  }

  #areaOf(address: bigint): LinearMemory | undefined {
    const distance = address - this.#quirks.slots;
    return distance < 0n ? undefined : this.#areas[Number(distance >> AREA_BITS)];
  }
}
