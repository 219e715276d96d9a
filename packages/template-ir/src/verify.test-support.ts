// Functions of any shape, right or wrong, for tests of the verifier.

import { expect, it } from 'vitest';
import {
  diagnoseTemplate,
  type Instruction,
  type IrFunction,
  IrVerifyError,
  param,
  scalar,
  type Terminator,
  type Type,
  type Value,
  type VerifyCode,
  verifyTemplate,
} from './index.js';
import { thrown } from './thrown.test-support.js';

export const i64 = scalar('i64');
export const f64 = scalar('f64');
export const bool = scalar('bool');
export const T = param(0, 'T');

export interface Shape {
  readonly name?: string;
  readonly typeParams?: IrFunction['typeParams'];
  readonly result?: Type;
  readonly types?: readonly Type[];
  readonly names?: readonly (string | undefined)[];
  readonly params?: readonly number[];
  readonly blocks?: readonly { params?: readonly number[]; code?: readonly object[]; end: object }[];
  readonly code?: readonly object[];
  readonly end?: object;
}

/** A function of any shape, right or wrong. */
export function fn({
  name = 'f',
  typeParams = [],
  types = [],
  names,
  params = [],
  code = [],
  end,
  result,
  blocks,
}: Shape): IrFunction {
  const all = blocks ?? [{ params, code, end: end ?? { op: 'return', value: undefined } }];
  return {
    name,
    typeParams,
    result,
    valueTypes: types,
    valueNames: names ?? types.map(() => undefined),
    blocks: all.map((block) => ({
      name: undefined,
      params: (block.params ?? []) as Value[],
      instructions: (block.code ?? []) as Instruction[],
      terminator: block.end as Terminator,
    })),
  };
}

export const edge = (block: number) => ({ block, args: [] });
export const jump = (block: number, ...args: number[]) => ({ op: 'jump', target: { block, args } });
// biome-ignore lint/suspicious/noThenProperty: an edge's name; no one awaits a terminator
export const branch = (a: number, b: number) => ({ op: 'branch', condition: 0, then: edge(a), else: edge(b) });
export const ret = (value?: number) => ({ op: 'return', value });
export const generic = (bound: 'Any' | 'Eq' | 'Ord' | 'Num' | 'Int' | 'Float') => [{ name: 'T', bound }];

/** One test for each function: the verifier must refuse it with the code. */
export function refuses(broken: readonly (readonly [VerifyCode, string, Shape])[]): void {
  it.each(broken)('refuses with %s: %s', (code, _, shape) => {
    const template = fn(shape);
    const codes = diagnoseTemplate(template).map((diagnostic) => diagnostic.code);
    expect(codes).toContain(code);
    expect(thrown(IrVerifyError, () => verifyTemplate(template)).code).toBe(codes[0]);
  });
}
