// The inverse of read/relocations and read/templates: entries to bytes.
import { encodeUtf8, putU64, viewOf } from '../bytes.js';
import {
  RELOCATION_ENTRY,
  RELOCATION_ENTRY_SIZE,
  TEMPLATE_CODE_MAGIC,
  TEMPLATE_META_MAGIC,
  TemplateKind,
} from '../definitions.js';
import { SmfFormatError } from '../errors.js';
import { META_KINDS, type MetaTemplate, TEMPLATE_META_HEADER_SIZE } from '../read/template-meta.js';
import { printGenericParam, TEMPLATE_HEADER_SIZE } from '../read/templates.js';
import type { RelocationInput, TemplateInput } from './model.js';

export function encodeRelocations(relocations: readonly RelocationInput[]): Uint8Array {
  const data = new Uint8Array(relocations.length * RELOCATION_ENTRY_SIZE);
  const view = viewOf(data);
  relocations.forEach((relocation, i) => {
    const at = i * RELOCATION_ENTRY_SIZE;
    putU64(view, at + RELOCATION_ENTRY.offset, relocation.offset);
    view.setUint32(at + RELOCATION_ENTRY.symbolIndex, relocation.symbolIndex, true);
    view.setUint8(at + RELOCATION_ENTRY.type, relocation.type);
    view.setBigInt64(at + RELOCATION_ENTRY.addend, relocation.addend ?? 0n, true);
  });
  return data;
}

/** A TemplateCode section of version 2 without entries. */
export function emptyTemplateCode(): Uint8Array {
  const data = new Uint8Array(TEMPLATE_HEADER_SIZE);
  const view = viewOf(data);
  view.setUint32(0, TEMPLATE_CODE_MAGIC, true);
  view.setUint16(4, 2, true);
  return data;
}

/** One version 2 entry with its length field. */
export function encodeTemplate(template: TemplateInput): Uint8Array {
  const name = encodeUtf8(template.name);
  const params = template.genericParams.map((param) => {
    const bound = 'bound' in param ? param.bound : 'Any';
    const text = encodeUtf8(printGenericParam({ name: param.name, bound }));
    if (text.length > 0xffff) throw invalid(template, `a parameter of ${text.length} bytes`, 'at most 65,535');
    return text;
  });
  if (params.length > 0xff) throw invalid(template, `${params.length} parameters`, 'at most 255');
  const paramBytes = params.reduce((sum, param) => sum + 2 + param.length, 0);
  const length = 1 + 4 + name.length + 1 + paramBytes + template.body.length;
  const data = new Uint8Array(4 + length);
  const view = viewOf(data);
  view.setUint32(0, length, true);
  view.setUint8(4, template.kind);
  view.setUint32(5, name.length, true);
  data.set(name, 9);
  let at = 9 + name.length;
  view.setUint8(at++, params.length);
  for (const param of params) {
    view.setUint16(at, param.length, true);
    data.set(param, at + 2);
    at += 2 + param.length;
  }
  data.set(template.body, at);
  return data;
}

/** A META section, version 1; templates in the order function, struct (and class), enum, trait. */
export function encodeTemplateMeta(templates: readonly MetaTemplate[]): Uint8Array {
  const kindOf = (template: MetaTemplate): number =>
    template.kind === TemplateKind.Class ? TemplateKind.Struct : template.kind;
  const groups = META_KINDS.map((kind) => templates.filter((template) => kindOf(template) === kind));
  const chunks: Uint8Array[] = [];
  const number = (value: number, bytes: 1 | 4): void => {
    const chunk = new Uint8Array(bytes);
    if (bytes === 1 && value > 0xff) throw invalid({ name: 'META' }, `a list of ${value}`, 'at most 255');
    if (bytes === 1) chunk[0] = value;
    else viewOf(chunk).setUint32(0, value, true);
    chunks.push(chunk);
  };
  const text = (value: string): void => {
    const encoded = encodeUtf8(value);
    number(encoded.length, 4);
    chunks.push(encoded);
  };
  for (const template of groups.flat()) {
    text(template.baseName);
    number(template.genericParams.length, 1);
    template.genericParams.forEach(text);
    number(template.specialisations.length, 4);
    for (const specialisation of template.specialisations) {
      number(specialisation.typeArgs.length, 1);
      specialisation.typeArgs.forEach(text);
      text(specialisation.mangledName);
      number(specialisation.bindings.length, 1);
      for (const { param, type } of specialisation.bindings) {
        text(param);
        text(type);
      }
    }
  }
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, TEMPLATE_META_HEADER_SIZE);
  const data = new Uint8Array(size);
  const view = viewOf(data);
  view.setUint32(0, TEMPLATE_META_MAGIC, true);
  view.setUint16(4, 1, true);
  groups.forEach((group, i) => {
    view.setUint32(6 + 4 * i, group.length, true);
  });
  let at = TEMPLATE_META_HEADER_SIZE;
  for (const chunk of chunks) {
    data.set(chunk, at);
    at += chunk.length;
  }
  return data;
}

const invalid = (template: { name: string }, found: string, expected: string): SmfFormatError =>
  new SmfFormatError('ERR_SMF_INVALID_ARGUMENT', 'the template cannot be encoded', {
    structure: `template ${template.name}`,
    expected,
    found,
  });
