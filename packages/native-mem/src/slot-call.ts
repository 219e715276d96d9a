// Bound functions. Numbers and bigints go through memory shared with the addon instead of Node-API arguments, which saves a
// third to a half of a call. What stores them is generated JavaScript, one for each signature, so that V8 sees plain
// typed-array stores; an argument that doesn't fit takes the ordinary path, which says what is wrong with it. A bound
// function is a closure of it over the code that it calls, and nothing in the addon belongs to it: making one is cheap.
import { LIFE, RESULT, type SlotViews, TARGET, VALUES, views } from './call-slots.js';

export type NativeFunction = (...args: unknown[]) => unknown;

/** Makes a bound function around `call`, the addon's for this signature, for the code with this life and address. */
export type Factory = (
  call: NativeFunction,
  views: SlotViews,
  unsafe: (name: string) => never,
  life: number,
  target: number,
  name: string,
) => NativeFunction;

const NUMBER = "typeof $ === 'number'";
const SIGNED = 'i32[#] = $; i32[# + 1] = $ >> 31;';
const UNSIGNED = 'i32[#] = $; i32[# + 1] = 0;';
const SAFE = 'i32[#] = $; i32[# + 1] = Math.floor($ / 4294967296);';

// A condition that is true when an argument fits (it may store the value already), then a line that stores it. $ is its
// name, @ its slot, # the first half of that.
const PARAMETERS: Readonly<Record<string, string>> = {
  i8: `${NUMBER} && $ << 24 >> 24 === $\n${SIGNED}`,
  i16: `${NUMBER} && $ << 16 >> 16 === $\n${SIGNED}`,
  i32: `${NUMBER} && ($ | 0) === $\n${SIGNED}`,
  u8: `${NUMBER} && ($ & 255) === $\n${UNSIGNED}`,
  u16: `${NUMBER} && ($ & 65535) === $\n${UNSIGNED}`,
  u32: `${NUMBER} && $ >>> 0 === $\n${UNSIGNED}`,
  i64: "typeof $ === 'bigint' && (i64[@] = $) === i64[@]\n",
  u64: "typeof $ === 'bigint' && (u64[@] = $) === u64[@]\n",
  'i64:number': `Number.isSafeInteger($)\n${SAFE}`,
  'u64:number': `Number.isSafeInteger($) && $ >= 0\n${SAFE}`,
  f32: `${NUMBER}\nf32[#] = $;`,
  f64: `${NUMBER}\nf64[@] = $;`,
  bool: "typeof $ === 'boolean'\ni32[#] = $ ? 1 : 0; i32[# + 1] = 0;",
};

const safeResult = (high: 'i32' | 'u32') =>
  `const number = ${high}[${RESULT * 2 + 1}] * 4294967296 + u32[${RESULT * 2}];
  return Number.isSafeInteger(number) ? number : unsafe(name);`;

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

const STORE_CODE = `f64[${LIFE}] = life; f64[${TARGET}] = target;`;
const STORE_CODE_FOR_ARGUMENTS = `f64[${LIFE}] = -life; f64[${TARGET}] = target;`;

/**
 * The body of a factory. Type names were checked by the addon; none of them becomes part of the text. The parentheses around
 * the function let V8 compile it at once instead of reading it twice.
 */
function factorySource(params: readonly string[], result: string, named: boolean): string {
  let names = '';
  let pointers = ''; // checked by the addon
  let checks = `arguments.length === ${params.length}`;
  let stores = '';
  for (let i = 0; i < params.length; i++) {
    const name = `a${i}`;
    names += `${name},`;
    const template = PARAMETERS[params[i] as string];
    if (template === undefined) {
      pointers += `${name},`;
      continue;
    }
    const slot = VALUES + i;
    const code = template
      .replaceAll('$', name)
      .replaceAll('@', `${slot}`)
      .replaceAll('#', `${slot * 2}`);
    const end = code.indexOf('\n');
    checks += ` && ${code.slice(0, end)}`;
    stores += code.slice(end);
  }
  const bound = `(function (${names}) {
  if (${checks}) {${stores}
    ${STORE_CODE}
    if (call(${pointers}) === undefined) { ${RESULTS[result] ?? RESULTS.ptr} }
  }
  ${STORE_CODE_FOR_ARGUMENTS}
  return call.apply({ name }, arguments);
})`;
  let used = '';
  for (const view in views) if (bound.includes(`${view}[`)) used += `${view},`;
  return `'use strict';
const {${used}} = views;
return ${named ? `({ [name]: ${bound} })[name]` : bound};`;
}

// For where code generation from strings is off (`--disallow-code-generation-from-strings`).
const plainFactory: Factory = (call, { f64 }, _unsafe, life, target, name) => {
  const bound: NativeFunction = (...args) => {
    f64[LIFE] = -life;
    f64[TARGET] = target;
    return call.apply({ name }, args);
  };
  return Object.defineProperty(bound, 'name', { value: name, configurable: true });
};

let generating = true;

/** The factory of a signature. It takes named functions or unnamed ones: naming one costs more than making it. */
export function makeFactory(params: readonly string[], result: string, named: boolean): Factory {
  if (!generating) return plainFactory;
  try {
    const source = factorySource(params, result, named);
    return new Function('call, views, unsafe, life, target, name', source) as Factory;
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
    generating = false;
    return plainFactory;
  }
}

/** How a generated function says that its result isn't a safe integer. */
export function unsafe(name: string): never {
  const error = new RangeError(
    `The result of ${name || 'the native function'} doesn't fit a safe integer. Ask for i64 or u64 (a bigint) in the signature.`,
  );
  throw Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
}
