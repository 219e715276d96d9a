// Reads functions and modules of the text form to a syntax tree: recursive descent with one token of lookahead, a method
// per rule of the grammar in docs/spec/template-ir.md. Recursion is only in types, whose depth is limited.
import { environmentOf } from '../declarations.js';
import type { TypeDeclaration } from '../ir.js';
import { MAX_PARAMS } from '../limits.js';
import { BINARY_OPS, COMPARE_OPS, UNARY_OPS } from '../operations.js';
import type { Type } from '../types.js';
import type { Token } from './lexer.js';
import { readLiteral } from './literals.js';
import { TypeReader } from './read-types.js';
import type {
  BlockNode,
  CalleeNode,
  EdgeNode,
  FunctionNode,
  InstructionNode,
  OperandNode,
  OperationNode,
  ParameterNode,
  SimpleOp,
  TerminatorNode,
} from './syntax-tree.js';

const ARITIES = new Map<string, { readonly op: SimpleOp; readonly count: number }>([
  ...UNARY_OPS.map((op) => [op, { op, count: 1 }] as const),
  ...BINARY_OPS.map((op) => [op, { op, count: 2 }] as const),
  ...COMPARE_OPS.map((op) => [op, { op, count: 2 }] as const),
  ['select', { op: 'select', count: 3 }],
  ['fma', { op: 'fma', count: 3 }],
  ['convert', { op: 'convert', count: 1 }],
  ['convert_checked', { op: 'convert_checked', count: 1 }],
  ['cast', { op: 'cast', count: 1 }],
  ['load', { op: 'load', count: 1 }],
  ['elem', { op: 'elem', count: 2 }],
  ['item', { op: 'item', count: 2 }],
]);

/** Statements without a result. All but `store` are also names: a value may be called `copy`. */
const EFFECTS = new Map([
  ['store', 2],
  ['copy', 3],
  ['fill', 3],
  ['bounds', 2],
] as const);

const OTHER_OPERATIONS = 'const, sizeof, alignof, offsetof, tagof, slot, field, fnaddr, call, invoke, extern';
const OPERATIONS = `${[...ARITIES.keys()].join(', ')}, ${OTHER_OPERATIONS}`;
const END_OF_BLOCK = 'a block ends in jump, branch, if, return or unreachable';

export interface ModuleNode {
  readonly name: string;
  readonly types: readonly TypeDeclaration[];
  readonly functions: readonly FunctionNode[];
}

export class Reader extends TypeReader {
  /** `module name`, then declarations and functions to the end of the text. */
  readModule(): ModuleNode {
    this.expect('module');
    const name = this.name('the name of the module').text;
    const functions: FunctionNode[] = [];
    const declarations = new Map<string, TypeDeclaration>();
    while (this.lexer.peek.kind !== 'end') {
      this.expectNewLine();
      if (!this.is('struct') && !this.is('enum')) {
        functions.push(this.#function());
        continue;
      }
      const { token, declaration } = this.declaration();
      if (declarations.has(token.text)) this.fail(token, 'DUPLICATE', 'one declaration of each name');
      declarations.set(token.text, declaration);
    }
    const types = [...declarations.values()];
    this.checkReferences(environmentOf(types), [...declarations.keys()]);
    return { name, types, functions };
  }

  #parameter(): ParameterNode {
    const token = this.label('the name of a parameter');
    this.expect(':');
    return { token, type: this.type() };
  }

  #function(): FunctionNode {
    if (!this.accept('fn')) this.fail(this.lexer.peek, 'TOKEN', '"fn", "struct" or "enum"');
    const name = this.name('the name of the function');
    const typeParams = this.readTypeParams();
    this.expect('(');
    const params = this.list(')', MAX_PARAMS, () => this.#parameter());
    const result = this.accept('->') ? this.type() : undefined;
    this.expect('{');
    const blocks: BlockNode[] = [];
    do blocks.push(this.#block());
    while (!this.accept('}'));
    this.typeParams = [];
    return { name, typeParams, params, result, blocks };
  }

  #block(): BlockNode {
    const label = this.label('the label of a block');
    const params = this.accept('(') ? this.list(')', Number.POSITIVE_INFINITY, () => this.#parameter()) : [];
    this.expect(':');
    const instructions: InstructionNode[] = [];
    for (;;) {
      this.expectNewLine();
      const statement = this.#statement();
      if (!('operation' in statement)) {
        if (!this.is('}')) this.expectNewLine();
        return { label, params, instructions, terminator: statement };
      }
      instructions.push(statement);
    }
  }

  #statement(): InstructionNode | TerminatorNode {
    const at = this.lexer.peek;
    switch (at.text) {
      case 'call':
        return this.#effect(at, this.#operation());
      case 'jump':
        this.lexer.next();
        return { op: 'jump', at, edges: [this.#edge()] };
      case 'branch': {
        this.lexer.next();
        const condition = this.#operand();
        this.expect(',');
        return { op: 'branch', at, condition, edges: this.#twoEdges() };
      }
      case 'return': {
        this.lexer.next();
        const { peek } = this.lexer;
        return { op: 'return', at, value: peek.startsLine || peek.text === '}' ? undefined : this.#operand() };
      }
      case 'unreachable':
        this.lexer.next();
        return { op: 'unreachable', at };
      default:
        return this.#contextual(at);
    }
  }

  /** What starts with a word that is a keyword only here; before `=` or `:` it is the name of a value all the same. */
  #contextual(at: Token): InstructionNode | TerminatorNode {
    if (at.kind !== 'name' && at.kind !== 'anonymous') {
      this.fail(at, 'TOKEN', 'an instruction or a terminator', END_OF_BLOCK);
    }
    const count = EFFECTS.get(at.text as 'store');
    if (count === undefined && at.text !== 'if' && at.text !== 'invoke' && at.text !== 'extern') {
      return this.#definition(this.label('an instruction or a terminator'));
    }
    this.lexer.next();
    if (at.text !== 'store' && (this.is('=') || this.is(':'))) return this.#definition(at);
    if (count !== undefined) {
      const op = at.text as 'store' | 'copy' | 'fill' | 'bounds';
      return this.#effect(at, { op, operands: this.#operands(count) });
    }
    if (at.text === 'invoke') return this.#effect(at, this.#invoke());
    if (at.text === 'extern') return this.#effect(at, this.#extern());
    const type = this.type();
    this.expect('is');
    const is = this.boundOrType();
    this.expect(',');
    return { op: 'if', at, type, is, edges: this.#twoEdges() };
  }

  #effect(at: Token, operation: OperationNode): InstructionNode {
    return { at, result: undefined, annotation: undefined, operation };
  }

  #twoEdges(): EdgeNode[] {
    const then = this.#edge();
    this.expect(',');
    return [then, this.#edge()];
  }

  #definition(result: Token): InstructionNode {
    if (this.is('(')) this.fail(result, 'TOKEN', 'a terminator', END_OF_BLOCK);
    let annotation: Type | undefined;
    if (this.accept(':')) {
      if (this.lexer.peek.startsLine) this.fail(result, 'TOKEN', 'a terminator', END_OF_BLOCK);
      annotation = this.type();
    }
    this.expect('=');
    const at = this.lexer.peek;
    return { at, result, annotation, operation: this.#operation() };
  }

  #operation(): OperationNode {
    const word = this.lexer.next();
    switch (word.text) {
      case 'const': {
        const literal = this.#operand();
        if (literal.kind !== 'literal') this.fail(literal.token, 'TOKEN', 'a literal');
        return { op: 'const', literal };
      }
      case 'sizeof':
      case 'alignof':
      case 'slot':
        return { op: word.text, type: this.type() };
      case 'offsetof': {
        const type = this.type();
        this.expect(',');
        return { op: 'offsetof', type, path: this.name('a field').text };
      }
      case 'tagof': {
        const type = this.type();
        this.expect(',');
        return { op: 'tagof', type, variant: this.name('a variant').text };
      }
      case 'field': {
        const base = this.#operand();
        this.expect(',');
        return { op: 'field', operands: [base], path: this.name('a field').text };
      }
      case 'fnaddr':
        return { op: 'fnaddr', callee: this.#callee() };
      case 'call':
        return { op: 'call', callee: this.#callee(), operands: this.#arguments() };
      case 'invoke':
        return this.#invoke();
      case 'extern':
        return this.#extern();
      default: {
        const known = ARITIES.get(word.text);
        if (known === undefined) return this.fail(word, 'TOKEN', 'an operation', `they are: ${OPERATIONS}`);
        return { op: known.op, operands: this.#operands(known.count) };
      }
    }
  }

  #callee(): CalleeNode {
    const template = this.name('the name of a template');
    return { template, typeArgs: this.readTypeArgs() };
  }

  #invoke(): OperationNode {
    const target = this.#operand();
    return { op: 'invoke', target, operands: this.#arguments() };
  }

  #extern(): OperationNode {
    const symbol = this.name('a C symbol').text;
    return { op: 'extern', symbol, operands: this.#arguments() };
  }

  #arguments(): OperandNode[] {
    this.expect('(');
    return this.list(')', MAX_PARAMS, () => this.#operand());
  }

  #operands(count: number): OperandNode[] {
    const operands = [this.#operand()];
    while (operands.length < count) {
      if (!this.accept(',')) this.fail(this.lexer.peek, 'ARITY', `"," and operand ${operands.length + 1} of ${count}`);
      operands.push(this.#operand());
    }
    if (this.is(',')) this.fail(this.lexer.peek, 'ARITY', `no more than ${count} operands`);
    return operands;
  }

  #operand(): OperandNode {
    const token = this.lexer.peek;
    const literal = readLiteral(token);
    if (literal !== undefined) {
      if (
        token.kind === 'number' &&
        !token.text.endsWith('inf') &&
        Math.abs(Number(literal.value)) === Number.POSITIVE_INFINITY
      )
        this.fail(token, 'NUMBER', 'a number that f64 can hold');
      this.lexer.next();
      return literal;
    }
    return { kind: 'name', token: this.label('a value or a literal') };
  }

  #edge(): EdgeNode {
    const label = this.label('the label of a block');
    return { label, args: this.accept('(') ? this.list(')', Number.POSITIVE_INFINITY, () => this.#operand()) : [] };
  }
}
