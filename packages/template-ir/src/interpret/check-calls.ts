// What is checked when interpreted code is entered and when it calls: values against types, functions against signatures.
import { IrLinkError } from '../errors.js';
import type { ConcreteFunction, Instruction } from '../ir.js';
import { signatureOf } from '../specialise.js';
import { type Signature, signatureToString, type Type, typeToString } from '../types.js';
import { convert, type IrValue, kindOf, rangeProblem } from './arithmetic.js';

/** The arguments as values of the parameters' types: only an f32 can still need rounding. */
export function checkArguments(fn: ConcreteFunction, args: readonly IrValue[]): readonly IrValue[] {
  const { params } = signatureOf(fn);
  if (args.length !== params.length) {
    throw new TypeError(`${fn.symbol} takes ${params.length} arguments, got ${args.length}`);
  }
  return params.map((type, i) =>
    checkValue(args[i], type, () => `argument ${i + 1} of ${fn.symbol} (${typeToString(type)})`),
  );
}

export function checkValue(value: IrValue | undefined, type: Type, what: () => string): IrValue {
  if (typeof value !== kindOf(type)) throw new TypeError(`${what()} must be a ${kindOf(type)}, not a ${typeof value}`);
  const problem = rangeProblem(value!, type);
  if (problem !== undefined) throw new RangeError(`${what()} must be ${problem}, not ${String(value)}`);
  return typeof value === 'number' ? convert(value, type) : value!;
}

/** An instruction that calls something. */
export type Invocation = Extract<Instruction, { op: 'call' | 'invoke' | 'extern' }>;

/** What a call takes its target for: the caller's verification knew no more of it. */
export function reliedOn({ valueTypes }: ConcreteFunction, { args, result }: Invocation): Signature {
  return {
    params: args.map((arg) => valueTypes[arg]!),
    result: result === undefined ? undefined : valueTypes[result]!,
  };
}

export function checkSignature(target: ConcreteFunction, wanted: Signature, callee: string): void {
  const found = signatureOf(target);
  const fits = (type: Type, i: number): boolean => type === found.params[i];
  const isSame = wanted.params.length === found.params.length && wanted.params.every(fits);
  if (isSame && wanted.result === found.result) return;
  throw new IrLinkError('SIGNATURE', callee, signatureToString(wanted), signatureToString(found));
}
