// TemplateCode sections: the templates' names and parameters, and (version 2) their bodies, which are opaque here.
import { u16, u32, viewOf } from '../bytes.js';
import { TEMPLATE_CODE_MAGIC, templateKindName } from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import type { SmfLimits } from '../limits.js';
import { badTemplate as bad, Fields } from './fields.js';
import { hexBytes } from './header.js';
import { type SmfSection, sectionLabel } from './sections.js';

/** Bytes before the first entry: `GTPL`, u16 version, u32 count. */
export const TEMPLATE_HEADER_SIZE = 10;

/** A type parameter and what it must be; `Any` where nothing is said. */
export interface GenericParam {
  readonly name: string;
  readonly bound: string;
}

export interface SmfTemplate {
  /** See `TemplateKind`. */
  readonly kind: number;
  readonly kindName: string;
  readonly name: string;
  readonly genericParams: readonly GenericParam[];
  /** The template IR, a view of the section; undefined in version 1, which has no usable bodies. */
  readonly body: Uint8Array | undefined;
  /** What a symbol's `templateOffset` says: where the entry begins in its section. */
  readonly offset: number;
  /** Of the section: 1 or 2. */
  readonly version: number;
  /** The whole entry, a view of the section (in version 2 with its length field): what to hash. */
  readonly entry: Uint8Array;
  readonly sectionIndex: number;
}

/** Decodes all templates of one TemplateCode section. */
export function readTemplates(data: Uint8Array, section: SmfSection, limits: SmfLimits): SmfTemplate[] {
  const view = viewOf(data);
  if (data.length < TEMPLATE_HEADER_SIZE || u32(view, 0) !== TEMPLATE_CODE_MAGIC) {
    throw bad(section, 0, 'no TemplateCode header', 'GTPL (47 54 50 4c), version, count', hexBytes(data, 0, 4));
  }
  const version = u16(view, 4);
  const count = u32(view, 6);
  if (version !== 1 && version !== 2) {
    throw new SmfFormatError('ERR_SMF_UNSUPPORTED_VERSION', 'a TemplateCode version that this reader does not know', {
      structure: sectionLabel(section),
      offset: section.offset + 4,
      expected: '1 or 2',
      found: `${version}`,
      hint: 'Update @simple-jit/smf-format',
    });
  }
  if (count > limits.maxTemplates) {
    throw new SmfFormatError('ERR_SMF_LIMIT', 'more templates than allowed', {
      structure: sectionLabel(section),
      offset: section.offset + 6,
      expected: `at most ${limits.maxTemplates}`,
      found: `${count}`,
      hint: 'Raise the limit maxTemplates if you trust the file',
    });
  }
  const templates: SmfTemplate[] = [];
  let at = TEMPLATE_HEADER_SIZE;
  for (let i = 0; i < count; i++) {
    const template = version === 2 ? readEntry2(data, view, at, section) : readEntry1(data, view, at, section);
    templates.push(template);
    at += template.entry.length;
  }
  return templates;
}

function readEntry2(data: Uint8Array, view: DataView, offset: number, section: SmfSection): SmfTemplate {
  const fields = new Fields(data, view, offset, data.length, section);
  const length = fields.u32('entry length');
  const end = fields.at + length;
  if (end > data.length) {
    const room = `at most ${data.length - fields.at} bytes`;
    throw bad(section, offset, 'an entry runs past the section', room, `${length}`);
  }
  const inside = new Fields(data, view, fields.at, end, section);
  const kind = inside.u8('kind');
  const name = inside.text(inside.u32('name length'), 'name');
  const genericParams: GenericParam[] = [];
  for (let left = inside.u8('parameter count'); left > 0; left--) {
    genericParams.push(parseGenericParam(inside.text(inside.u16('parameter length'), 'parameter')));
  }
  return new TemplateEntry(kind, name, genericParams, offset, 2, section.index, data, end, inside.at);
}

function readEntry1(data: Uint8Array, view: DataView, offset: number, section: SmfSection): SmfTemplate {
  const fields = new Fields(data, view, offset, data.length, section);
  const kind = fields.u8('kind');
  const name = fields.text(fields.u32('name length'), 'name');
  const genericParams = unnamedParams(fields.u8('parameter count'));
  return new TemplateEntry(kind, name, genericParams, offset, 1, section.index, data, fields.at, undefined);
}

const unnamed: (readonly GenericParam[])[] = [];

/** Version 1 tells how many parameters there are, not what they are called. Shared: a count is one byte in the file. */
function unnamedParams(count: number): readonly GenericParam[] {
  unnamed[count] ??= Object.freeze(Array.from({ length: count }, (_, i) => ({ name: `T${i}`, bound: 'Any' })));
  return unnamed[count];
}

/** Makes its views when they are asked for: a list of names should not cost two views a template. */
class TemplateEntry implements SmfTemplate {
  readonly #data: Uint8Array;
  readonly #end: number;
  readonly #bodyStart: number | undefined;

  constructor(
    readonly kind: number,
    readonly name: string,
    readonly genericParams: readonly GenericParam[],
    readonly offset: number,
    readonly version: number,
    readonly sectionIndex: number,
    data: Uint8Array,
    end: number,
    bodyStart: number | undefined,
  ) {
    this.#data = data;
    this.#end = end;
    this.#bodyStart = bodyStart;
  }

  get kindName(): string {
    return templateKindName(this.kind);
  }
  get body(): Uint8Array | undefined {
    return this.#bodyStart === undefined ? undefined : this.#data.subarray(this.#bodyStart, this.#end);
  }
  get entry(): Uint8Array {
    return this.#data.subarray(this.offset, this.#end);
  }
}

/** `T` or `T: Num`, as a TemplateCode section of version 2 has it. */
export function parseGenericParam(text: string): GenericParam {
  const colon = text.indexOf(': ');
  return colon < 0 ? { name: text, bound: 'Any' } : { name: text.slice(0, colon), bound: text.slice(colon + 2) };
}

/** The inverse of `parseGenericParam`; the bound `Any` is not written. */
export const printGenericParam = (param: GenericParam): string =>
  param.bound === 'Any' ? param.name : `${param.name}: ${param.bound}`;
