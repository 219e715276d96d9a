// TemplateMeta sections other than note.sdn: which specialisations of which templates a module was built with.
import { u16, u32, viewOf } from '../bytes.js';
import { TEMPLATE_META_MAGIC, TemplateKind } from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import type { SmfLimits } from '../limits.js';
import { badTemplate, Fields } from './fields.js';
import { hexBytes } from './header.js';
import { type SmfSection, sectionLabel } from './sections.js';

/** Bytes before the first entry: `META`, u16 version, u32 counts of functions, structs, enums, traits. */
export const TEMPLATE_META_HEADER_SIZE = 22;
/** The order in which the kinds follow each other; a class is listed as a struct. */
export const META_KINDS = [TemplateKind.Function, TemplateKind.Struct, TemplateKind.Enum, TemplateKind.Trait] as const;

export interface MetaSpecialisation {
  readonly typeArgs: readonly string[];
  readonly mangledName: string;
  /** Type parameter → what it is bound to. */
  readonly bindings: readonly { readonly param: string; readonly type: string }[];
}

export interface MetaTemplate {
  /** See `TemplateKind`. */
  readonly kind: number;
  readonly baseName: string;
  readonly genericParams: readonly string[];
  readonly specialisations: readonly MetaSpecialisation[];
}

export interface SmfTemplateMeta {
  readonly sectionIndex: number;
  readonly sectionName: string;
  readonly version: number;
  readonly templates: readonly MetaTemplate[];
}

/** Decodes one META section. */
export function readTemplateMeta(data: Uint8Array, section: SmfSection, limits: SmfLimits): SmfTemplateMeta {
  const view = viewOf(data);
  if (data.length < TEMPLATE_META_HEADER_SIZE || u32(view, 0) !== TEMPLATE_META_MAGIC) {
    throw badTemplate(
      section,
      0,
      'no TemplateMeta header',
      'META (4d 45 54 41), version, counts',
      hexBytes(data, 0, 4),
    );
  }
  const version = u16(view, 4);
  if (version !== 1) {
    throw new SmfFormatError('ERR_SMF_UNSUPPORTED_VERSION', 'a TemplateMeta version that this reader does not know', {
      structure: sectionLabel(section),
      offset: section.offset + 4,
      expected: '1',
      found: `${version}`,
    });
  }
  const fields = new Fields(data, view, TEMPLATE_META_HEADER_SIZE, data.length, section);
  const templates: MetaTemplate[] = [];
  META_KINDS.forEach((kind, i) => {
    const count = u32(view, 6 + 4 * i);
    if (templates.length + count > limits.maxTemplates) {
      throw new SmfFormatError('ERR_SMF_LIMIT', 'more templates than allowed', {
        structure: sectionLabel(section),
        offset: section.offset + 6 + 4 * i,
        expected: `at most ${limits.maxTemplates}`,
        found: `${templates.length + count}`,
        hint: 'Raise the limit maxTemplates if you trust the file',
      });
    }
    for (let left = count; left > 0; left--) templates.push(readTemplate(fields, kind));
  });
  return { sectionIndex: section.index, sectionName: section.name, version, templates };
}

function readTemplate(fields: Fields, kind: number): MetaTemplate {
  const baseName = text(fields, 'base name');
  const genericParams = list(fields.u8('parameter count'), () => text(fields, 'parameter'));
  const specialisations = list(fields.u32('specialisation count'), () => ({
    typeArgs: list(fields.u8('type argument count'), () => text(fields, 'type argument')),
    mangledName: text(fields, 'mangled name'),
    bindings: list(fields.u8('binding count'), () => {
      return { param: text(fields, 'bound parameter'), type: text(fields, 'bound type') };
    }),
  }));
  return { kind, baseName, genericParams, specialisations };
}

/** `count` is only believed item by item: nothing is allocated for what the section does not hold. */
function list<T>(count: number, item: () => T): T[] {
  const items: T[] = [];
  for (let left = count; left > 0; left--) items.push(item());
  return items;
}

const text = (fields: Fields, what: string): string => fields.text(fields.u32(`${what} length`), what);
