// Cheaper calls: numbers and bigints go through memory shared with the addon instead of Node-API arguments, which saves
// a third to a half of a call. The wrapper of a signature is generated JavaScript, so that V8 sees plain typed-array
// stores; an argument that doesn't fit takes the ordinary path, which says what is wrong with it.
import { binding } from './binding.js';

/** A function of the addon that takes its arguments as such, or from the slots when the mode word is set. */
export type RawFunction = (...args: unknown[]) => unknown;

type Factory = (call: RawFunction, views: SlotViews, unsafe: (name: string) => never) => RawFunction;

// Where the addon has them, in words of 8 bytes: see CallSlots in native/binding/env_state.h.
const RESULT = 0;
const MODE = 1;
const ARGUMENTS = 2;

// One view per way to read or write a slot; all over the same memory.
const buffer = binding.callSlots();
const views = {
  i8: new Int8Array(buffer),
  u8: new Uint8Array(buffer),
  i16: new Int16Array(buffer),
  u16: new Uint16Array(buffer),
  i32: new Int32Array(buffer),
  u32: new Uint32Array(buffer),
  f32: new Float32Array(buffer),
  f64: new Float64Array(buffer),
  i64: new BigInt64Array(buffer),
  u64: new BigUint64Array(buffer),
};
type SlotViews = typeof views;

interface SlotCode {
  /** A condition on argument `a` that is true when it fits; it may store the value already. */
  readonly check: (a: string, slot: number) => string;
  /** What stores the argument. */
  readonly store?: (a: string, slot: number) => string;
}

const smallInteger = (check: (a: string) => string): SlotCode => ({
  check: (a) => `typeof ${a} === 'number' && ${check(a)} === ${a}`,
  store: (a, slot) => `i32[${slot * 2}] = ${a}; i32[${slot * 2 + 1}] = ${a} >> 31;`,
});

const bigInteger = (view: 'i64' | 'u64'): SlotCode => ({
  check: (a, slot) => `typeof ${a} === 'bigint' && (${view}[${slot}] = ${a}) === ${view}[${slot}]`,
});

const safeInteger = (least: string): SlotCode => ({
  check: (a) => `Number.isSafeInteger(${a})${least && ` && ${a} >= ${least}`}`,
  store: (a, slot) => `i32[${slot * 2}] = ${a}; i32[${slot * 2 + 1}] = Math.floor(${a} / 4294967296);`,
});

const float = (view: 'f32' | 'f64', perSlot: number): SlotCode => ({
  check: (a) => `typeof ${a} === 'number'`,
  store: (a, slot) => `${view}[${slot * perSlot}] = ${a};`,
});

const PARAMETERS: Readonly<Record<string, SlotCode>> = {
  i8: smallInteger((a) => `${a} << 24 >> 24`),
  i16: smallInteger((a) => `${a} << 16 >> 16`),
  i32: smallInteger((a) => `(${a} | 0)`),
  u8: smallInteger((a) => `(${a} & 255)`),
  u16: smallInteger((a) => `(${a} & 65535)`),
  u32: {
    check: (a) => `typeof ${a} === 'number' && ${a} >>> 0 === ${a}`,
    store: (a, slot) => `i32[${slot * 2}] = ${a}; i32[${slot * 2 + 1}] = 0;`,
  },
  i64: bigInteger('i64'),
  u64: bigInteger('u64'),
  'i64:number': safeInteger(''),
  'u64:number': safeInteger('0'),
  f32: float('f32', 2),
  f64: float('f64', 1),
  bool: {
    check: (a) => `typeof ${a} === 'boolean'`,
    store: (a, slot) => `i32[${slot * 2}] = ${a} ? 1 : 0; i32[${slot * 2 + 1}] = 0;`,
  },
};

const safeResult = (high: 'i32' | 'u32') =>
  `const number = ${high}[${RESULT * 2 + 1}] * 4294967296 + u32[${RESULT * 2}];
   return Number.isSafeInteger(number) ? number : unsafe(call.name);`;

const RESULTS: Readonly<Record<string, string>> = {
  void: 'return undefined;',
  i8: `return i8[${RESULT * 8}];`,
  i16: `return i16[${RESULT * 4}];`,
  i32: `return i32[${RESULT * 2}];`,
  u8: `return u8[${RESULT * 8}];`,
  u16: `return u16[${RESULT * 4}];`,
  u32: `return u32[${RESULT * 2}];`,
  i64: `return i64[${RESULT}];`,
  u64: `return u64[${RESULT}];`,
  ptr: `return u64[${RESULT}];`,
  'i64:number': safeResult('i32'),
  'u64:number': safeResult('u32'),
  f32: `return f32[${RESULT * 2}];`,
  f64: `return f64[${RESULT}];`,
  bool: `return u8[${RESULT * 8}] !== 0;`,
};

/** The JavaScript of a wrapper. Type names were checked by the addon; none of them becomes part of the text. */
function wrapperSource(params: readonly string[], result: string): string {
  const names = params.map((_, i) => `a${i}`);
  const checks = [`arguments.length === ${params.length}`];
  const stores: string[] = [];
  const pointers: string[] = [];
  params.forEach((type, i) => {
    const name = `a${i}`;
    const code = PARAMETERS[type];
    if (code === undefined) {
      pointers.push(name); // checked by the addon
      return;
    }
    checks.push(code.check(name, ARGUMENTS + i));
    if (code.store) stores.push(code.store(name, ARGUMENTS + i));
  });
  return `'use strict';
const { ${Object.keys(views).join(', ')} } = views;
return function (${names.join(', ')}) {
  if (${checks.join(' && ')}) {
    ${stores.join('\n    ')}
    i32[${MODE * 2}] = 1;
    call(${pointers.join(', ')});
    ${RESULTS[result] ?? RESULTS.ptr}
  }
  i32[${MODE * 2}] = 0;
  return call.apply(undefined, arguments);
};`;
}

function unsafe(name: string): never {
  const error = new RangeError(
    `The result of ${name || 'the native function'} doesn't fit a safe integer. Ask for i64 or u64 (a bigint) in the signature.`,
  );
  throw Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
}

const factories = new Map<string, Factory>();
let generating = true;

/**
 * A wrapper around `call`, a raw function of this signature; `call` itself where code generation from strings is off
 * (`--disallow-code-generation-from-strings`).
 */
export function wrapWithSlots(call: RawFunction, params: readonly string[], result: string): RawFunction {
  if (!generating) return call;
  const key = `${params.join()}:${result}`;
  let factory = factories.get(key);
  if (factory === undefined) {
    try {
      factory = new Function('call', 'views', 'unsafe', wrapperSource(params, result)) as Factory;
    } catch (error) {
      if (!(error instanceof EvalError)) throw error;
      generating = false;
      return call;
    }
    factories.set(key, factory);
  }
  const wrapper = factory(call, views, unsafe);
  Object.defineProperty(wrapper, 'name', { value: call.name, configurable: true });
  return wrapper;
}
