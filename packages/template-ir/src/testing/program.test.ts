import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BINARY_OPS,
  COMPARE_OPS,
  edgesOf,
  isConcrete,
  parseModule,
  printModule,
  signatureOf,
  typeToString,
  UNARY_OPS,
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
} from './index.js';

const numRuns = Number(process.env.FC_NUM_RUNS ?? 300);

describe('arbitraryProgram', () => {
  it('makes valid programs that end, the same each time', () => {
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

  it('makes modules that go through the text form unchanged', () => {
    fc.assert(
      fc.property(arbitraryProgram(), ({ module }) => {
        const text = printModule(module);
        expect(parseModule(text)).toEqual(module);
        expect(printModule(parseModule(text))).toBe(text);
      }),
      { numRuns },
    );
  });

  it('keeps to its options', () => {
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

  it('covers every operation, type, conversion, trap and shape of control flow', () => {
    const seen = new Set<string>();
    for (const program of fc.sample(arbitraryProgram(), { numRuns: 3000, seed: 7 })) {
      for (const run of program.runs) seen.add(`trap ${interpretRun(program, run).trap}`);
      for (const { name, valueTypes, blocks, typeParams } of program.module.templates) {
        for (const { bound } of typeParams) seen.add(`bound ${bound}`);
        for (const type of valueTypes) seen.add(`type ${typeToString(type)}`);
        blocks.forEach(({ instructions, terminator }, b) => {
          for (const instruction of instructions) {
            seen.add(`op ${instruction.op}`);
            if (instruction.op === 'call') seen.add(instruction.callee.template === name ? 'recursion' : 'call');
            if (instruction.op !== 'convert') continue;
            const [from, to] = [valueTypes[instruction.arg]!, valueTypes[instruction.result]!];
            seen.add(
              `convert ${from.kind === 'param' ? 'T' : typeToString(from)} ${to.kind === 'param' ? 'T' : typeToString(to)}`,
            );
          }
          const edges = edgesOf(terminator);
          if (edges.some(({ block }) => block <= b)) seen.add('loop');
          if (edges.length === 2 && edges[0]!.block === edges[1]!.block) seen.add('both edges to one block');
          if (edges.some(({ args }) => args.length > 2)) seen.add('many block parameters');
        });
      }
    }
    const scalars = ['i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64', 'f32', 'f64'];
    const all = [
      ...[...UNARY_OPS, ...BINARY_OPS, ...COMPARE_OPS].map((op) => `op ${op}`),
      ...['const', 'select', 'convert', 'load', 'store', 'elem', 'sizeof', 'call'].map((op) => `op ${op}`),
      ...['Any', 'Eq', 'Ord', 'Num', 'Int', 'Float'].map((bound) => `bound ${bound}`),
      ...[...scalars, 'bool', 'T0', 'T1', 'ptr<T0>', 'ptr<bool>', 'ptr<f32>'].map((type) => `type ${type}`),
      ...scalars.flatMap((from) => scalars.map((to) => `convert ${from} ${to}`)),
      ...scalars.flatMap((type) => [`convert ${type} T`, `convert T ${type}`]),
      ...scalars.filter((type) => !type.startsWith('f')).map((type) => `convert bool ${type}`),
      ...['undefined', 'divide', 'memory', 'unreachable'].map((trap) => `trap ${trap}`),
      ...['loop', 'recursion', 'call', 'both edges to one block', 'many block parameters'],
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
    expect(programToString(program)).toMatch(/mul[\s\S]*\/\/ run: f0<>/);
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
