// The machine code of the example library, as disassembly: a change here is a change in what users run. `vitest -u` blesses it.
import { readFileSync } from 'node:fs';
import { mangle, parseModule, type ScalarName, scalar, specialise } from '@simple-jit/template-ir';
import { expect, it } from 'vitest';
import { compileUnit } from '../src/index.js';
import { disassemble } from './support/disassembler.js';

const library = parseModule(readFileSync(new URL('../../../examples/collections.tir', import.meta.url), 'utf8'));

const CASES: readonly (readonly [string, ScalarName])[] = [
  ['identity', 'u8'],
  ['max', 'i32'],
  ['max', 'f64'],
  ['sum', 'f64'],
  ['sum', 'u8'],
  ['dot', 'f32'],
  ['find', 'f64'],
  ['find', 'i16'],
  ['sift_down', 'i64'],
  ['sort', 'i64'],
  ['median', 'f64'],
];

it.each(CASES)('%s<%s>', async (name, type) => {
  const functions = library.templates.map((template) => specialise(template, [scalar(type)]));
  const unit = compileUnit(functions);
  const names = new Map(unit.functions.map(({ symbol, offset }) => [offset, symbol]));
  const fn = unit.functions.find(({ symbol }) => symbol === mangle(name, [scalar(type)]))!;
  const lines = disassemble(unit.code.subarray(fn.offset, fn.offset + fn.size), fn.offset).map(({ offset, text }) => {
    // Where this function lies in the unit must not matter: targets and offsets are relative to it.
    const target = /^(j\w+|call) 0x([0-9a-f]+)$/.exec(text);
    const address = target === null ? -1 : Number.parseInt(target[2]!, 16);
    const relative = names.get(address) ?? `+0x${(address - fn.offset).toString(16)}`;
    const shown = target === null ? text : `${target[1]} ${relative}`;
    return `${(offset - fn.offset).toString(16).padStart(4)}  ${shown.replace(/\[rip [^\]]*\]/, '[rip + …]')}`;
  });
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`golden/${name}.${type}.asm`);
});
