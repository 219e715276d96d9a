// Function pointers and C functions: through the interpreter.
import { describe, expect, it } from 'vitest';
import {
  type InterpretOptions,
  IrLinkError,
  IrTrapError,
  type IrValue,
  instances,
  interpret,
  LinearMemory,
  parseModule,
  parseTypeList,
  verifyModule,
} from '../index.js';
import { guestLibrary } from '../testing/index.js';
import { thrown } from '../thrown.test-support.js';

const text = `module m
fn twice<T: Num>(x: T) -> T {
entry:
  y = add x, x
  return y
}
fn square(x: i64) -> i64 {
entry:
  y = mul x, x
  return y
}
fn apply<T: Any>(f: fn(T) -> T, x: T) -> T {
entry:
  y = invoke f(x)
  return y
}
fn address() -> fn(i64) -> i64 {
entry:
  f = fnaddr square
  return f
}
fn is_same() -> bool {
entry:
  f = fnaddr square
  g = call address()
  same = eq f, g
  other = fnaddr twice<i64>
  differ = ne f, other
  both = and same, differ
  return both
}
fn through_memory(n: i64) -> i64 {
entry:
  table = slot array<fn(i64) -> i64, 2>
  p = item table, 0
  q = item table, 1
  f = fnaddr square
  store p, f
  g = fnaddr twice<i64>
  store q, g
  h = load p
  a = invoke h(n)
  k = load q
  b = invoke k(a)
  return b
}
fn elsewhere() -> fn(i64) -> f64 {
entry:
  f: fn(i64) -> f64 = fnaddr nowhere<i64>
  return f
}
fn list_sum(n: i64) -> i64 {
entry:
  jump fill(0, null)
fill(i: i64, head: ptr<Node>):
  more = lt i, n
  branch more, push, sum(head, 0)
push:
  size = sizeof Node
  bytes: u64 = convert size
  node: ptr<Node> = extern malloc(bytes)
  v = field node, value
  store v, i
  l = field node, next
  store l, head
  next = add i, 1
  jump fill(next, node)
sum(at: ptr<Node>, total: i64):
  there = ne at, null
  branch there, pop, out
pop:
  pv = field at, value
  x = load pv
  pl = field at, next
  rest = load pl
  extern free(at)
  new_total = add total, x
  jump sum(rest, new_total)
out:
  return total
}
fn freed() -> u8 {
entry:
  eight: u64 = const 8
  p: ptr<u8> = extern malloc(eight)
  extern free(p)
  x = load p
  return x
}
fn strings(a: ptr<u8>, b: ptr<u8>) -> i64 {
entry:
  n: u64 = extern strlen(a)
  order: i32 = extern memcmp(a, b, n)
  from = slot array<u8, 8>
  to: ptr<u8> = cast from
  end: ptr<u8> = extern memcpy(to, a, n)
  copied: i32 = extern memcmp(end, a, n)
  o: i64 = convert order
  c: i64 = convert copied
  hundred = mul o, 100
  r = add hundred, c
  return r
}
fn logged(x: i32, y: f32) -> bool {
entry:
  r: bool = extern log(x, y)
  return r
}
fn silent() {
entry:
  extern beep()
  return
}
struct Node {
  value: i64
  next: ptr<Node>
}
`;
const module = parseModule(text);
verifyModule(module);
const call = instances(module);

function run(name: string, types: string, args: readonly IrValue[], options: InterpretOptions = {}) {
  return interpret(call({ template: name, typeArgs: types === '' ? [] : parseTypeList(types) }), args, {
    call,
    ...options,
  });
}

describe('function pointers', () => {
  it('keep their address, from run to run', () => {
    expect(run('is_same', '', [])).toBe(true);
    const square = run('address', '', [])!;
    expect(square).toBe(run('address', '', []));
    expect(run('apply', 'i64', [square, 7n])).toBe(49n);
  });

  it('go through memory', () => {
    expect(run('through_memory', '', [3n])).toBe(18n);
  });

  it('trap with memory where no function is', () => {
    const square = run('address', '', []) as bigint;
    for (const address of [0n, 1n, square + 1n, square + 16n * 1000n, 0x10000n, (1n << 64n) - 1n]) {
      const error = thrown(IrTrapError, () => run('apply', 'i64', [address, 1n]));
      expect(error).toMatchObject({ kind: 'memory', address, function: 'fn$apply$i64', instruction: 0 });
    }
  });

  it('are refused if the function is another than the call takes it for', () => {
    const square = run('address', '', [])!;
    expect(thrown(IrLinkError, () => run('apply', 'f64', [square, 1]))).toMatchObject({
      code: 'SIGNATURE',
      callee: 'fn$square',
      expected: '(f64) -> f64',
      found: '(i64) -> i64',
    });
    expect(thrown(IrLinkError, () => run('elsewhere', '', []))).toMatchObject({ code: 'UNKNOWN_TEMPLATE' });
  });

  it('may come from outside', () => {
    const twice = call({ template: 'twice', typeArgs: parseTypeList('i64') });
    const invoke = (address: bigint) => (address === 0x7fff_1234n ? twice : undefined);
    expect(run('apply', 'i64', [0x7fff_1234n, 21n], { invoke })).toBe(42n);
    expect(() => run('apply', 'i64', [0x7fff_1235n, 21n], { invoke })).toThrow(IrTrapError);
  });

  it('count against the depth', () => {
    const square = run('address', '', [])!;
    const error = thrown(IrTrapError, () => run('apply', 'i64', [square, 7n], { maxDepth: 1 }));
    expect(error.kind).toBe('stack-overflow');
  });
});

describe('extern', () => {
  it('allocates and frees', () => {
    const memory = new LinearMemory();
    expect(run('list_sum', '', [100n], { memory, externs: guestLibrary(memory) })).toBe(4950n);
  });

  it('makes a use after free trap', () => {
    const memory = new LinearMemory();
    const error = thrown(IrTrapError, () => run('freed', '', [], { memory, externs: guestLibrary(memory) }));
    expect(error.kind).toBe('memory');
  });

  it('sees slots and buffers', () => {
    const memory = new LinearMemory();
    const [a, b] = ['abc\0', 'abd\0'].map((chars) => memory.map(Uint8Array.from(chars, (c) => c.charCodeAt(0))));
    const externs = guestLibrary(memory);
    expect(run('strings', '', [a!, b!], { memory, externs })).toBe(-100n);
    expect(run('strings', '', [b!, a!], { memory, externs })).toBe(100n);
    expect(run('strings', '', [a!, a!], { memory, externs })).toBe(0n);
  });

  it('passes values of the types of the call, and checks what comes back', () => {
    const seen: unknown[] = [];
    const log = (args: readonly IrValue[]) => {
      seen.push([...args]);
      return true;
    };
    expect(run('logged', '', [-5n, 0.1], { externs: { log } })).toBe(true);
    expect(seen).toEqual([[-5n, Math.fround(0.1)]]);
    expect(() => run('logged', '', [1n, 1], { externs: { log: () => 1n } })).toThrow(
      new TypeError('the result of extern log (bool) must be a boolean, not a bigint'),
    );
    expect(() => run('list_sum', '', [1n], { externs: { malloc: () => -1n } })).toThrow(RangeError);
    expect(run('silent', '', [], { externs: { beep: () => 5n } })).toBeUndefined();
  });

  it('names the symbol that no one provides', () => {
    for (const externs of [undefined, {}, { beeep: () => undefined }]) {
      const error = thrown(IrLinkError, () => run('silent', '', [], externs === undefined ? {} : { externs }));
      expect(error).toMatchObject({ code: 'UNKNOWN_SYMBOL', callee: 'beep' });
      expect(error.message).toMatch(/externs/);
    }
    const inherited = text.replace('extern beep()', 'extern toString()');
    const fn = instances(parseModule(inherited))({ template: 'silent', typeArgs: [] });
    expect(() => interpret(fn, [], { externs: {} })).toThrow(IrLinkError);
  });

  it('lets errors of the host through', () => {
    const beep = () => {
      throw new Error('no speaker');
    };
    expect(() => run('silent', '', [], { externs: { beep } })).toThrow('no speaker');
  });
});
