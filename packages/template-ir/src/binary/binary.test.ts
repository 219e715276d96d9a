import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DecodeCode,
  decodeDeclaration,
  decodeTemplate,
  diagnoseTemplate,
  encodeModule,
  encodeTemplate,
  environmentOf,
  FunctionBuilder,
  IrDecodeError,
  type IrFunction,
  IrSpecialiseError,
  IrVerifyError,
  named,
  parseModule,
  printFunction,
  scalar,
  specialise,
  type Template,
  verifyTemplate,
} from '../index.js';
import { arbitraryProgram } from '../testing/index.js';
import { thrown } from '../thrown.test-support.js';

const example = parseModule(`module m
fn f<T: Num>(data: ptr<T>, n: i64) -> T {
entry:
  x = load data
  y = add x, 200
  more = lt n, -1
  branch more, again(y), out
again(z: T):
  w: T = call other<T, i64>(z)
  jump again(w)
out:
  return x
}`).templates[0]!;

/** `f` byte by byte, as docs/spec/template-ir.md walks through it. */
const bytes = [
  ...[0x54, 0x49, 0x52, 0x01], // TIR, version 1
  ...[4, 0x11, 0, 0x10, 0, 3, 10], // four types: T, ptr<T>, i64, bool
  ...[1, 5, 0x6f, 0x74, 0x68, 0x65, 0x72, 2, 0, 2], // one callee: other<T, i64>
  ...[1, 9, 3], // result type 0; nine values; three blocks
  ...[2, 1, 4, 0x64, 0x61, 0x74, 0x61, 2, 1, 0x6e], // two parameters: ptr<T> data, i64 n
  ...[0x04, 0, 0], // %2: T = load %0
  ...[0x01, 0, 0, 0xc8, 0x01], // %3: T = const 200
  ...[0x20, 0, 2, 3], // %4: T = add %2, %3
  ...[0x01, 2, 0, 0x7f], // %5: i64 = const -1
  ...[0x42, 3, 1, 5], // %6: bool = lt %1, %5
  ...[0xf1, 6, 1, 1, 4, 2, 0], // branch %6, 1(%4), 2()
  ...[1, 0], // block 1: one parameter %7: T
  ...[0x07, 0, 0, 1, 7], // %8: T = call callee 0(%7)
  ...[0xf0, 1, 1, 8], // jump 1(%8)
  ...[0], // block 2: no parameters
  ...[0xf3, 2], // return %2
];

/** As the binary form keeps it: of the names only those of the parameters. */
function withoutNames(fn: IrFunction): IrFunction {
  const params = new Set(fn.blocks[0]!.params.map(Number));
  return {
    ...fn,
    valueNames: fn.valueNames.map((name, i) => (params.has(i) ? name : undefined)),
    blocks: fn.blocks.map((block) => ({ ...block, name: undefined })),
  };
}

function decode(body: readonly number[]): Template {
  return decodeTemplate({ name: 'f', genericParams: [{ name: 'T', bound: 'Num' }], body: Uint8Array.from(body) });
}

describe('encodeTemplate', () => {
  it('writes the bytes of the specification', () => {
    const encoded = encodeTemplate(example);
    expect(encoded).toMatchObject({ kind: 0, name: 'f', genericParams: [{ name: 'T', bound: 'Num' }] });
    expect([...encoded.body]).toEqual(bytes);
  });

  it('numbers values anew where they are not in canonical order', () => {
    const fn = parseModule('module m\nfn g(a: i8, b: u8) {\nentry:\n  return\n}').templates[0]!;
    const swapped = { ...fn, blocks: [{ ...fn.blocks[0]!, params: fn.blocks[0]!.params.toReversed() }] };
    const decoded = decodeTemplate(encodeTemplate(swapped));
    expect(decoded.valueTypes).toEqual([scalar('u8'), scalar('i8')]);
    expect(decoded.valueNames).toEqual(['b', 'a']);
  });

  it.each<[string, object]>([
    ['NO_BLOCKS', { blocks: [] }],
    ['VALUE', { valueTypes: [...example.valueTypes, scalar('i64')], valueNames: [...example.valueNames, undefined] }],
    ['VALUE', { blocks: [{ ...example.blocks[2], terminator: { op: 'return', value: 99 } }] }],
    ['VALUE', { blocks: [{ ...example.blocks[0], terminator: { op: 'jump', target: { block: 7, args: [] } } }] }],
    ['VALUE', { blocks: [{ ...example.blocks[0], params: [0, 99] }] }],
    ['REDEFINED', { blocks: [example.blocks[0], example.blocks[1], { ...example.blocks[2], params: [0] }] }],
  ])('refuses with %s what has no binary form (case %#)', (code, change) => {
    expect(() => encodeTemplate({ ...example, ...change } as Template)).toThrow(
      expect.objectContaining({ name: 'IrVerifyError', code }),
    );
  });
});

it.each<[string, (f: FunctionBuilder, name: string) => void]>([
  ['callee', (f, name) => f.callVoid(name, [], [])],
  ['C symbol', (f, name) => f.externVoid(name, [])],
  ['name of a type', (f, name) => f.sizeof(named(name))],
])('encodeTemplate refuses a %s that would be read as another', (what, use) => {
  for (const name of ['\u0161x', 'return', '', 'x'.repeat(1025)]) {
    const f = new FunctionBuilder('f');
    use(f, name);
    f.return();
    const error = thrown(IrVerifyError, () => encodeTemplate(f.build()));
    expect(error).toMatchObject({ code: 'NAME', found: JSON.stringify(name.slice(0, 80)) });
    expect(error.expected).toContain(what);
  }
});

describe('decodeTemplate', () => {
  it('reads what encodeTemplate wrote', () => {
    expect(decode(bytes)).toEqual(withoutNames(example));
  });

  it('gives back every program, to the byte', () => {
    fc.assert(
      fc.property(arbitraryProgram(), ({ module }) => {
        module.types.forEach((declaration, i) => {
          const encoded = encodeModule(module)[i]!;
          expect(decodeDeclaration(encoded)).toEqual(declaration);
        });
        module.templates.forEach((template, i) => {
          const encoded = encodeModule(module)[module.types.length + i]!;
          const decoded = decodeTemplate(encoded);
          expect(decoded).toEqual(withoutNames(template));
          expect(encodeTemplate(decoded).body).toEqual(encoded.body);
        });
      }),
      { numRuns: 200 },
    );
  });

  it('does not keep the input', () => {
    const body = Uint8Array.from(bytes);
    const decoded = decodeTemplate({ name: 'f', genericParams: [{ name: 'T', bound: 'Num' }], body });
    body.fill(0);
    expect(decoded).toEqual(withoutNames(example));
  });

  const changed = (at: number, ...values: number[]) => bytes.map((byte, i) => values[i - at] ?? byte);
  const spliced = (at: number, remove: number, ...values: number[]) => bytes.toSpliced(at, remove, ...values);

  it.each<[DecodeCode, number, readonly number[]]>([
    ['TRUNCATED', 0, []],
    ['TRUNCATED', bytes.length - 1, bytes.slice(0, -1)],
    ['TRAILING', bytes.length, [...bytes, 0]],
    ['MAGIC', 1, changed(1, 0x50)],
    ['VERSION', 3, changed(3, 2)],
    ['VARINT', 4, spliced(4, 1, 0x84, 0x00)],
    ['VARINT', 4, spliced(4, 1, 0xff, 0xff, 0xff, 0xff, 0x7f)],
    ['VARINT', 4, spliced(4, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01)],
    ['VARINT', 40, spliced(40, 2, 0xc8, 0x81, 0x00)],
    ['VARINT', 40, spliced(40, 2, ...Array(10).fill(0x80), 0x01)],
    ['COUNT', 4, spliced(4, 1, 0xff, 0x7f)],
    ['COUNT', 11, changed(11, 127)],
    ['COUNT', 22, spliced(22, 1, 0xff, 0x7f)],
    ['COUNT', 23, changed(23, 0)],
    ['COUNT', bytes.length, changed(22, 10)],
    ['INDEX', 6, changed(6, 1)],
    ['INDEX', 8, changed(8, 1)],
    ['INDEX', 21, changed(21, 5)],
    ['INDEX', 36, changed(36, 9)],
    ['INDEX', 56, changed(56, 3)],
    ['INDEX', 65, changed(65, 1)],
    ['OPCODE', 34, changed(34, 0xee)],
    ['TYPE', 9, changed(9, 11)],
    ['NAME', 12, changed(13, 0x20)],
    ['NAME', 12, spliced(12, 6, 0)],
    ['NAME', 26, changed(27, 0xff)],
    ['LITERAL', 39, changed(39, 4)],
    [
      'LIMIT',
      132,
      [...bytes.slice(0, 4), 65, 3, ...Array.from({ length: 64 }, (_, i) => [0x10, i]).flat(), ...Array(60).fill(0)],
    ],
    ['LIMIT', 12, [...bytes.slice(0, 11), 1, ...[0x81, 0x08], ...Array(1025).fill(0x61), 0]],
    ['LIMIT', 24, [...bytes.slice(0, 24), 0x80, 0x02, ...Array(600).fill(0)]],
  ])('reports %s at offset %i (case %#)', (code, offset, body) => {
    expect(thrown(IrDecodeError, () => decode(body))).toMatchObject({ code, offset, template: 'f' });
  });

  it('reads one NaN only, as equal functions have equal bodies', () => {
    const text = 'module m\nfn f() -> f64 {\nentry:\n  return nan\n}';
    const encoded = encodeTemplate(parseModule(text).templates[0]!);
    expect(decodeTemplate(encoded).blocks[0]!.instructions[0]).toMatchObject({ value: Number.NaN });
    const at = encoded.body.lastIndexOf(0x7f) - 7;
    for (const [i, byte] of [
      [0, 1],
      [6, 0xf0],
      [7, 0xff],
    ] as const) {
      const body = encoded.body.slice();
      body[at + i] = byte;
      if (i === 6) body[at] = 1; // a signalling one
      const error = thrown(IrDecodeError, () => decodeTemplate({ ...encoded, body }));
      expect(error).toMatchObject({ code: 'LITERAL', offset: at });
    }
  });

  it('reads functions only', () => {
    const entry = { kind: 1, name: 'f', genericParams: [], body: Uint8Array.from(bytes) };
    expect(thrown(IrDecodeError, () => decodeTemplate(entry))).toMatchObject({ code: 'KIND', found: '1' });
  });

  it('refuses parameters of the envelope that make no sense', () => {
    const body = Uint8Array.from(bytes);
    const withParam = (name: string, bound: string) => () =>
      decodeTemplate({ name: 'f', genericParams: [{ name, bound }], body });
    expect(withParam('T', 'Big')).toThrow(expect.objectContaining({ code: 'TYPE' }));
    expect(withParam('T'.repeat(1025), 'Num')).toThrow(expect.objectContaining({ code: 'LIMIT' }));
    const odd = withParam('a b', 'Num')(); // a name is the verifier's business
    expect(diagnoseTemplate(odd).map(({ code }) => code)).toContain('NAME');
  });
});

/** Changes bytes, cuts, repeats, inserts. */
function mutate(body: Uint8Array, changes: readonly { kind: number; at: number; value: number }[]): number[] {
  const result = [...body];
  for (const { kind, at, value } of changes) {
    // Not the first four bytes in most cases: what lies behind them is more interesting.
    const i =
      result.length === 0
        ? 0
        : at % 16 === 0
          ? at % result.length
          : Math.min(4 + (at % result.length), result.length - 1);
    if (kind === 0) result[i] = (result[i] ?? 0) ^ (1 << (value % 8));
    else if (kind === 1) result[i] = value;
    else if (kind === 2) result[i] = value % 8;
    else if (kind === 3) result.splice(i, 1 + (value % 4));
    else if (kind === 4) result.splice(i, 0, value);
    else result.splice(i, 0, ...result.slice(i, i + (value % 12)));
  }
  return result;
}

describe('mutated bodies', () => {
  it('end in a decode error, a verify error, or a template that works', () => {
    const change = fc.record({ kind: fc.nat(5), at: fc.nat(4095), value: fc.nat(255) });
    const seen = { refused: 0, invalid: 0, valid: 0 };
    fc.assert(
      fc.property(
        arbitraryProgram({ maxStatements: 6 }),
        fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { minLength: 20, maxLength: 20 }),
        ({ module }, mutants) => {
          const encoded = encodeTemplate(module.templates.at(-1)!);
          for (const changes of mutants) {
            let template: Template;
            try {
              template = decodeTemplate({ ...encoded, body: Uint8Array.from(mutate(encoded.body, changes)) });
            } catch (error) {
              expect(error).toBeInstanceOf(IrDecodeError);
              seen.refused++;
              continue;
            }
            const lookup = (name: string) =>
              [...module.templates.slice(0, -1), template].find((other) => other.name === name);
            const environment = environmentOf(module.types);
            const problems = diagnoseTemplate(template, lookup, environment);
            expect(printFunction(template)).toContain('fn ');
            expect(decodeTemplate(encodeTemplate(template))).toEqual(template);
            if (problems.length > 0) {
              seen.invalid++;
              expect(() => verifyTemplate(template, lookup, environment)).toThrow(IrVerifyError);
              continue;
            }
            seen.valid++;
            verifyTemplate(template, lookup, environment);
            const types = template.typeParams.map(({ bound }) => scalar(bound === 'Float' ? 'f32' : 'i8'));
            try {
              specialise(template, types, { types: environment });
            } catch (error) {
              expect(error).toBeInstanceOf(IrSpecialiseError); // a literal that i8 cannot hold
            }
          }
        },
      ),
      { numRuns: 150, seed: 1 },
    );
    expect(Math.min(seen.refused, seen.invalid, seen.valid)).toBeGreaterThan(40);
  });

  it('of random bytes as well', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (tail) => {
        try {
          diagnoseTemplate(decode([...bytes.slice(0, 4), ...tail]));
        } catch (error) {
          expect(error).toBeInstanceOf(IrDecodeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
