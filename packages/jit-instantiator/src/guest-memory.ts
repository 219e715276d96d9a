// What interpreted code sees as memory: the buffers that a call passes, and the regions that native-mem mapped or allocated.
import {
  getProtection,
  mmapReadBytes,
  NativeMemError,
  PROT_WRITE,
  pageSize,
  writeExecMemory,
} from '@simple-jit/native-mem';
import { type ByteMemory, type IrValue, LinearMemory, sizeOf, type Type } from '@simple-jit/template-ir';

/** For one call. */
export class GuestMemory implements ByteMemory {
  readonly #buffers = new LinearMemory();
  readonly #addresses = new Map<ArrayBufferLike, bigint>();
  /** By page: the start of its region. */
  readonly #regions = new Map<bigint, bigint | undefined>();

  /** The address under which the call sees a buffer itself, not a copy. Views of one buffer are as far apart as they are. */
  addressOf(data: ArrayBufferView | ArrayBufferLike): bigint {
    const [buffer, offset] = ArrayBuffer.isView(data) ? [data.buffer, data.byteOffset] : [data, 0];
    let address = this.#addresses.get(buffer);
    if (address === undefined) {
      address = this.#buffers.map(new Uint8Array(buffer));
      this.#addresses.set(buffer, address);
    }
    return address + BigInt(offset);
  }

  load(address: bigint, type: Type): IrValue | undefined {
    const value = this.#buffers.load(address, type);
    if (value !== undefined) return value;
    const bytes = this.#readRegion(address, sizeOf(type)!);
    if (bytes === undefined) return undefined;
    const copy = new LinearMemory();
    return copy.load(copy.map(bytes), type);
  }

  store(address: bigint, type: Type, value: IrValue): boolean {
    if (this.#buffers.store(address, type, value)) return true;
    const bytes = new Uint8Array(sizeOf(type)!);
    const copy = new LinearMemory();
    copy.store(copy.map(bytes), type, value);
    return this.#writeRegion(address, bytes);
  }

  readBytes(address: bigint, length: number): Uint8Array | undefined {
    return this.#buffers.readBytes(address, length) ?? this.#readRegion(address, length);
  }

  writeBytes(address: bigint, bytes: Uint8Array): boolean {
    return this.#buffers.writeBytes(address, bytes) || this.#writeRegion(address, bytes);
  }

  #readRegion(address: bigint, length: number): Uint8Array | undefined {
    const start = this.#regionOf(address);
    return start === undefined ? undefined : inRegion(() => mmapReadBytes(start, Number(address - start), length));
  }

  #writeRegion(address: bigint, bytes: Uint8Array): boolean {
    const start = this.#regionOf(address);
    if (start === undefined) return false;
    const written = inRegion(() => {
      // Code that is not interpreted would fault here.
      if ((getProtection(start) & PROT_WRITE) === 0) return 0;
      return writeExecMemory(start, bytes, Number(address - start));
    });
    return written === bytes.length;
  }

  /**
   * Where the region that holds an address begins, which is how native-mem names it: at one of the pages before. Costs a step
   * for each page, once for each page in a call.
   */
  #regionOf(address: bigint): bigint | undefined {
    const size = BigInt(pageSize());
    const page = address - (address % size);
    if (this.#regions.has(page)) return this.#regions.get(page);
    let start: bigint | undefined = page;
    while (start !== undefined && inRegion(() => mmapReadBytes(start!, 0, 1)) === undefined) {
      const isInside = inRegion(() => getProtection(start!)) !== undefined;
      start = isInside && start >= size ? start - size : undefined;
    }
    this.#regions.set(page, start);
    return start;
  }
}

const OUTSIDE: ReadonlySet<string> = new Set(['ERR_NOT_MAPPED', 'ERR_OUT_OF_BOUNDS', 'EACCES', 'EINVAL']);

/** Undefined where no region of ours is: the interpreter traps then. */
function inRegion<T>(access: () => T): T | undefined {
  try {
    return access();
  } catch (error) {
    if (error instanceof NativeMemError && OUTSIDE.has(error.code)) return undefined;
    throw error;
  }
}
