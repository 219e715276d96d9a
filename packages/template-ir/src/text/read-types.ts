// Reads types, bounds and declarations. The one parser of types: of the text form, and of what notes write.
import type { EnumDeclaration, FieldDeclaration, TypeDeclaration, TypeEnvironment, TypeParam } from '../ir.js';
import { MAX_FIELDS, MAX_PARAMS, MAX_TYPE_DEPTH, MAX_TYPE_PARAMS, MAX_TYPE_PARTS, MAX_TYPE_SIZE } from '../limits.js';
import { isDeclarationName, isFieldName } from '../names.js';
import {
  arrayOf,
  BOUNDS,
  type Bound,
  fnType,
  named,
  param,
  partsOf,
  ptr,
  SCALAR_NAMES,
  type ScalarName,
  scalar,
  type Type,
} from '../types.js';
import type { Token } from './lexer.js';
import { TokenReader } from './tokens.js';

/** A struct or enum that a text names; whether it is declared is known at the end of the text. */
interface NamedReference {
  readonly token: Token;
  readonly args: number;
}

const bounds: ReadonlySet<string> = new Set(BOUNDS);
const scalars: ReadonlySet<string> = new Set(SCALAR_NAMES);

export class TypeReader extends TokenReader {
  protected typeParams: readonly TypeParam[];
  readonly #references: NamedReference[] = [];

  constructor(text: string, path: string | undefined, typeParams: readonly TypeParam[] = []) {
    super(text, path);
    this.typeParams = typeParams;
  }

  /** One type, and nothing after it. */
  readWholeType(): Type {
    const type = this.type();
    this.expectEnd('nothing after the type');
    return type;
  }

  /** Types with commas between them, and nothing after. */
  readTypeList(): Type[] {
    const types: Type[] = [];
    if (this.lexer.peek.kind === 'end') return types;
    do {
      if (types.length === MAX_TYPE_PARAMS) this.fail(this.lexer.peek, 'LIMIT', `at most ${MAX_TYPE_PARAMS} of them`);
      types.push(this.type());
    } while (this.accept(','));
    this.expectEnd('"," or nothing after the type');
    return types;
  }

  /** Fails for a struct or enum that was named so far and is not in `types`, or takes another number of type arguments. */
  checkReferences(types: TypeEnvironment, names: readonly string[]): void {
    for (const { token, args } of this.#references) {
      const declaration = types(token.text);
      if (declaration === undefined) {
        const known = [...SCALAR_NAMES, 'ptr<…>', 'array<…, n>', 'fn(…)', ...names].slice(0, 30).join(', ');
        this.fail(token, 'UNDEFINED', 'a type', `known here: ${known}`);
      }
      const { length } = declaration.typeParams;
      if (length !== args) this.fail(token, 'ARITY', `${length} type arguments for ${token.text}`, `it has ${args}`);
    }
  }

  protected type(depth = 1): Type {
    const at = this.lexer.peek;
    const type = this.#type(depth);
    if (partsOf(type) > MAX_TYPE_PARTS) this.fail(at, 'LIMIT', `a type of at most ${MAX_TYPE_PARTS} parts`);
    return type;
  }

  #type(depth: number): Type {
    const token = this.lexer.next();
    if (depth > MAX_TYPE_DEPTH) this.fail(token, 'LIMIT', `a type of at most ${MAX_TYPE_DEPTH} levels`);
    if (token.kind !== 'name') this.fail(token, 'TOKEN', 'a type');
    const { text } = token;
    if (text === 'ptr') {
      this.expect('<');
      const to = this.type(depth + 1);
      this.expect('>');
      return ptr(to);
    }
    if (text === 'array') return this.#array(depth);
    if (text === 'fn') return this.#function(depth);
    if (scalars.has(text)) return scalar(text as ScalarName);
    const index = this.typeParams.findIndex(({ name }) => name === text);
    if (index >= 0) {
      if (this.is('<')) this.fail(this.lexer.peek, 'ARITY', 'no type arguments', `${text} is a type parameter`);
      return param(index, text);
    }
    if (!isDeclarationName(text)) this.fail(token, 'RESERVED', 'a type', `${text} is no type`);
    const args = this.readTypeArgs(depth + 1);
    this.#references.push({ token, args: args.length });
    return named(text, args);
  }

  /** `<i64, …>` or nothing. */
  protected readTypeArgs(depth = 1): readonly Type[] {
    return this.accept('<') ? this.listOfSome('>', MAX_TYPE_PARAMS, () => this.type(depth)) : [];
  }

  #array(depth: number): Type {
    this.expect('<');
    const of = this.type(depth + 1);
    this.expect(',');
    const token = this.lexer.next();
    if (token.kind !== 'number') this.fail(token, 'TOKEN', 'the length of the array');
    const length = /^(0x|[0-9]+$)/.test(token.text) ? Number(token.text) : 0;
    if (length < 1 || length > MAX_TYPE_SIZE) this.fail(token, 'LIMIT', `a length from 1 to ${MAX_TYPE_SIZE}`);
    this.expect('>');
    return arrayOf(of, length);
  }

  #function(depth: number): Type {
    this.expect('(');
    const params = this.list(')', MAX_PARAMS, () => this.type(depth + 1));
    return fnType(params, this.accept('->') ? this.type(depth + 1) : undefined);
  }

  protected boundOrType(): Bound | Type {
    if (!bounds.has(this.lexer.peek.text)) return this.type();
    return this.lexer.next().text as Bound;
  }

  /** `<T: Num, …>` or nothing. They are known from here on, until the next. */
  protected readTypeParams(): readonly TypeParam[] {
    const typeParams: TypeParam[] = [];
    if (this.accept('<')) this.listOfSome('>', MAX_TYPE_PARAMS, () => typeParams.push(this.#typeParam(typeParams)));
    this.typeParams = typeParams;
    return typeParams;
  }

  #typeParam(seen: readonly TypeParam[]): TypeParam {
    const token = this.#declaredName('the name of a type parameter');
    if (seen.some(({ name }) => name === token.text)) this.fail(token, 'DUPLICATE', 'another type parameter');
    this.expect(':');
    const bound = this.lexer.next();
    if (!bounds.has(bound.text)) this.fail(bound, 'TOKEN', `one of ${BOUNDS.join(', ')}`);
    return { name: token.text, bound: bound.text as Bound };
  }

  #declaredName(what: string): Token {
    const token = this.name(what);
    if (!isDeclarationName(token.text)) this.fail(token, 'RESERVED', what, 'a type or bound has it');
    return token;
  }

  /** A declaration, whose `struct` or `enum` is next; with the token of its name. */
  protected declaration(): { readonly token: Token; readonly declaration: TypeDeclaration } {
    const kind = this.lexer.next().text as 'struct' | 'enum';
    const token = this.#declaredName(`the name of the ${kind}`);
    const typeParams = this.readTypeParams();
    const name = token.text;
    const parts = { name, typeParams };
    const declaration: TypeDeclaration =
      kind === 'struct'
        ? { kind, ...parts, fields: this.#lines('field', (seen) => this.#field(seen)) }
        : { kind, ...parts, variants: this.#lines('variant', (seen) => this.#variant(seen)) };
    this.typeParams = [];
    return { token, declaration };
  }

  /** What stands in braces, one item on each line, at least one. */
  #lines<Item>(what: string, item: (seen: Set<string>) => Item): Item[] {
    const items: Item[] = [];
    const seen = new Set<string>();
    this.expect('{');
    do {
      this.expectNewLine();
      if (items.length === MAX_FIELDS) this.fail(this.lexer.peek, 'LIMIT', `at most ${MAX_FIELDS} ${what}s`);
      items.push(item(seen));
    } while (!this.accept('}'));
    return items;
  }

  #field(seen: Set<string>): FieldDeclaration {
    const name = this.#memberName('the name of a field', seen);
    this.expect(':');
    return { name, type: this.type() };
  }

  #variant(seen: Set<string>): EnumDeclaration['variants'][number] {
    const name = this.#memberName('the name of a variant', seen);
    const fields = new Set<string>();
    return { name, fields: this.accept('(') ? this.listOfSome(')', MAX_FIELDS, () => this.#field(fields)) : [] };
  }

  #memberName(what: string, seen: Set<string>): string {
    const token = this.name(what);
    if (!isFieldName(token.text)) this.fail(token, 'TOKEN', `${what}, without dots`);
    if (seen.has(token.text)) this.fail(token, 'DUPLICATE', `another name than before as ${what}`);
    seen.add(token.text);
    return token.text;
  }
}
