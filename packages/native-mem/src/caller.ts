// What is made once for each signature on a thread, so that binding another function of it is cheap.
import { binding } from './binding.js';
import { LIFE, TARGET, views } from './call-slots.js';
import { type Factory, makeFactory, type NativeFunction, unsafe } from './slot-call.js';

export interface Caller {
  readonly call: NativeFunction;
  readonly params: readonly string[];
  readonly result: string;
  named: Factory | undefined;
  unnamed: Factory | undefined;
}

/** Signatures as a tree, with a step for each parameter. Only what the addon has taken gets in. */
interface SignatureNode {
  readonly next: Map<string, SignatureNode>;
  /** By the type of the result. */
  callers: Map<string, Caller> | undefined;
}

const signatures: SignatureNode = { next: new Map(), callers: undefined };

const MAX_PARAMS = 255;

function addCaller(given: readonly string[], result: string): Caller {
  // Before copying: an array of any length takes no memory to make, but its copy does.
  if (given.length > MAX_PARAMS) {
    const error = new RangeError(`A signature has at most ${MAX_PARAMS} parameters, got ${given.length}`);
    throw Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
  }
  const params = Array.from({ length: given.length }, (_, i) => given[i] as string); // what is checked is what is used
  const caller = { call: binding.createCaller(params, result), params, result, named: undefined, unnamed: undefined };
  let node = signatures;
  for (let i = 0; i < params.length; i++) {
    const type = params[i] as string;
    let next = node.next.get(type);
    if (next === undefined) {
      next = { next: new Map(), callers: undefined };
      node.next.set(type, next);
    }
    node = next;
  }
  node.callers ??= new Map();
  node.callers.set(result, caller);
  return caller;
}

/** @throws TypeError for what is no signature, RangeError for too many parameters */
export function callerOf(params: readonly string[], result: string): Caller {
  if (!Array.isArray(params)) throw new TypeError('params must be an array of type names');
  let node: SignatureNode | undefined = signatures;
  for (let i = 0; i < params.length && node !== undefined; i++) node = node.next.get(params[i]);
  return node?.callers?.get(result) ?? addCaller(params, result);
}

/** A function for the code that `binding.bindCode` has just left in the slots. */
export function bindCaller(caller: Caller, name: string): NativeFunction {
  const life = views.f64[LIFE] as number;
  const target = views.f64[TARGET] as number;
  const { call, params, result } = caller;
  if (name === '') {
    caller.unnamed ??= makeFactory(params, result, false);
    return caller.unnamed(call, views, unsafe, life, target, name);
  }
  caller.named ??= makeFactory(params, result, true);
  return caller.named(call, views, unsafe, life, target, name);
}
