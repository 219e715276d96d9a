import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BINARY_OPS,
  COMPARE_OPS,
  type ConcreteFunction,
  calleesOf,
  edgesOf,
  instances,
  isConcrete,
  isFloat,
  operandsOf,
  parseModule,
  printModule,
  resultOf,
  SCALAR_NAMES,
  signatureOf,
  type Template,
  type Type,
  type TypeDeclaration,
  UNARY_OPS,
  type Value,
  verifyModule,
} from '../index.js';
import {
  arbitraryProgram,
  entryOf,
  interpretRun,
  materialise,
  programToString,
  readBuffers,
  sameOutcome,
  type TestProgram,
} from './index.js';

const numRuns = Number(process.env.FC_NUM_RUNS ?? 300);
const timeout = 60_000 + numRuns * 20;

/** The entry and all that it calls or takes the address of. */
function closureOf(program: TestProgram): ReadonlySet<ConcreteFunction> {
  const call = instances(program.module);
  const found = new Set<ConcreteFunction>();
  const pending = [call(program.entry)];
  for (let fn = pending.pop(); fn !== undefined; fn = pending.pop()) {
    if (found.has(fn)) continue;
    found.add(fn);
    for (const callee of calleesOf(fn)) pending.push(call(callee));
  }
  return found;
}

function kindOf(type: Type): string {
  if (type.kind === 'scalar') return type.name;
  if (type.kind === 'named') return type.name.startsWith('S') ? 'struct' : 'enum';
  return type.kind === 'param' ? 'T' : type.kind;
}

function lookAtDeclaration(declaration: TypeDeclaration, seen: Set<string>): void {
  const lists = declaration.kind === 'struct' ? [declaration.fields] : declaration.variants.map(({ fields }) => fields);
  for (const { type } of lists.flat()) {
    if (type.kind === 'ptr' && type.to.kind === 'named' && type.to.name === declaration.name)
      seen.add('struct of its own');
  }
}

function lookAtTemplate({ name, valueTypes, blocks, typeParams, result }: Template, seen: Set<string>): void {
  const kind = (value: Value): string => kindOf(valueTypes[value]!);
  for (const { bound } of typeParams) seen.add(`bound ${bound}`);
  if (result !== undefined) seen.add(`result of ${kindOf(result)}`);
  for (const type of valueTypes) if (type.kind === 'ptr' && type.to.kind === 'ptr') seen.add('pointer to pointer');
  blocks.forEach(({ instructions, terminator, params }, b) => {
    for (const value of params) seen.add(`${b === 0 ? 'param' : 'block parameter'} of ${kind(value)}`);
    for (const instruction of instructions) {
      const { op } = instruction;
      seen.add(`template ${op}`);
      if (op === 'select' || op === 'load') seen.add(`${op} of ${kind(instruction.result)}`);
      if (op === 'store') seen.add(`store of ${kind(instruction.value)}`);
      if (op === 'extern') seen.add(`extern ${instruction.symbol}`);
      if (op === 'call' && instruction.callee.template === name) seen.add('recursion');
      if (op === 'call') for (const type of instruction.callee.typeArgs) seen.add(`type argument ${kindOf(type)}`);
    }
    if (terminator.op === 'if') {
      seen.add('template if');
      if (terminator.type.kind === 'param') {
        seen.add(`if T is ${typeof terminator.is === 'string' ? terminator.is : 'a type'}`);
      }
    }
    const edges = edgesOf(terminator);
    if (edges.some(({ block }) => block <= b)) seen.add('loop');
    if (edges.length === 2 && edges[0]!.block === edges[1]!.block) seen.add('both edges to one block');
    if (edges.some(({ args }) => args.length > 2)) seen.add('many block parameters');
  });
}

function lookAtConcrete(fn: ConcreteFunction, seen: Set<string>): void {
  const kind = (value: Value): string => kindOf(fn.valueTypes[value]!);
  if (signatureOf(fn).params.filter((type) => !isFloat(type)).length > 6) seen.add('parameters on the stack');
  for (const instruction of fn.blocks.flatMap(({ instructions }) => instructions)) {
    const { op } = instruction;
    const operand = operandsOf(instruction)[0];
    const result = resultOf(instruction);
    seen.add(op);
    if (op === 'store') seen.add(`store ${kind(instruction.value)}`);
    else if (op === 'convert' || op === 'convert_checked' || op === 'cast') {
      seen.add(`${op} ${kind(operand!)} ${kind(result!)}`);
    } else if (op === 'load' || op === 'const' || op === 'select') seen.add(`${op} ${kind(result!)}`);
    else if (operand !== undefined) seen.add(`${op} ${kind(operand)}`);
  }
}

describe('arbitraryProgram', () => {
  it('makes valid programs that end, the same each time', { timeout }, () => {
    fc.assert(
      fc.property(arbitraryProgram(), (program) => {
        verifyModule(program.module);
        expect(signatureOf(entryOf(program)).params).toHaveLength(program.runs[0]!.length);
        for (const run of program.runs) {
          const outcome = interpretRun(program, run);
          expect(sameOutcome(outcome, interpretRun(program, run))).toBe(true);
        }
      }),
      { numRuns },
    );
  });

  it('makes modules that go through the text form unchanged', { timeout }, () => {
    fc.assert(
      fc.property(arbitraryProgram(), ({ module }) => {
        const text = printModule(module);
        expect(parseModule(text)).toEqual(module);
        expect(printModule(parseModule(text))).toBe(text);
      }),
      { numRuns },
    );
  });

  it('keeps to its options', { timeout }, () => {
    const options = { generic: false, traps: false, maxFunctions: 2, maxParams: 4, maxStatements: 5, maxNesting: 1 };
    fc.assert(
      fc.property(arbitraryProgram(options), (program) => {
        expect(program.module.templates.length).toBeLessThanOrEqual(2);
        for (const template of program.module.templates) {
          expect(template.typeParams).toEqual([]);
          expect(template.valueTypes.every(isConcrete)).toBe(true);
          expect(signatureOf(template).params.length).toBeLessThanOrEqual(4);
        }
        for (const run of program.runs) expect(interpretRun(program, run).trap).toBeUndefined();
      }),
      { numRuns },
    );
  });

  it('covers every operation at every type, and every shape of control flow', { timeout: 120_000 }, () => {
    const seen = new Set<string>();
    for (const program of fc.sample(arbitraryProgram({ externs: true }), { numRuns: 4000, seed: 7 })) {
      for (const run of program.runs) seen.add(`trap ${interpretRun(program, run).trap}`);
      for (const declaration of program.module.types) lookAtDeclaration(declaration, seen);
      for (const template of program.module.templates) lookAtTemplate(template, seen);
      for (const fn of closureOf(program)) lookAtConcrete(fn, seen);
    }
    const scalars = SCALAR_NAMES.filter((name) => name !== 'bool');
    const integers = scalars.filter((name) => !name.startsWith('f'));
    const floats = ['f32', 'f64'];
    const bounds = ['Any', 'Eq', 'Ord', 'Num', 'Int', 'Float'];
    const forFloats = ['sqrt', 'floor', 'ceil', 'trunc', 'round', 'fma'];
    const forAll = ['neg', 'abs', 'add', 'sub', 'mul', 'div', 'min', 'max'];
    const forIntegers = [...UNARY_OPS, ...BINARY_OPS].filter((op) => ![...forFloats, ...forAll].includes(op));
    const all = [
      ...[...forAll, ...COMPARE_OPS].flatMap((op) => scalars.map((type) => `${op} ${type}`)),
      ...forFloats.flatMap((op) => floats.map((type) => `${op} ${type}`)),
      ...[...forIntegers, 'bounds'].flatMap((op) => integers.map((type) => `${op} ${type}`)),
      ...['and', 'or', 'xor', 'not', 'eq', 'ne'].map((op) => `${op} bool`),
      ...['load', 'store', 'select', 'const'].flatMap((op) =>
        [...scalars, 'bool', 'ptr'].map((type) => `${op} ${type}`),
      ),
      ...['load fn', 'store fn', 'select fn', 'const fn', 'eq ptr', 'lt ptr', 'ne fn'],
      ...['convert', 'convert_checked'].flatMap((op) => scalars.flatMap((a) => scalars.map((b) => `${op} ${a} ${b}`))),
      ...['convert', 'convert_checked'].flatMap((op) => integers.map((type) => `${op} bool ${type}`)),
      ...['cast i64 u64', 'cast u64 i64', 'cast ptr i64', 'cast i64 ptr', 'cast ptr fn', 'cast fn ptr', 'cast fn u64'],
      ...['slot', 'copy', 'fill', 'item', 'field', 'elem', 'call', 'fnaddr', 'invoke', 'extern'],
      ...['template sizeof', 'template alignof', 'template offsetof', 'template tagof', 'template if'],
      ...['labs', 'toupper', 'fmod', 'floor', 'memcmp', 'malloc', 'free'].map((symbol) => `extern ${symbol}`),
      ...bounds.map((bound) => `bound ${bound}`),
      ...['Num', 'Int', 'Float', 'Eq', 'Any', 'a type'].map((is) => `if T is ${is}`),
      ...['param', 'result', 'select', 'load', 'store', 'block parameter'].flatMap((place) =>
        ['array', 'struct', 'enum', 'T'].map((kind) => `${place} of ${kind}`),
      ),
      ...['type argument struct', 'type argument ptr', 'type argument fn', 'pointer to pointer', 'struct of its own'],
      ...['undefined', 'divide', 'overflow', 'bounds', 'memory', 'unreachable'].map((trap) => `trap ${trap}`),
      ...['loop', 'recursion', 'both edges to one block', 'many block parameters', 'parameters on the stack'],
    ];
    expect(all.filter((what) => !seen.has(what))).toEqual([]);
  });

  it('shrinks to something small', () => {
    const result = fc.check(
      fc.property(arbitraryProgram(), ({ module }) =>
        module.templates.every(({ blocks }) =>
          blocks.every(({ instructions }) => instructions.every(({ op }) => op !== 'mul')),
        ),
      ),
      { numRuns: 1000, seed: 3 },
    );
    const [program] = result.counterexample!;
    const count = program.module.templates.reduce(
      (sum, { blocks }) => sum + blocks.reduce((n, b) => n + b.instructions.length, 0),
      0,
    );
    expect(program.module.templates).toHaveLength(1);
    expect(count).toBeLessThan(10);
    expect(fc.stringify(program)).toBe(programToString(program));
    expect(programToString(program)).toMatch(/mul[\s\S]*\/\/ run: f0</);
  });

  it('gives fresh arguments, and tells what is left in the buffers', () => {
    const program = fc
      .sample(arbitraryProgram(), { numRuns: 100, seed: 1 })
      .find(({ runs }) => runs[0]!.some(({ kind }) => kind === 'buffer'))!;
    const [first, second] = [materialise(program.runs[0]!), materialise(program.runs[0]!)];
    expect(first).toEqual(second);
    const array = first.find((arg) => typeof arg === 'object')!;
    expect(second).not.toContain(array);
    expect(readBuffers(first)[0]!.map(Number)).toEqual(Array.from<number | bigint, number>(array, Number));
    expect(sameOutcome({ trap: undefined, result: 0, buffers: [] }, { trap: undefined, result: -0, buffers: [] })).toBe(
      false,
    );
    expect(
      sameOutcome(
        { trap: undefined, result: Number.NaN, buffers: [[1n]] },
        { trap: undefined, result: Number.NaN, buffers: [[1n]] },
      ),
    ).toBe(true);
    expect(
      sameOutcome({ trap: undefined, result: 1, buffers: [[1n]] }, { trap: undefined, result: 1, buffers: [[2n]] }),
    ).toBe(false);
    expect(
      sameOutcome(
        { trap: 'divide', result: undefined, buffers: [] },
        { trap: undefined, result: undefined, buffers: [] },
      ),
    ).toBe(false);
  });
});
