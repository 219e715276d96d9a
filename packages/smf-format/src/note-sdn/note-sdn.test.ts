import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { richBuilder, sumNote } from '../../test/support.js';
import {
  detectCycles,
  emptyNote,
  type NoteDependency,
  type NoteSdnMetadata,
  parseNoteSdn,
  parseSmf,
  rewriteNote,
  SmfBuilder,
  stringifyNoteSdn,
  updateNoteSdn,
} from '../index.js';

const older = `# SMF note v0
# by a compiler

instantiations |id, template, type_args, mangled_name, from_file, from_loc, to_obj, status|
  # the first
  0, "Vec", "i64", "fn$Vec$i64", "app.spl", "app.spl:10:5", "app.o", "compiled"
  1, Map, [Int, text], Map$Int$text, app.spl, app.spl:11:1, , deferred

custom |a, b|
  1, 2 # kept

possible |mangled_name, can_defer, template, type_args, required_by|
  fn$sum$f64, "true", sum, f64, main
  fn$sum$i32, false, sum, i32, main
type_inferences |inferred_type, expr, context, from_file, from_loc|
  Int, x + 1, fn main, app.spl, app.spl:1:2
dependencies |from_inst, to_inst, dep_kind|
circular_warnings |cycle_path, severity|
  A$T->B$T->A$T, warning
circular_errors |cycle_path, error_code| "A->A", E0420
build:
  target: x86_64-linux
  cpu: native
  optimization: 2
  features = [avx2, bmi]
  linker_flags:
    - "-lm"
  compiler_version: 0.3.1
  build_timestamp: 2026-01-02T03:04:05Z
extra: 1
`.replace('app.spl:11:1, , deferred', 'app.spl:11:1, nil, deferred');

describe('parsing', () => {
  const note = parseNoteSdn(`${older}\n# END_NOTE\nrubbish |||`);

  test('both column dialects, any order, extra columns, quoted or not', () => {
    expect(note.instantiations).toEqual([
      {
        template: 'Vec',
        typeArgs: 'i64',
        mangledName: 'fn$Vec$i64',
        fromFile: 'app.spl',
        fromLoc: 'app.spl:10:5',
        outputFile: 'app.o',
        status: 'compiled',
      },
      {
        template: 'Map',
        typeArgs: 'Int,text',
        mangledName: 'Map$Int$text',
        fromFile: 'app.spl',
        fromLoc: 'app.spl:11:1',
        outputFile: '',
        status: 'deferred',
      },
    ]);
    expect(note.possible.map((row) => [row.mangledName, row.canDefer])).toEqual([
      ['fn$sum$f64', true],
      ['fn$sum$i32', false],
    ]);
    expect(note.typeInferences).toEqual([
      { inferredType: 'Int', expr: 'x + 1', ctx: 'fn main', fromFile: 'app.spl', fromLoc: 'app.spl:1:2' },
    ]);
    expect(note.dependencies).toEqual([]);
    expect(note.circularWarnings).toEqual([{ cyclePath: 'A$T->B$T->A$T', severity: 'warning' }]);
    expect(note.circularErrors).toEqual([{ cyclePath: 'A->A', errorCode: 'E0420' }]);
  });

  test('a changed build block keeps what is unknown in it, its comments and its order', () => {
    const text = [
      'build:',
      '  # where it ran',
      '  mystery: 7',
      '  cpu: old  # soon another',
      '  features:',
      '    - avx2',
      '    - bmi1',
      '  later = [1, 2]',
      '# after',
      'other: 1',
      '',
    ].join('\n');
    const build = parseNoteSdn(text).build!;
    expect(updateNoteSdn(text, { build })).toBe(`${text}\n# END_NOTE\n`);
    const changed = { ...build, cpu: 'new', target: 'linux', features: ['avx2'] };
    const updated = updateNoteSdn(text, { build: changed });
    expect(parseNoteSdn(updated).build).toEqual(changed);
    for (const kept of [
      '  # where it ran\n  mystery: 7\n',
      '# soon another',
      '  later = [1, 2]\n',
      '# after\nother: 1\n',
    ]) {
      expect(updated).toContain(kept);
    }
    const inline = updateNoteSdn('build = {cpu: old, mystery: 7}\n', { build: changed });
    expect(parseNoteSdn(inline).build).toEqual(changed);
    expect(inline).toContain('mystery: 7');
  });

  test('the build block, unknown parts and leading comments', () => {
    expect(note.build).toEqual({
      target: 'x86_64-linux',
      cpu: 'native',
      optimization: '2',
      features: ['avx2', 'bmi'],
      linkerFlags: ['-lm'],
      compilerVersion: '0.3.1',
      buildTimestamp: '2026-01-02T03:04:05Z',
    });
    const single = parseNoteSdn('build:\n  features: avx2\n').build;
    expect([single?.features, single?.linkerFlags, single?.target]).toEqual([['avx2'], [], '']);
    expect(note.leadingComments).toBe('# SMF note v0\n# by a compiler\n');
    expect(note.unknown).toEqual(['custom |a, b|\n  1, 2\n', 'extra: 1\n']);
  });

  test('an empty note, and notes that are something else', () => {
    expect(parseNoteSdn('')).toEqual(emptyNote());
    expect(parseNoteSdn('possible:\n# END_NOTE\n')).toEqual(emptyNote());
    const bad = expect.objectContaining({ code: 'ERR_SMF_BAD_NOTE' });
    expect(() => parseNoteSdn('possible: 3')).toThrow(bad);
    expect(() => parseNoteSdn('build = [1]')).toThrow(bad);
    expect(() => parseNoteSdn('1\n2\n')).toThrow(bad);
    expect(() => parseNoteSdn('possible |a|\n  1, 2')).toThrow(/line 2, column 3/);
  });
});

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', 'A$T', '\n# END_NOTE\n', 'true', '12', '"', 'a, b'),
);
const rows = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T[]> =>
  fc.array(fc.record(shape) as fc.Arbitrary<T>, { maxLength: 3 });
const anyNote: fc.Arbitrary<NoteSdnMetadata> = fc.record(
  {
    instantiations: rows({
      template: text,
      typeArgs: text,
      mangledName: text,
      fromFile: text,
      fromLoc: text,
      outputFile: text,
      status: text,
    }),
    possible: rows({ template: text, typeArgs: text, mangledName: text, requiredBy: text, canDefer: fc.boolean() }),
    typeInferences: rows({ inferredType: text, expr: text, ctx: text, fromFile: text, fromLoc: text }),
    dependencies: rows({ fromInst: text, toInst: text, depKind: text }),
    circularWarnings: rows({ cyclePath: text, severity: text }),
    circularErrors: rows({ cyclePath: text, errorCode: text }),
    build: fc.record({
      target: text,
      cpu: text,
      optimization: text,
      features: fc.array(text),
      linkerFlags: fc.array(text),
      compilerVersion: text,
      buildTimestamp: text,
    }),
    leadingComments: fc.constant('# one\n# two\n'),
    unknown: fc.constant(['custom |a|\n    1\n', 'flag: true\n']),
  },
  {
    requiredKeys: [
      'instantiations',
      'possible',
      'typeInferences',
      'dependencies',
      'circularWarnings',
      'circularErrors',
    ],
  },
);

describe('printing', () => {
  test('parseNoteSdn(stringifyNoteSdn(note)) = note, in both dialects', () => {
    fc.assert(
      fc.property(anyNote, fc.constantFrom('current' as const, 'older' as const), (note, dialect) => {
        const printed = stringifyNoteSdn(note, { dialect });
        expect(parseNoteSdn(printed)).toEqual(note);
        expect(printed.indexOf('\n# END_NOTE\n')).toBe(printed.length - '\n# END_NOTE\n'.length);
      }),
    );
  });

  test('the older dialect has the older names', () => {
    const printed = stringifyNoteSdn(emptyNote(), { dialect: 'older' });
    expect(printed).toContain('from_loc, to_obj, status|');
    expect(printed).toContain('expr, context, from_file');
  });
});

describe('lossless change', () => {
  const body = `${older}\n# END_NOTE\n`;

  test('nothing changes where nothing is asked', () => {
    expect(updateNoteSdn(body, {})).toBe(body);
    expect(updateNoteSdn(body, parseNoteSdn(body))).toBe(body);
  });

  test('a row is added in the columns that the table has', () => {
    const note = parseNoteSdn(body);
    const row = {
      template: 'sum',
      typeArgs: 'f64',
      mangledName: 'fn$sum$f64',
      fromFile: '',
      fromLoc: '',
      outputFile: 'x.o',
      status: 'jit_compiled',
    };
    const updated = updateNoteSdn(body, { instantiations: [...note.instantiations, row] });
    const last = '  1, Map, [Int, text], Map$Int$text, app.spl, app.spl:11:1, nil, deferred\n';
    expect(updated).toBe(
      body.replace(
        last,
        `${last}  2, "sum", "f64", "fn$sum$f64", "", "", "x.o", "jit_compiled"\n`.replaceAll('$', '$$$$'),
      ),
    );
    expect(parseNoteSdn(updated)).toEqual({ ...note, instantiations: [...note.instantiations, row] });
  });

  test('any note becomes any other, and unknown parts stay', () => {
    fc.assert(
      fc.property(anyNote, (wanted) => {
        const { unknown: _, leadingComments: __, ...changes } = wanted;
        const updated = updateNoteSdn(body, changes);
        expect(parseNoteSdn(updated)).toMatchObject(changes);
        expect(updated).toContain('custom |a, b|\n  1, 2 # kept\n');
        expect(updated.startsWith('# SMF note v0\n# by a compiler\n\n')).toBe(true);
      }),
    );
  });
});

describe('rewriting the note of a file', () => {
  const bytes = richBuilder().build();
  const row = {
    template: 'sum',
    typeArgs: 'f64',
    mangledName: 'fn$sum$f64',
    fromFile: '',
    fromLoc: '',
    outputFile: '',
    status: 'jit_compiled',
  };

  test('in place where it fits, hash and all', () => {
    const plan = rewriteNote(parseSmf(bytes), { instantiations: [row] });
    expect(plan.inPlace).toBe(true);
    const copy = bytes.slice();
    if (plan.inPlace) for (const { offset, data } of plan.patches) copy.set(data, offset);
    const smf = parseSmf(copy, { verifyModuleHash: true });
    expect(smf.noteSdn()).toEqual({ ...sumNote, instantiations: [row] });
    expect(copy.length).toBe(bytes.length);
    expect(smf.templates()).toHaveLength(2);
    expect(SmfBuilder.from(smf).build()).toEqual(copy);
  });

  test('as a new file where it does not', () => {
    const plan = rewriteNote(parseSmf(bytes), { instantiations: Array.from({ length: 100 }, () => row) });
    expect(plan.inPlace).toBe(false);
    if (plan.inPlace) return;
    const smf = parseSmf(plan.file, { verifyModuleHash: true });
    expect(smf.noteSdn()?.instantiations).toHaveLength(100);
    expect(smf.sectionData(0)).toEqual(parseSmf(bytes).sectionData(0));
  });

  test('a file without a note', () => {
    expect(() => rewriteNote(parseSmf(new SmfBuilder().build()), {})).toThrow(
      expect.objectContaining({ code: 'ERR_SMF_BAD_NOTE' }),
    );
  });
});

describe('cycles', () => {
  const edge = (fromInst: string, toInst: string, depKind = 'field_type'): NoteDependency => ({
    fromInst,
    toInst,
    depKind,
  });
  const cyclesOf = (...dependencies: NoteDependency[]): [string, string][] =>
    detectCycles({ dependencies }).map(({ severity, cyclePath }) => [severity, cyclePath]);

  test('the exact path, first = last', () => {
    expect(cyclesOf(edge('A$T', 'B$T'), edge('B$T', 'A$T', 'type_param'))).toEqual([['error', 'A$T->B$T->A$T']]);
    expect(cyclesOf(edge('x', 'A'), edge('A', 'B'), edge('B', 'C'), edge('C', 'A'))).toEqual([['error', 'A->B->C->A']]);
    expect(cyclesOf(edge('A', 'A'))).toEqual([['error', 'A->A']]);
    expect(detectCycles({ dependencies: [edge('A', 'A')] })[0]).toMatchObject({
      cycle: ['A', 'A'],
      errorCode: 'E0420',
    });
  });

  test('an indirection makes it a warning', () => {
    expect(cyclesOf(edge('A', 'B'), edge('B', 'A', 'inner_type'))).toEqual([['warning', 'A->B->A']]);
    expect(cyclesOf(edge('A', 'B'), edge('B', 'A', 'inner_type'), edge('B', 'A'))).toEqual([['error', 'A->B->A']]);
  });

  test('none where there is none', () => {
    expect(cyclesOf(edge('A', 'B'), edge('A', 'C'), edge('B', 'D'), edge('C', 'D'))).toEqual([]);
  });

  test('a chain of 100,000 and a hard knot end', () => {
    const chain = Array.from({ length: 100_000 }, (_, i) => edge(`n${i}`, `n${(i + 1) % 100_000}`));
    expect(detectCycles({ dependencies: chain })).toHaveLength(1);
    const knot = Array.from({ length: 300 }, (_, i) =>
      Array.from({ length: 300 }, (_, j) => edge(`k${i}`, `k${j}`)),
    ).flat();
    expect(detectCycles({ dependencies: knot }).length).toBeLessThanOrEqual(2000);
  });

  test('a cycle is found exactly where the graph has one', () => {
    const edges = fc.array(fc.tuple(fc.nat(6), fc.nat(6), fc.boolean()), { maxLength: 14 });
    fc.assert(
      fc.property(edges, (list) => {
        const dependencies = list.map(([from, to, soft]) =>
          edge(`${from}`, `${to}`, soft ? 'inner_type' : 'field_type'),
        );
        const reaches = (from: string, to: string, hardOnly: boolean): boolean => {
          const seen = new Set<string>();
          const todo = [from];
          for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
            for (const { fromInst, toInst, depKind } of dependencies) {
              if (fromInst !== at || (hardOnly && depKind === 'inner_type')) continue;
              if (toInst === to) return true;
              if (!seen.has(toInst)) todo.push(toInst);
              seen.add(toInst);
            }
          }
          return false;
        };
        const cycles = detectCycles({ dependencies });
        const nodes = [...new Set(list.flatMap(([from, to]) => [`${from}`, `${to}`]))];
        expect(cycles.some((c) => c.severity === 'error')).toBe(nodes.some((node) => reaches(node, node, true)));
        expect(cycles.length > 0).toBe(nodes.some((node) => reaches(node, node, false)));
        for (const { cycle } of cycles) {
          expect(cycle[0]).toBe(cycle.at(-1));
          for (let i = 1; i < cycle.length; i++) {
            expect(dependencies.some((d) => d.fromInst === cycle[i - 1] && d.toInst === cycle[i])).toBe(true);
          }
        }
      }),
    );
  });
});
