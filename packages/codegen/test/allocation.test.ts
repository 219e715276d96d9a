// Register allocation where it hurts: more live values than registers, across calls and around loops, cyclic moves on edges,
// many arguments, large frames, control flow that no structured language makes.
import { TrapError } from '@simple-jit/native-mem';
import type { IrValue } from '@simple-jit/template-ir';
import { describe, expect, it, vi } from 'vitest';
import { allocateRegisters } from '../src/allocate.js';
import { Intervals } from '../src/interval.js';
import { compileWith, type InternalOptions } from '../src/unit.js';
import { agree, functionsOf } from './support/agree.js';
import { runNatively } from './support/native.js';
import { SCARCE } from './support/random-programs.js';
import { verifyAllocation } from './support/verify-allocation.js';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const lines = (count: number, line: (i: number) => string): string => range(count).map(line).join('\n');

/** Many values of `type`, all alive over whatever `middle` does, then combined in an order-dependent way. */
function manyAlive(type: string, count: number, middle: string, params = ''): string {
  const number = (i: number): string => (type[0] === 'f' ? `${i + 1}.5` : `${i + 1}`);
  return `
fn f(x: ${type}, y: ${type}${params}) -> ${type} {
entry:
${lines(count, (i) => `  a${i} = mul x, ${number(i)}\n  b${i} = sub a${i}, y`)}
${middle}
  s0 = add b0, x
${lines(count - 1, (i) => `  t${i + 1} = mul s${i}, ${number(2)}\n  s${i + 1} = sub t${i + 1}, b${i + 1}`)}
  return s${count - 1}
}`;
}

const HELPERS = `
fn touch(n: i64) -> i64 {
entry:
  c = gt n, 0
  branch c, down, out
down:
  m = sub n, 1
  r = call touch(m)
  s = add r, n
  return s
out:
  return 0
}
fn mix(a: f64, b: f64) -> f64 {
entry:
  r = mul a, b
  s = sub r, a
  return s
}`;

const INTEGERS: readonly (readonly IrValue[])[] = [
  [3n, 5n],
  [-7n, 100n],
  [0n, 0n],
];
const DOUBLES: readonly (readonly IrValue[])[] = [
  [0.1, 3],
  [1e10, -2.25],
  [-0, 1],
];

const registerSets: readonly (readonly [string, InternalOptions])[] = [
  ['all registers', {}],
  ...SCARCE.map((registers, i) => [`few registers ${i}`, { registers }] as const),
];

describe.each(registerSets)('%s', (_, options) => {
  it.each(['i64', 'i32', 'u8'] as const)('40 integers alive (%s)', (type) => {
    const args = INTEGERS.map((list) => list.map((value) => BigInt.asUintN(7, value as bigint)));
    agree(functionsOf(manyAlive(type, 40, '')), args, options);
  });

  it.each(['f64', 'f32'] as const)('40 floats alive (%s)', (type) => {
    agree(functionsOf(manyAlive(type, 40, '')), DOUBLES, options);
  });

  it('40 integers alive across calls', () => {
    const text = manyAlive('i64', 40, '  r = call touch(3)\n  q = call touch(x)\n  z = call touch(b7)');
    agree(
      functionsOf(text + HELPERS),
      [
        [3n, 5n],
        [1n, 2n],
      ],
      options,
      'fn$f',
    );
  });

  it('40 floats alive across calls', () => {
    agree(
      functionsOf(manyAlive('f64', 40, '  r = call mix(b3, b39)\n  q = call mix(r, 0.5)') + HELPERS),
      DOUBLES,
      options,
      'fn$f',
    );
  });

  it('20 variables in a loop with a call', () => {
    const text = `
fn f(x: i64, y: f64) -> f64 {
entry:
  jump loop(0${lines(20, (i) => `, ${i}`)}${lines(20, (i) => `, ${i}.25`)})
loop(i: i64${lines(20, (i) => `, a${i}: i64`)}${lines(20, (i) => `, d${i}: f64`)}):
  more = lt i, 5
  branch more, body, done
body:
  t = call touch(a3)
  u = call mix(d4, y)
${lines(20, (i) => `  na${i} = add a${i}, ${i === 19 ? 't' : `a${i + 1}`}`)}
${lines(20, (i) => `  nd${i} = sub d${i}, ${i === 19 ? 'u' : `d${i + 1}`}`)}
  k = add i, 1
  jump loop(k${lines(20, (i) => `, na${i}`)}${lines(20, (i) => `, nd${i}`)})
done:
  s0: f64 = convert a0
${lines(19, (i) => `  c${i} = mul s${i}, 3.0\n  f${i}: f64 = convert a${i + 1}\n  e${i} = add c${i}, f${i}\n  s${i + 1} = add e${i}, d${i}`)}
  return s19
}`;
    agree(
      functionsOf(text.replaceAll('\n,', ',') + HELPERS),
      [
        [1n, 0.5],
        [0n, -3],
      ],
      options,
      'fn$f',
    );
  });

  it.each([
    ['two swap', ['b', 'a', 'c', 'd', 'e', 'f']],
    ['all rotate', ['b', 'c', 'd', 'e', 'f', 'a']],
    ['two cycles and a copy', ['b', 'a', 'd', 'e', 'c', 'a']],
    ['one spreads', ['a', 'a', 'a', 'b', 'b', 'c']],
    ['constants among them', ['b', '7', 'a', 'f', '0', 'c']],
  ] as const)('variables of a loop change places: %s', (_name, order) => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const type of ['i64', 'i32', 'f64', 'f32']) {
      const literal = (i: number): string => (type[0] === 'f' ? `${i}.5` : `${i}`);
      const next = order.map((name) => (/\d/.test(name) && type[0] === 'f' ? `${name}.0` : name));
      const text = `
fn f(n: i64, x: ${type}) -> ${type} {
entry:
  jump loop(0, ${names.map((_n, i) => literal(i + 1)).join(', ')})
loop(i: i64, ${names.map((name) => `${name}: ${type}`).join(', ')}):
  more = lt i, n
  k = add i, 1
  branch more, loop(k, ${next.join(', ')}), done
done:
  r0 = add a, x
${names
  .slice(1)
  .map((name, i) => `  m${i} = mul r${i}, ${literal(10)}\n  r${i + 1} = add m${i}, ${name}`)
  .join('\n')}
  return r5
}`;
      const x = type[0] === 'f' ? 0.25 : 9n;
      agree(
        functionsOf(text),
        range(8).map((n) => [BigInt(n), x]),
        options,
      );
    }
  });

  it('60 arguments, in registers and on the stack, received and passed on in another order', () => {
    const types = range(60).map((i) => ['i64', 'f64', 'u8', 'f32', 'i16', 'bool'][(i * i + (i >> 2)) % 6]!);
    const params = types.map((type, i) => `p${i}: ${type}`).join(', ');
    const reversed = [...types]
      .reverse()
      .map((type, i) => `p${i}: ${type}`)
      .join(', ');
    const text = `
fn f(x: i64, y: f64) -> f64 {
entry:
${types.map((type, i) => (type === 'bool' ? `  v${i} = gt x, ${i}` : `  c${i} = ${type[0] === 'f' ? 'add y' : 'add x'}, ${type[0] === 'f' ? `${i}.5` : i}\n  v${i}: ${type} = convert c${i}`)).join('\n')}
  r = call forward(${types.map((_t, i) => `v${i}`).join(', ')})
  return r
}
fn forward(${params}) -> f64 {
entry:
  r = call take(${types.map((_t, i) => `p${59 - i}`).join(', ')})
  return r
}
fn take(${reversed}) -> f64 {
entry:
${[...types]
  .reverse()
  .map((type, i) =>
    type === 'bool' ? `  i${i}: i64 = convert p${i}\n  v${i}: f64 = convert i${i}` : `  v${i}: f64 = convert p${i}`,
  )
  .join('\n')}
  s0 = add v0, 0.0
${lines(59, (i) => `  m${i} = mul s${i}, 1.25\n  s${i + 1} = add m${i}, v${i + 1}`)}
  return s59
}`;
    const functions = functionsOf(text);
    agree(
      functions,
      [
        [3n, 0.5],
        [-20n, 1e3],
      ],
      options,
      'fn$f',
    );
  });

  it('a loop with two entries', () => {
    const text = `
fn f(n: i64, x: i64) -> i64 {
entry:
  odd = and n, 1
  c = eq odd, 1
  branch c, left(n, x), right(x)
left(a: i64, b: i64):
  p = sub a, 1
  q = add b, n
  stop = le p, 0
  branch stop, done(q), right(q)
right(d: i64):
  e = mul d, 3
  g = sub e, x
  big = gt g, 100000
  h = rem g, 7
  branch big, done(g), left(h, e)
done(r: i64):
  s = add r, x
  return s
}`;
    agree(
      functionsOf(text),
      [
        [1n, 5n],
        [2n, 5n],
        [7n, -3n],
        [8n, 11n],
        [101n, 1n],
      ],
      options,
    );
  });
});

describe('frames', () => {
  it('hold thousands of spilled values, and touch every page', () => {
    const count = 3000;
    agree(functionsOf(manyAlive('i64', count, '  r = call touch(2)') + HELPERS), [[3n, 2n]], {}, 'fn$f');
  });

  it.each([0, 600, 3000])('endless recursion with %i live values is a stack overflow', (count) => {
    const text = `
fn f(x: i64) -> i64 {
entry:
${lines(count, (i) => `  a${i} = mul x, ${i + 3}`)}
  y = add x, 1
  r = call f(y)
  s0 = add r, 1
${lines(count, (i) => `  s${i + 1} = add s${i}, a${i}`)}
  return s${count}
}`;
    const native = runNatively(functionsOf(text));
    try {
      for (let i = 0; i < 3; i++) {
        expect(() => native.call('fn$f', [1n])).toThrow(
          expect.objectContaining({ constructor: TrapError, kind: 'stack-overflow' }),
        );
      }
    } finally {
      native.close();
    }
  });
});

describe('values that are needed far away only', () => {
  /** Each guard leaves the function with a value of its own; the blocks that return them come after all guards. */
  const guards = (count: number): string => `
fn f(x: i64) -> i64 {
entry:
  jump n0
${lines(count, (i) => `n${i}:\n  c${i} = gt x, ${i}\n  y${i} = mul x, ${i + 3}\n  branch c${i}, n${i + 1}, o${i}\no${i}:\n  return y${i}`)}
n${count}:
  return -1
}`;

  it('do not cost every other value a look', () => {
    const looks = vi.spyOn(Intervals.prototype, 'intersection');
    try {
      compileWith(functionsOf(guards(400)), {});
      expect(looks.mock.calls.length).toBeLessThan(4 * 400);
    } finally {
      looks.mockRestore();
    }
  });

  it('arrive there', () => {
    for (const registers of [undefined, ...SCARCE]) {
      const options: InternalOptions = registers === undefined ? {} : { registers };
      agree(functionsOf(guards(30)), [[-1n], [0n], [17n], [29n], [30n]], options);
    }
  });
});

describe('the allocation verifier', () => {
  it('sees a wrong register', () => {
    const functions = functionsOf(manyAlive('i64', 40, '  r = call touch(x)') + HELPERS);
    let corrupted = 0;
    let found = 0;
    compileWith(functions, {
      onAllocated(live) {
        // Each definition in turn takes the register of a value that is still to be read.
        for (let virtual = 33; virtual < 32 + live.machine.classes.length; virtual++) {
          const allocation = allocateRegisters(live);
          const { starts, ends, registers, offsets } = allocation;
          if (allocation.pieceCount(virtual) === 0 || allocation.pieceCount(virtual - 1) === 0) continue;
          const piece = offsets[virtual - 32]!;
          const before = offsets[virtual - 33]!;
          if (registers[piece]! < 0 || registers[before]! < 0) continue;
          if (starts[piece]! % 2 === 0 || registers[piece] === registers[before]) continue;
          const isReadLater = [...live.uses.subarray(live.useOffsets[virtual - 33]!, live.useOffsets[virtual - 32]!)]
            .map((use) => use >> 1)
            .some((position) => position >= starts[piece]! && position < ends[before]!);
          if (starts[before]! > starts[piece]! || !isReadLater) continue;
          registers[piece] = registers[before]!;
          corrupted++;
          try {
            verifyAllocation(live, allocation);
          } catch {
            found++;
          }
        }
      },
    });
    expect(corrupted).toBeGreaterThan(5);
    expect(found).toBe(corrupted);
  });
});
