// Reads the primitives of the binary form. Every read is checked against the end; every number must be in its one form.
import { type DecodeCode, IrDecodeError } from '../errors.js';
import { MAX_NAME_LENGTH } from '../limits.js';
import { isName } from '../names.js';
import { NAN_BITS } from './codes.js';

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #template: string;
  offset = 0;

  constructor(bytes: Uint8Array, template: string) {
    this.#bytes = bytes;
    this.#template = template;
  }

  get remaining(): number {
    return this.#bytes.length - this.offset;
  }

  fail(code: DecodeCode, offset: number, expected: string, found: string): never {
    throw this.error(code, offset, expected, found);
  }

  error(code: DecodeCode, offset: number, expected: string, found: string): IrDecodeError {
    return new IrDecodeError(code, this.#template, offset, expected, found);
  }

  byte(what: string): number {
    const value = this.#bytes[this.offset];
    if (value === undefined) return this.fail('TRUNCATED', this.offset, what, 'the end of the input');
    this.offset++;
    return value;
  }

  /** Unsigned LEB128 below 2^32, in as few bytes as it can have. */
  unsigned(what: string): number {
    const start = this.offset;
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte(what);
      value += (byte & 0x7f) * scale;
      if (value > 0xffff_ffff) this.fail('VARINT', start, `${what} below 2^32`, 'a larger number');
      if (byte < 0x80) {
        if (byte === 0 && scale > 1) this.fail('VARINT', start, `${what} in as few bytes as possible`, 'more');
        return value;
      }
      if (scale >= 2 ** 28) this.fail('VARINT', start, `${what} in at most 5 bytes`, 'more');
    }
  }

  /** Signed LEB128 of at most 10 bytes, in as few as it can have. */
  signed(what: string): bigint {
    const start = this.offset;
    let value = 0n;
    let previous = 0;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte(what);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        const redundant = (byte === 0 && (previous & 0x40) === 0) || (byte === 0x7f && (previous & 0x40) !== 0);
        if (shift > 0n && redundant) this.fail('VARINT', start, `${what} in as few bytes as possible`, 'more');
        return (byte & 0x40) === 0 ? value : value - (1n << (shift + 7n));
      }
      previous = byte;
    }
    return this.fail('VARINT', start, `${what} in at most 10 bytes`, 'more');
  }

  /** Any NaN but the one that is written is refused: equal functions have equal bytes. */
  float64(what: string): number {
    if (this.remaining < 8) this.fail('TRUNCATED', this.offset, what, `${this.remaining} bytes`);
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.offset, 8);
    const value = view.getFloat64(0, true);
    if (Number.isNaN(value) && view.getBigUint64(0, true) !== NAN_BITS) {
      this.fail('LITERAL', this.offset, 'the NaN 00 00 00 00 00 00 f8 7f', 'another NaN');
    }
    this.offset += 8;
    return value;
  }

  /** A count of things that take at least `size` bytes each: no more than the rest can hold, so that it is safe to believe. */
  count(what: string, size: number, limit = Number.POSITIVE_INFINITY): number {
    const start = this.offset;
    const count = this.unsigned(`the number of ${what}`);
    if (count > limit) this.fail('LIMIT', start, `at most ${limit} ${what}`, `${count}`);
    if (count * size > this.remaining) {
      this.fail('COUNT', start, `no more ${what} than ${this.remaining} bytes can hold`, `${count}`);
    }
    return count;
  }

  /** An index below `limit`. */
  index(what: string, limit: number): number {
    const start = this.offset;
    const index = this.unsigned(what);
    if (index >= limit) this.fail('INDEX', start, `${what} below ${limit}`, `${index}`);
    return index;
  }

  /** An identifier; undefined for an empty one. */
  name(what: string): string | undefined {
    const start = this.offset;
    const length = this.count(`bytes of ${what}`, 1, MAX_NAME_LENGTH);
    let name = '';
    for (let i = 0; i < length; i++) name += String.fromCharCode(this.byte(what));
    if (length === 0) return undefined;
    if (!isName(name)) this.fail('NAME', start, `an identifier as ${what}`, JSON.stringify(name.slice(0, 80)));
    return name;
  }

  end(): void {
    if (this.remaining > 0) this.fail('TRAILING', this.offset, 'the end of the body', `${this.remaining} more bytes`);
  }
}
