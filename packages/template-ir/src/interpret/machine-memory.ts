// The memory that one run sees: what its caller gave it, and the slots of its activations, which lie where nothing of the
// caller's can. Moves bytes over both.
import { scalar, type Type } from '../types.js';
import type { IrValue } from './arithmetic.js';
import { type ByteMemory, LinearMemory, type Memory } from './memory.js';

/** Slots lie from here to `SLOTS_END`: neither LinearMemory comes here, nor, as they are no canonical addresses, the hardware. */
const SLOTS = 0x5107n << 48n;
const SLOTS_END = 0x5108n << 48n;

/** What slots hold that nothing has filled with zeros: seen in a result, it shows that something read too early. */
const POISON = 0xa5;

/** Bytes that are moved at a time. */
const CHUNK = 0x10000n;

/** Addresses end here. */
const SPACE = 1n << 64n;

const U8 = scalar('u8');

export class MachineMemory implements ByteMemory {
  readonly #outer: Memory;
  readonly #slots = new LinearMemory(SLOTS);
  readonly #maxBytes: number;
  #bytes = 0;

  /** `maxBytes`: how much all slots that are there at a time may take. */
  constructor(outer: Memory, maxBytes: number) {
    this.#outer = outer;
    this.#maxBytes = maxBytes;
  }

  /** Address of a new slot; undefined if there is no space left. No address is given out twice, so stale ones trap. */
  allocate(size: number): bigint | undefined {
    if (this.#bytes + size > this.#maxBytes) return undefined;
    this.#bytes += size;
    return this.#slots.map(new Uint8Array(size).fill(POISON));
  }

  free(slot: bigint): void {
    this.#bytes -= this.#slots.sizeAt(slot)!;
    this.#slots.unmap(slot);
  }

  load(address: bigint, type: Type): IrValue | undefined {
    return this.#at(address).load(address, type);
  }

  store(address: bigint, type: Type, value: IrValue): boolean {
    return this.#at(address).store(address, type, value);
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
    return address >= SLOTS && address < SLOTS_END ? this.#slots : this.#outer;
  }
}
