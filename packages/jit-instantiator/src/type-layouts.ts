// The layouts of structs and enums that a function's code relies on, as text: equal texts mean equal layouts.
import {
  type ConcreteFunction,
  layoutOf,
  parseType,
  type TypeEnvironment,
  typeToString,
} from '@simple-jit/template-ir';

/** How one type lies in memory. */
export interface TypeLayoutRecord {
  /** `Pair<i32, f64>` */
  readonly type: string;
  readonly layout: string;
}

/** Those that specialisation looked at. */
export function layoutsOf({ layouts }: ConcreteFunction, types: TypeEnvironment): TypeLayoutRecord[] {
  return layouts.map((line) => {
    const type = /^(?:struct|enum) ([^{]+) \{/.exec(line)?.[1];
    if (type === undefined) throw new TypeError(`not the layout of a struct or enum: ${line}`);
    return { type, layout: describeLayout(type, types) };
  });
}

/**
 * `struct { a: i32 @0, b: f64 @8 } size 16 align 8`; of an enum, with its variants in the order of their tags.
 * @throws IrLayoutError if it has none, IrSyntaxError if the text is no type
 */
export function describeLayout(text: string, types: TypeEnvironment): string {
  const type = parseType(text);
  const { size, align, fields } = layoutOf(type, types);
  const declaration = type.kind === 'named' ? types(type.name) : undefined;
  const kind =
    declaration?.kind === 'enum' ? `enum ${declaration.variants.map(({ name }) => name).join(' ')}` : 'struct';
  const places = Array.from(fields, ([path, field]) => `${path}: ${typeToString(field.type)} @${field.offset}`);
  return `${kind} { ${places.join(', ')} } size ${size} align ${align}`;
}

/** The layout now, or why there is none. */
export function presentLayout(text: string, types: TypeEnvironment): string {
  try {
    return describeLayout(text, types);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The name of the struct or enum: `Pair` of `Pair<i32, f64>`. */
export function typeName(text: string): string {
  return text.split('<', 1)[0]!;
}
