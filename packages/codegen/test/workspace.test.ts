// Compiles share their working memory one after another: what came before must not show in the bytes.
import { arbitraryProgram } from '@simple-jit/template-ir/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CodegenError, compileUnit } from '../src/index.js';
import { compileWith } from '../src/unit.js';
import { functionsOf } from './support/agree.js';
import { HOST_FEATURES } from './support/host-features.js';
import { closureOf } from './support/random-programs.js';

const options = { cpuFeatures: HOST_FEATURES, lines: true };

/** Of every kind that takes memory: blocks, loops, calls, constants, spilled values, stack slots. */
const LARGE = functionsOf(`
fn f(x: i64, y: f64) -> f64 {
entry:
${Array.from({ length: 300 }, (_, i) => `  a${i} = add x, ${i}\n  b${i} = add y, ${i}.5`).join('\n')}
  jump loop(0, 0.0)
loop(i: i64, sum: f64):
  more = lt i, 10
  branch more, body, done
body:
  s: ptr<i64> = slot i64
  store s, a7
  r = call f(a299, b299)
  t0 = add r, sum
${Array.from({ length: 299 }, (_, i) => `  c${i}: f64 = convert a${i}\n  d${i} = mul c${i}, b${i}\n  t${i + 1} = add t${i}, d${i}`).join('\n')}
  k = add i, 1
  jump loop(k, t299)
done:
  return sum
}`);

const FAILING = functionsOf(`
fn f(x: f64, y: f64) -> f64 {
entry:
  jump next(x)
next(z: f64):
  s = fma x, y, z
  return s
}`);

it('the same bytes after other compiles, and after one that failed', () => {
  fc.assert(
    fc.property(arbitraryProgram(), fc.boolean(), (program, fails) => {
      const functions = closureOf(program);
      const before = compileUnit(functions, options);
      if (fails) expect(() => compileUnit(FAILING)).toThrow(CodegenError);
      else compileUnit(LARGE, options);
      expect(compileUnit(functions, options)).toEqual(before);
    }),
    { numRuns: 100 },
  );
});

it('a compile within another one disturbs neither', () => {
  fc.assert(
    fc.property(arbitraryProgram(), arbitraryProgram(), (one, other) => {
      const [outer, inner] = [closureOf(one), closureOf(other)];
      const expected = [compileUnit(outer, options), compileUnit(inner, options)];
      const found: unknown[] = [];
      const onAllocated = (): void => {
        found[1] = compileUnit(inner, options);
      };
      found[0] = compileWith(outer, { ...options, onAllocated });
      expect(found).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});
