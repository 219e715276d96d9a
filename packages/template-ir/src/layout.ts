// How types lie in memory: C's layout (System V ABI, AMD64 supplement, "Aggregates and Unions"), computed from the
// declarations after substitution. docs/spec/template-ir.md, section 1.
import { IrLayoutError, type LayoutCode } from './errors.js';
import type { FieldDeclaration, Layout, TypeDeclaration, TypeEnvironment } from './ir.js';
import {
  MAX_LAYOUT_DEPTH,
  MAX_LAYOUT_FIELDS,
  MAX_LAYOUT_TEXT,
  MAX_TYPE_DEPTH,
  MAX_TYPE_PARTS,
  MAX_TYPE_SIZE,
} from './limits.js';
import { depthOf, type NamedType, partsOf, scalar, sizeOf, substitute, type Type, typeToString } from './types.js';

/** A field of a struct, or of a variant of an enum. */
export interface FieldLayout extends Layout {
  /** Bytes from the start of the struct or enum. */
  readonly offset: number;
  readonly type: Type;
}

/** Size, alignment and fields of a type; an array, number or pointer has no fields. */
export interface TypeLayout extends Layout {
  /** By path, in memory order: `x` of a struct, `tag` and `Variant.x` of an enum. */
  readonly fields: ReadonlyMap<string, FieldLayout>;
}

const NO_FIELDS: ReadonlyMap<string, FieldLayout> = new Map();
const TAG_SIZE = 4;

/**
 * The layout of a concrete type. `types` finds the declarations of structs and enums.
 *
 * Throws `IrLayoutError`, with the path from `type` to where it happened: `UNKNOWN_TYPE` (no declaration), `ARGUMENT_COUNT`
 * (not as many type arguments as the declaration has parameters), `LAYOUT_CYCLE` (contains itself by value), `TOO_LARGE`
 * (more than 2^31 - 1 bytes), `NOT_CONCRETE` (a type parameter), `LIMIT` (a field's type exceeds a limit of `limits.ts`).
 *
 * ```ts
 * const { types } = parseModule('module m\nstruct Pair<A: Any, B: Any> {\n  a: A\n  b: B\n}\n');
 * const layout = layoutOf(parseType('Pair<u8, f64>'), environmentOf(types));
 * layout.size; // 16
 * layout.fields.get('b')!.offset; // 8
 * ```
 */
export function layoutOf(type: Type, types: TypeEnvironment): TypeLayout {
  return new Layouts(types).of(type);
}

interface Laid {
  readonly type: NamedType;
  readonly declaration: TypeDeclaration;
  readonly layout: TypeLayout;
}

/** Layouts, each computed once, and the record of which were looked at. */
export class Layouts {
  readonly #types: TypeEnvironment;
  readonly #known = new Map<Type, TypeLayout>();
  readonly #laid: Laid[] = [];
  /** What is being laid out, outermost first; a cycle comes back to one of them. */
  readonly #open = new Set<Type>();
  readonly #path: (Type | string)[] = [];
  /** Fields so far: declarations that use each other can ask for exponentially many types. */
  #placed = 0;

  constructor(types: TypeEnvironment) {
    this.#types = types;
  }

  /** As `layoutOf`. */
  of(type: Type): TypeLayout {
    const known = this.#known.get(type);
    if (known !== undefined) return known;
    if (this.#open.size === 0) this.#path.length = 0;
    const layout = this.#compute(type);
    this.#known.set(type, layout);
    return layout;
  }

  /**
   * The structs and enums that were looked at, one line of text each, sorted: equal lines mean equal layouts. Throws
   * `IrLayoutError` with `LIMIT`: fields may share types that are long to write.
   */
  lines(): readonly string[] {
    let length = 0;
    const grow = (text: string): string => {
      length += text.length;
      if (length <= MAX_LAYOUT_TEXT) return text;
      throw this.#error('LIMIT', `the layouts take more than ${MAX_LAYOUT_TEXT} characters to tell`);
    };
    return this.#laid.map((laid) => describe(laid, grow)).sort();
  }

  #compute(type: Type): TypeLayout {
    switch (type.kind) {
      case 'param':
        throw this.#error('NOT_CONCRETE', `the type parameter ${type.name} has no layout`);
      case 'array':
        return this.#array(type.of, type.length);
      case 'named':
        return this.#named(type);
      default: {
        const size = sizeOf(type)!;
        return { size, align: size, fields: NO_FIELDS };
      }
    }
  }

  #array(of: Type, length: number): TypeLayout {
    const { size, align } = this.of(of);
    return { size: this.#checkSize(size * length), align, fields: NO_FIELDS };
  }

  #named(type: NamedType): TypeLayout {
    const declaration = this.#types(type.name);
    this.#path.push(type);
    if (declaration === undefined) throw this.#error('UNKNOWN_TYPE', `nothing declares the type ${type.name}`);
    if (this.#open.has(type)) throw this.#error('LAYOUT_CYCLE', `${typeToString(type)} contains itself by value`);
    if (this.#open.size >= MAX_LAYOUT_DEPTH) {
      throw this.#error('LIMIT', `more than ${MAX_LAYOUT_DEPTH} structs and enums are within one another`);
    }
    const { length } = declaration.typeParams;
    if (length !== type.args.length) {
      throw this.#error('ARGUMENT_COUNT', `${type.name} takes ${length} type arguments, not ${type.args.length}`);
    }
    this.#open.add(type);
    const layout = declaration.kind === 'struct' ? this.#struct(type, declaration) : this.#enum(type, declaration);
    this.#open.delete(type);
    this.#path.pop();
    this.#laid.push({ type, declaration, layout });
    return layout;
  }

  #struct(type: NamedType, declaration: TypeDeclaration & { readonly kind: 'struct' }): TypeLayout {
    const fields = new Map<string, FieldLayout>();
    const { end, align } = this.#place(declaration.fields, '', 0, type, fields);
    return { size: this.#checkSize(roundUp(end, align)), align, fields };
  }

  /** A tag, and then a union of the variants' fields, which starts where the most aligned of them may. */
  #enum(type: NamedType, declaration: TypeDeclaration & { readonly kind: 'enum' }): TypeLayout {
    const fields = new Map<string, FieldLayout>();
    fields.set('tag', { offset: 0, size: TAG_SIZE, align: TAG_SIZE, type: scalar('u32') });
    let payload = 1;
    for (const { fields: members } of declaration.variants) {
      for (const member of members) payload = Math.max(payload, this.of(substitute(member.type, type.args)).align);
    }
    const align = Math.max(TAG_SIZE, payload);
    const start = roundUp(TAG_SIZE, payload);
    let end = TAG_SIZE;
    for (const { name, fields: members } of declaration.variants) {
      if (members.length > 0) end = Math.max(end, this.#place(members, `${name}.`, start, type, fields).end);
    }
    return { size: this.#checkSize(roundUp(end, align)), align, fields };
  }

  /** Places fields one after the other from `start` on. */
  #place(
    members: readonly FieldDeclaration[],
    prefix: string,
    start: number,
    { args }: NamedType,
    into: Map<string, FieldLayout>,
  ): { readonly end: number; readonly align: number } {
    let end = start;
    let greatest = 1;
    for (const { name, type: generic } of members) {
      const type = substitute(generic, args);
      if (++this.#placed > MAX_LAYOUT_FIELDS) throw this.#error('LIMIT', `more than ${MAX_LAYOUT_FIELDS} fields`);
      this.#path.push(`${prefix}${name}`);
      if (depthOf(type) > MAX_TYPE_DEPTH || partsOf(type) > MAX_TYPE_PARTS) {
        const limit = `at most ${MAX_TYPE_DEPTH} levels and ${MAX_TYPE_PARTS} parts`;
        throw this.#error('LIMIT', `the field's type exceeds a limit (${limit})`);
      }
      const { size, align } = this.of(type);
      this.#path.pop();
      const offset = roundUp(end, align);
      into.set(`${prefix}${name}`, { offset, size, align, type });
      end = this.#checkSize(offset + size);
      greatest = Math.max(greatest, align);
    }
    return { end, align: greatest };
  }

  #checkSize(size: number): number {
    if (size > MAX_TYPE_SIZE) throw this.#error('TOO_LARGE', `the type has more than ${MAX_TYPE_SIZE} bytes`);
    return size;
  }

  #error(code: LayoutCode, message: string): IrLayoutError {
    const error = new IrLayoutError(
      code,
      this.#path.map((step) => (typeof step === 'string' ? step : typeToString(step))),
      message,
    );
    this.#path.length = 0;
    this.#open.clear();
    return error;
  }
}

function roundUp(offset: number, align: number): number {
  return Math.ceil(offset / align) * align;
}

/** `struct Pair<u8, f64> { a: u8 @0, b: f64 @8 } size 16 align 8`; `grow` gets each part of it. */
function describe({ type: named, declaration, layout }: Laid, grow: (text: string) => string): string {
  const { fields, size, align } = layout;
  const show = (path: string, field: string): string => {
    const { type, offset } = fields.get(path)!;
    return grow(`${field}: ${typeToString(type)} @${offset}`);
  };
  const parts =
    declaration.kind === 'struct'
      ? declaration.fields.map((field) => show(field.name, field.name))
      : declaration.variants.map((variant) => {
          const members = variant.fields.map((field) => show(`${variant.name}.${field.name}`, field.name));
          return grow(variant.name) + (members.length === 0 ? '' : `(${members.join(', ')})`);
        });
  return `${declaration.kind} ${grow(typeToString(named))} { ${parts.join(', ')} } size ${size} align ${align}`;
}
