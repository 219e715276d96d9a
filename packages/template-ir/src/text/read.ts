// Reads the text form to a syntax tree: recursive descent with one token of lookahead, a method per rule of the grammar
// in docs/spec/template-ir.md. Recursion is only in types, whose depth is limited.
import type { SyntaxCode } from '../errors.js';
import type { TypeParam } from '../ir.js';
import { MAX_PARAMS, MAX_TYPE_DEPTH, MAX_TYPE_PARAMS } from '../limits.js';
import { isTypeParamName, KEYWORDS } from '../names.js';
import { BINARY_OPS, COMPARE_OPS, UNARY_OPS } from '../operations.js';
import { BOUNDS, type Bound, param, ptr, SCALAR_NAMES, type ScalarName, scalar, type Type } from '../types.js';
import { describe, Lexer, syntaxError, type Token } from './lexer.js';
import type {
  BlockNode,
  EdgeNode,
  FunctionNode,
  InstructionNode,
  LiteralNode,
  OperandNode,
  OperationNode,
  ParameterNode,
  TerminatorNode,
} from './syntax-tree.js';

type SimpleOp = Extract<OperationNode, { operands: readonly OperandNode[]; op: Exclude<string, 'call'> }>['op'];

const ARITIES = new Map<string, { readonly op: Exclude<SimpleOp, 'call'>; readonly count: number }>([
  ...UNARY_OPS.map((op) => [op, { op, count: 1 }] as const),
  ...BINARY_OPS.map((op) => [op, { op, count: 2 }] as const),
  ...COMPARE_OPS.map((op) => [op, { op, count: 2 }] as const),
  ['select', { op: 'select', count: 3 }],
  ['convert', { op: 'convert', count: 1 }],
  ['load', { op: 'load', count: 1 }],
  ['elem', { op: 'elem', count: 2 }],
]);

const OPERATIONS = [...ARITIES.keys(), 'const', 'sizeof', 'call'].join(', ');

export class Reader {
  readonly #lexer: Lexer;
  #typeParams: readonly TypeParam[];

  constructor(text: string, path: string | undefined, typeParams: readonly TypeParam[] = []) {
    this.#lexer = new Lexer(text, path);
    this.#typeParams = typeParams;
  }

  /** `module name`, then functions to the end of the text. */
  readModule(): { readonly name: string; readonly functions: readonly FunctionNode[] } {
    this.#word('module');
    const name = this.#name('the name of the module').text;
    const functions: FunctionNode[] = [];
    while (this.#lexer.peek.kind !== 'end') {
      this.#expectNewLine();
      functions.push(this.#function());
    }
    return { name, functions };
  }

  /** One type, and nothing after it. */
  readWholeType(): Type {
    const type = this.#type();
    const { peek } = this.#lexer;
    if (peek.kind !== 'end') this.#fail(peek, 'TOKEN', 'nothing after the type');
    return type;
  }

  /** Types with commas between them, and nothing after. */
  readTypeList(): Type[] {
    const types: Type[] = [];
    if (this.#lexer.peek.kind === 'end') return types;
    do {
      if (types.length === MAX_TYPE_PARAMS) this.#fail(this.#lexer.peek, 'LIMIT', `at most ${MAX_TYPE_PARAMS} of them`);
      types.push(this.#type());
    } while (this.#accept(','));
    const { peek } = this.#lexer;
    if (peek.kind !== 'end') this.#fail(peek, 'TOKEN', '"," or nothing after the type');
    return types;
  }

  #fail(at: Token, code: SyntaxCode, expected: string, hint?: string): never {
    throw syntaxError(this.#lexer.path, at, {
      code,
      expected,
      found: describe(at),
      ...(hint === undefined ? {} : { hint }),
    });
  }

  #is(text: string): boolean {
    return this.#lexer.peek.text === text;
  }

  #accept(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#lexer.next();
    return true;
  }

  #expect(text: string): void {
    if (!this.#accept(text)) this.#fail(this.#lexer.peek, 'TOKEN', JSON.stringify(text));
  }

  #word(word: string): void {
    this.#expect(word);
  }

  #expectNewLine(): void {
    const { peek } = this.#lexer;
    if (!peek.startsLine) this.#fail(peek, 'TOKEN', 'a new line', 'each statement stands on its own line');
  }

  #name(what: string): Token {
    const token = this.#lexer.next();
    if (token.kind !== 'name') this.#fail(token, 'TOKEN', what);
    if (KEYWORDS.has(token.text)) this.#fail(token, 'RESERVED', what, `${token.text} is a keyword`);
    return token;
  }

  /** A value's or block's name, or `%3` for one without. */
  #label(what: string): Token {
    return this.#lexer.peek.kind === 'anonymous' ? this.#lexer.next() : this.#name(what);
  }

  /** Comma-separated items up to `close`, whose opening is already read. */
  #list<Item>(close: string, limit: number, item: () => Item): Item[] {
    const items: Item[] = [];
    if (this.#accept(close)) return items;
    do {
      if (items.length === limit) this.#fail(this.#lexer.peek, 'LIMIT', `at most ${limit} of them`);
      items.push(item());
    } while (this.#accept(','));
    this.#expect(close);
    return items;
  }

  #type(depth = 1): Type {
    const token = this.#lexer.next();
    if (depth > MAX_TYPE_DEPTH) this.#fail(token, 'LIMIT', `a type of at most ${MAX_TYPE_DEPTH} levels`);
    if (token.kind !== 'name') this.#fail(token, 'TOKEN', 'a type');
    if (token.text === 'ptr') {
      this.#expect('<');
      const to = this.#type(depth + 1);
      this.#expect('>');
      return ptr(to);
    }
    if ((SCALAR_NAMES as readonly string[]).includes(token.text)) return scalar(token.text as ScalarName);
    const index = this.#typeParams.findIndex(({ name }) => name === token.text);
    if (index >= 0) return param(index, token.text);
    const names = [...SCALAR_NAMES, 'ptr<…>', ...this.#typeParams.map(({ name }) => name)].join(', ');
    return this.#fail(token, 'UNDEFINED', 'a type', `known here: ${names}`);
  }

  #typeParam(seen: readonly TypeParam[]): TypeParam {
    const token = this.#name('the name of a type parameter');
    if (!isTypeParamName(token.text)) this.#fail(token, 'RESERVED', 'the name of a type parameter', 'a type has it');
    if (seen.some(({ name }) => name === token.text)) this.#fail(token, 'DUPLICATE', 'another type parameter');
    this.#expect(':');
    const bound = this.#lexer.next();
    if (!(BOUNDS as readonly string[]).includes(bound.text)) this.#fail(bound, 'TOKEN', `one of ${BOUNDS.join(', ')}`);
    return { name: token.text, bound: bound.text as Bound };
  }

  #parameter(): ParameterNode {
    const token = this.#label('the name of a parameter');
    this.#expect(':');
    return { token, type: this.#type() };
  }

  #function(): FunctionNode {
    this.#word('fn');
    const name = this.#name('the name of the function');
    const typeParams: TypeParam[] = [];
    if (this.#accept('<')) {
      this.#list('>', MAX_TYPE_PARAMS, () => typeParams.push(this.#typeParam(typeParams)));
    }
    this.#typeParams = typeParams;
    this.#expect('(');
    const params = this.#list(')', MAX_PARAMS, () => this.#parameter());
    const result = this.#accept('->') ? this.#type() : undefined;
    this.#expect('{');
    const blocks: BlockNode[] = [];
    do blocks.push(this.#block());
    while (!this.#accept('}'));
    return { name, typeParams, params, result, blocks };
  }

  #block(): BlockNode {
    const label = this.#label('the label of a block');
    const params = this.#accept('(') ? this.#list(')', Number.POSITIVE_INFINITY, () => this.#parameter()) : [];
    this.#expect(':');
    const instructions: InstructionNode[] = [];
    for (;;) {
      this.#expectNewLine();
      const statement = this.#statement();
      if (!('operation' in statement)) {
        if (!this.#is('}')) this.#expectNewLine();
        return { label, params, instructions, terminator: statement };
      }
      instructions.push(statement);
    }
  }

  #statement(): InstructionNode | TerminatorNode {
    const at = this.#lexer.peek;
    switch (at.text) {
      case 'store': {
        this.#lexer.next();
        return {
          at,
          result: undefined,
          annotation: undefined,
          operation: { op: 'store', operands: this.#operands(2) },
        };
      }
      case 'call':
        return { at, result: undefined, annotation: undefined, operation: this.#operation() };
      case 'jump':
        this.#lexer.next();
        return { op: 'jump', at, edges: [this.#edge()] };
      case 'branch': {
        this.#lexer.next();
        const condition = this.#operand();
        this.#expect(',');
        const then = this.#edge();
        this.#expect(',');
        return { op: 'branch', at, condition, edges: [then, this.#edge()] };
      }
      case 'return': {
        this.#lexer.next();
        const { peek } = this.#lexer;
        return { op: 'return', at, value: peek.startsLine || peek.text === '}' ? undefined : this.#operand() };
      }
      case 'unreachable':
        this.#lexer.next();
        return { op: 'unreachable', at };
      default:
        return this.#definition();
    }
  }

  #definition(): InstructionNode {
    const { peek } = this.#lexer;
    if (peek.kind !== 'name' && peek.kind !== 'anonymous') this.#fail(peek, 'TOKEN', 'an instruction or a terminator');
    const result = this.#label('an instruction or a terminator');
    if (this.#is('(')) {
      this.#fail(result, 'TOKEN', 'a terminator', 'a block ends in jump, branch, return or unreachable');
    }
    let annotation: Type | undefined;
    if (this.#accept(':')) {
      if (this.#lexer.peek.startsLine) {
        this.#fail(result, 'TOKEN', 'a terminator', 'a block ends in jump, branch, return or unreachable');
      }
      annotation = this.#type();
    }
    this.#expect('=');
    const at = this.#lexer.peek;
    return { at, result, annotation, operation: this.#operation() };
  }

  #operation(): OperationNode {
    const word = this.#lexer.next();
    if (word.text === 'const') {
      const literal = this.#operand();
      if (literal.kind !== 'literal') this.#fail(literal.token, 'TOKEN', 'a literal');
      return { op: 'const', literal };
    }
    if (word.text === 'sizeof') return { op: 'sizeof', type: this.#type() };
    if (word.text === 'call') {
      const template = this.#name('the name of a template');
      const typeArgs = this.#accept('<') ? this.#list('>', MAX_TYPE_PARAMS, () => this.#type()) : [];
      this.#expect('(');
      return { op: 'call', template, typeArgs, operands: this.#list(')', MAX_PARAMS, () => this.#operand()) };
    }
    const known = ARITIES.get(word.text);
    if (known === undefined) return this.#fail(word, 'TOKEN', 'an operation', `they are: ${OPERATIONS}`);
    return { op: known.op, operands: this.#operands(known.count) };
  }

  #operands(count: number): OperandNode[] {
    const operands = [this.#operand()];
    while (operands.length < count) {
      if (!this.#accept(','))
        this.#fail(this.#lexer.peek, 'ARITY', `"," and operand ${operands.length + 1} of ${count}`);
      operands.push(this.#operand());
    }
    if (this.#is(',')) this.#fail(this.#lexer.peek, 'ARITY', `no more than ${count} operands`);
    return operands;
  }

  #operand(): OperandNode {
    const token = this.#lexer.peek;
    const literal = readLiteral(token);
    if (literal !== undefined) {
      if (
        token.kind === 'number' &&
        !token.text.endsWith('inf') &&
        Math.abs(Number(literal.value)) === Number.POSITIVE_INFINITY
      )
        this.#fail(token, 'NUMBER', 'a number that f64 can hold');
      this.#lexer.next();
      return literal;
    }
    return { kind: 'name', token: this.#label('a value or a literal') };
  }

  #edge(): EdgeNode {
    const label = this.#label('the label of a block');
    return { label, args: this.#accept('(') ? this.#list(')', Number.POSITIVE_INFINITY, () => this.#operand()) : [] };
  }
}

const WORDS = new Map<string, number | boolean | null>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
  ['nan', Number.NaN],
]);

function readLiteral(token: Token): LiteralNode | undefined {
  const { kind, text } = token;
  const word = WORDS.get(text);
  if (word !== undefined) return { kind: 'literal', token, value: word };
  if (kind !== 'number') return undefined;
  const hexadecimal = /^-?0x/.test(text);
  if (!hexadecimal && /[.eE]/.test(text)) return { kind: 'literal', token, value: Number(text) };
  const negative = text.startsWith('-');
  const magnitude = BigInt(negative ? text.slice(1) : text);
  return { kind: 'literal', token, value: negative ? -magnitude : magnitude };
}
