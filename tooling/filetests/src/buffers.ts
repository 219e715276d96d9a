// Buffers: the bytes that a file's `buffer:` lines describe, laid out without gaps, and what `after:` expects of them.
import { type IrValue, parseType, scalar, sizeOf, type Type } from '@simple-jit/template-ir';
import { type AfterDirective, type BufferDirective, DirectiveError, type Item, readItems } from './directives.js';
import { type Expected, readValue, resolveValue, sameValue, valueToString } from './values.js';

/** One value at its place; `undefined` for a value, or a byte, that does not matter. */
interface Cell {
  readonly offset: number;
  readonly type: Type;
  readonly value: Expected | undefined;
}

/** What a buffer holds, or must hold. */
export interface Contents {
  readonly name: string;
  readonly size: number;
  readonly cells: readonly Cell[];
}

type AddressOf = (buffer: string) => bigint | undefined;

/** What bytes of no meaning hold before the call. */
const PADDING = 0xcc;
const LIMIT = 2 ** 20;

export function readBuffer({ name, items }: BufferDirective): Contents {
  const contents = layOut(name, items);
  if (contents.cells.some(({ value }) => value === undefined)) {
    throw new DirectiveError('`_` says what does not matter afterwards; before the call, use a value or `pad`');
  }
  return contents;
}

/** The values of an `after:` line, which have the type of the buffer unless the line names another. */
export function readAfter({ name, type, items }: AfterDirective, before: BufferDirective): Contents {
  return layOut(name, readItems(items, type ?? before.type));
}

function layOut(name: string, items: readonly Item[]): Contents {
  const cells: Cell[] = [];
  let offset = 0;
  for (const item of items) {
    if ('pad' in item) {
      offset += item.pad;
      continue;
    }
    const type = parseType(item.type);
    const size = sizeOf(type);
    if (size === undefined || size * item.count > LIMIT) throw new DirectiveError(`no buffer holds ${item.type}`);
    const value = item.text === '_' ? undefined : readValue(item.text, type);
    for (let i = 0; i < item.count; i++, offset += size) cells.push({ offset, type, value });
  }
  if (offset === 0 || offset > LIMIT) throw new DirectiveError(`a buffer has from 1 to ${LIMIT} bytes, not ${offset}`);
  return { name, size: offset, cells };
}

/** Writes the contents into the bytes that an engine gave the buffer. */
export function fillBuffer({ cells }: Contents, bytes: Uint8Array, addressOf: AddressOf): void {
  bytes.fill(PADDING);
  for (const { offset, type, value } of cells) store(bytes, offset, type, resolveValue(value!, addressOf));
}

/** What is not as expected, as `a+8 holds 3, not 4`. */
export function compareBuffer({ name, cells }: Contents, bytes: Uint8Array, addressOf: AddressOf): string[] {
  const wrong: string[] = [];
  for (const { offset, type, value } of cells) {
    if (value === undefined) continue;
    const expected = resolveValue(value, addressOf);
    const found = load(bytes, offset, type);
    if (sameValue(expected, found)) continue;
    wrong.push(`${name}+${offset} holds ${valueToString(found)}, not ${valueToString(expected)}`);
  }
  return wrong;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function store(bytes: Uint8Array, offset: number, type: Type, value: IrValue): void {
  const view = viewOf(bytes);
  if (typeof value === 'boolean') view.setUint8(offset, value ? 1 : 0);
  else if (typeof value === 'number') {
    if (type === scalar('f32')) view.setFloat32(offset, value, true);
    else view.setFloat64(offset, value, true);
  } else {
    for (let i = 0; i < sizeOf(type)!; i++)
      view.setUint8(offset + i, Number(BigInt.asUintN(8, value >> BigInt(8 * i))));
  }
}

/** A bool that is neither 0 nor 1 is given as the integer that it is: it equals no expectation. */
function load(bytes: Uint8Array, offset: number, type: Type): IrValue {
  const view = viewOf(bytes);
  const name = type.kind === 'scalar' ? type.name : 'u64';
  if (name === 'f32') return view.getFloat32(offset, true);
  if (name === 'f64') return view.getFloat64(offset, true);
  let value = 0n;
  const size = sizeOf(type)!;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(view.getUint8(offset + i));
  if (name === 'bool') return value < 2n ? value === 1n : value;
  return name[0] === 'i' ? BigInt.asIntN(8 * size, value) : value;
}
