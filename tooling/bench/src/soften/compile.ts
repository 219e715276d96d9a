// From IR, or WebAssembly bytes, of soften to the result of its first call: what a compile costs a user.
import { readFileSync } from 'node:fs';
import { compileUnit } from '@simple-jit/codegen';
import { bindFunction, type CodeArena } from '@simple-jit/native-mem';
import { parseModule, scalar, specialise, type Template } from '@simple-jit/template-ir';
import { instantiateSoften } from './wasm.js';

const SIGNATURE = { params: ['ptr<f64>', 'i64:number', 'f64', 'f64'], result: 'f64' } as const;
const RESULT = 8.5;

/** In the source folder: neither file is compiled by tsc. */
export const sourceOf = (name: string): URL => new URL(`../../src/soften/${name}`, import.meta.url);

export const readTemplate = (): Template => parseModule(readFileSync(sourceOf('soften.tir'), 'utf8')).templates[0]!;

const check = (result: number): void => {
  if (result !== RESULT) throw new Error(`soften gives ${result}, not ${RESULT}`);
};

/** Specialises, compiles, installs, binds and calls. */
export function compileAndCall(template: Template, arena: CodeArena): void {
  const unit = compileUnit([specialise(template, [scalar('f64')])]);
  const block = arena.allocate(unit.code, { traps: unit.traps });
  check(bindFunction(block.address, SIGNATURE)(Float64Array.of(1, 2, 30), 3, 1.5, 10));
  block.close();
}

/** Compiles, instantiates and calls. */
export function compileAndCallWasm(version: number): void {
  const { soften, memory } = instantiateSoften(version);
  new Float64Array(memory.buffer, 0, 3).set([1, 2, 30]);
  check(soften(0, 3n, 1.5, 10));
}
