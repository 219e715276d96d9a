// Damage to the binary form of a module: bytes that are changed, moved and cut off, and changes of single parts (an opcode, an
// operand, a type, a literal, an edge, a field) that leave the form whole, so that they get further.
import * as fc from 'fast-check';
import { decodeDeclaration } from '../binary/declarations.js';
import { decodeTemplate } from '../binary/decode.js';
import { type EncodedTemplate, encodeModule } from '../binary/encode.js';
import type { Instruction, IrFunction, Template, TemplateModule, TypeDeclaration } from '../ir.js';
import { BINARY_OPS, COMPARE_OPS, UNARY_OPS } from '../operations.js';
import { BOUNDS, type Type } from '../types.js';

/** One change; how its numbers are used depends on `kind`. */
export interface Change {
  readonly kind: number;
  readonly entry: number;
  readonly at: number;
  readonly from: number;
  readonly value: number;
}

export const arbitraryChange: fc.Arbitrary<Change> = fc.record({
  kind: fc.nat(9),
  entry: fc.nat(63),
  at: fc.nat(),
  from: fc.nat(),
  value: fc.nat(),
});

/** The binary form of the module after those changes. `parts` come first: they need a whole module. */
export function mutate(module: TemplateModule, changes: readonly Change[]): readonly EncodedTemplate[] {
  const parts = changes.filter((change) => !changesBytes(change));
  let entries = encodeModule(parts.reduce(changePart, module));
  for (const change of changes) if (changesBytes(change)) entries = changeBytes(entries, change);
  return entries;
}

/** What an entry holds, read again; throws `IrDecodeError`. */
export function decodeModule(name: string, entries: readonly EncodedTemplate[]): TemplateModule {
  const types: TypeDeclaration[] = [];
  const templates: Template[] = [];
  for (const entry of entries) {
    if (entry.kind === 0) templates.push(decodeTemplate(entry));
    else types.push(decodeDeclaration(entry));
  }
  return { name, types, templates };
}

/** Kinds below are changes of bytes. */
const BYTE_CHANGES = 5;

/** True for a change of bytes; the others leave the form whole. */
export function changesBytes({ kind }: Change): boolean {
  return kind < BYTE_CHANGES;
}

function changeBytes(entries: readonly EncodedTemplate[], { kind, entry, at, from, value }: Change): EncodedTemplate[] {
  const chosen = entry % entries.length;
  const { body } = entries[chosen]!;
  const other = entries[value % entries.length]!.body;
  // Magic and version now and then only: there is little to find out there.
  const skipped = at % 16 === 0 ? 0 : 4;
  const place = skipped + (at % Math.max(body.length - skipped, 1));
  const start = from % Math.max(other.length, 1);
  const length = 1 + (value % 12);
  const changed = [...body];
  switch (kind) {
    case 0:
      changed[place] = (changed[place]! ^ (1 << (value % 8))) & 0xff;
      break;
    case 1:
      changed[place] = value & 0xff;
      break;
    case 2: // over what is there
      changed.splice(place, length, ...other.slice(start, start + length));
      break;
    case 3: // between what is there
      changed.splice(place, value % 3, ...other.slice(start, start + length));
      break;
    default:
      changed.length = place;
  }
  const bytes = Uint8Array.from(changed);
  return entries.map((each, i) => (i === chosen ? { ...each, body: bytes } : each));
}

/** A place of an object where another value of the same kind can stand. */
interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
  readonly choices: readonly unknown[];
}

function changePart(module: TemplateModule, { entry, at, from, kind }: Change): TemplateModule {
  const copy = structure(module) as { types: TypeDeclaration[]; templates: Template[] };
  const holders: readonly (TypeDeclaration | Template)[] = [...copy.types, ...copy.templates, ...copy.templates];
  const holder = holders[entry % holders.length]!;
  const names = module.templates.map(({ name }) => name);
  const all = 'blocks' in holder ? placesOfFunction(holder, names) : placesOfDeclaration(holder);
  // Of some kinds there are many more places than of others.
  const some = all.filter(({ key }) => key !== 'op' || kind % 2 === 0);
  const place = some[at % Math.max(some.length, 1)];
  if (place !== undefined) place.holder[place.key] = place.choices[from % place.choices.length];
  return copy as unknown as TemplateModule;
}

/** A copy whose objects can be changed. Types, which are compared by identity, stay themselves. */
function structure(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(structure);
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, structure(part)]));
}

const SAME_SHAPE: readonly (readonly Instruction['op'][])[] = [
  [...UNARY_OPS, 'convert', 'convert_checked', 'cast'],
  [...BINARY_OPS, ...COMPARE_OPS],
  ['elem', 'item'],
  ['sizeof', 'alignof'],
];

const LITERALS: readonly unknown[] = [
  ...[0n, 1n, -1n, 255n, 256n, -128n, 1n << 31n, 1n << 32n, (1n << 63n) - 1n, -(1n << 63n), (1n << 64n) - 1n],
  ...[0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e300, true, false],
];

function placesOfFunction(fn: IrFunction, templates: readonly string[]): readonly Place[] {
  const places: Place[] = [];
  const types: readonly Type[] = [...new Set(fn.valueTypes)];
  const values = fn.valueTypes.map((_, value) => value);
  const blocks = fn.blocks.map((_, block) => block);
  const add = (holder: object, key: string, choices: readonly unknown[]): void => {
    if (choices.length > 0) places.push({ holder: holder as Record<string, unknown>, key, choices });
  };
  const addElements = (list: readonly unknown[], choices: readonly unknown[]): void => {
    for (const i of list.keys()) add(list, String(i), choices);
  };
  addElements(fn.valueTypes, types);
  add(fn, 'result', [...types, undefined]);
  for (const param of fn.typeParams) add(param, 'bound', BOUNDS);
  for (const block of fn.blocks) {
    for (const instruction of block.instructions) {
      const shape = SAME_SHAPE.find((ops) => ops.includes(instruction.op));
      if (shape !== undefined) add(instruction, 'op', shape);
      for (const [key, part] of Object.entries(instruction)) {
        if (key === 'args') addElements(part as readonly unknown[], values);
        else if (key === 'value' && instruction.op === 'const') add(instruction, key, LITERALS);
        else if (key === 'type') add(instruction, key, types);
        else if (key === 'callee') {
          add(part as object, 'template', [...templates, 'nowhere']);
          addElements((part as { typeArgs: readonly Type[] }).typeArgs, types);
        } else if (typeof part === 'number' && key !== 'result') add(instruction, key, values);
      }
    }
    const { terminator } = block;
    const others = fn.blocks.map((each) => each.terminator);
    add(block, 'terminator', others);
    if (terminator.op === 'branch') add(terminator, 'condition', values);
    if (terminator.op === 'return' && terminator.value !== undefined) add(terminator, 'value', values);
    if (terminator.op === 'if') {
      add(terminator, 'type', types);
      add(terminator, 'is', [...BOUNDS, ...types]);
    }
    const edges =
      'target' in terminator ? [terminator.target] : 'then' in terminator ? [terminator.then, terminator.else] : [];
    for (const edge of edges) {
      add(edge, 'block', blocks);
      addElements(edge.args, values);
    }
  }
  return places;
}

function placesOfDeclaration(declaration: TypeDeclaration): readonly Place[] {
  const lists = declaration.kind === 'struct' ? [declaration.fields] : declaration.variants.map(({ fields }) => fields);
  const fields = lists.flat();
  const types = [...new Set(fields.map(({ type }) => type))];
  return [
    ...declaration.typeParams.map((param) => ({ holder: param as never, key: 'bound', choices: BOUNDS })),
    ...fields.map((field) => ({ holder: field as never, key: 'type', choices: types })),
    ...fields.map((field) => ({ holder: field as never, key: 'name', choices: ['tag', 'f0', 'f1'] })),
  ];
}
