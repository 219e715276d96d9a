// Layouts of random declarations against those of the C compiler. Skipped where there is none.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  arrayOf,
  environmentOf,
  type FieldDeclaration,
  fnType,
  layoutOf,
  named,
  ptr,
  SCALAR_NAMES,
  scalar,
  type Type,
  type TypeDeclaration,
  verifyDeclarations,
} from '../src/index.js';

const hasCompiler = spawnSync('cc', ['--version']).status === 0 && process.arch === 'x64';

/** Declarations each of which may use those before it. */
function arbitraryDeclarations(count: number): fc.Arbitrary<readonly TypeDeclaration[]> {
  const fields = (before: number): fc.Arbitrary<FieldDeclaration[]> => {
    const type: fc.Arbitrary<Type> = fc
      .tuple(fc.nat(15 + 2 * before), fc.nat(10), fc.integer({ min: 1, max: 5 }))
      .map(([choice, scalarIndex, length]) => {
        const base = scalar(SCALAR_NAMES[scalarIndex]!);
        if (choice < 12) return base;
        if (choice === 12) return ptr(base);
        if (choice === 13) return fnType([base], undefined);
        if (choice === 14) return arrayOf(base, length);
        const other = named(`T${choice % (before + 1)}`);
        if (choice % (before + 1) === before) return arrayOf(arrayOf(base, length), 2);
        return choice % 2 === 0 ? other : arrayOf(other, length);
      });
    return fc
      .array(type, { minLength: 1, maxLength: 6 })
      .map((types) => types.map((t, i) => ({ name: `f${i}`, type: t })));
  };
  const declaration = (i: number): fc.Arbitrary<TypeDeclaration> => {
    const struct = fields(i).map((list) => ({ kind: 'struct' as const, name: `T${i}`, typeParams: [], fields: list }));
    const variant = fc.option(fields(i), { nil: [] as FieldDeclaration[] });
    const variants = fc.array(variant, { minLength: 1, maxLength: 4 }).map((lists) => ({
      ...{ kind: 'enum' as const, name: `T${i}`, typeParams: [] },
      variants: lists.map((list, v) => ({ name: `V${v}`, fields: list })),
    }));
    return fc.oneof(struct, variants);
  };
  return fc.tuple(...Array.from({ length: count }, (_, i) => declaration(i)));
}

const C_NAMES: Record<string, string> = { f32: 'float', f64: 'double', bool: '_Bool' };

/** A C declaration of `name` with the type. */
function declare(type: Type, name: string): string {
  switch (type.kind) {
    case 'scalar':
      return `${C_NAMES[type.name] ?? `${type.name[0] === 'u' ? 'u' : ''}int${type.name.slice(1)}_t`} ${name}`;
    case 'array':
      return declare(type.of, `${name}[${type.length}]`);
    case 'named':
      return `struct ${type.name} ${name}`;
    case 'fn':
      return `void (*${name})(void)`;
    default:
      return `void *${name}`;
  }
}

function toC(declaration: TypeDeclaration): string {
  const list = (fields: readonly FieldDeclaration[]) =>
    fields.map(({ name, type }) => `${declare(type, name)};`).join(' ');
  if (declaration.kind === 'struct') return `struct ${declaration.name} { ${list(declaration.fields)} };`;
  const variants = declaration.variants.filter(({ fields }) => fields.length > 0);
  const union = variants.map(({ name, fields }) => `struct { ${list(fields)} } ${name};`).join(' ');
  const payload = variants.length === 0 ? '' : ` union { ${union} };`;
  return `struct ${declaration.name} { uint32_t tag;${payload} };`;
}

it.skipIf(!hasCompiler)('agree with the C compiler', () => {
  const declarations = fc.sample(arbitraryDeclarations(120), { numRuns: 1, seed: 20 })[0]!;
  verifyDeclarations(declarations);
  const types = environmentOf(declarations);
  const lines: string[] = [];
  const expected: string[] = [];
  for (const { name } of declarations) {
    const { size, align, fields } = layoutOf(named(name), types);
    lines.push(`printf("${name} %zu %zu\\n", sizeof(struct ${name}), _Alignof(struct ${name}));`);
    expected.push(`${name} ${size} ${align}`);
    for (const [path, { offset }] of fields) {
      lines.push(`printf("${name}.${path} %zu\\n", offsetof(struct ${name}, ${path}));`);
      expected.push(`${name}.${path} ${offset}`);
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'template-ir-layout-'));
  try {
    const headers = '#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n';
    const main = `int main(void) {\n${lines.join('\n')}\nreturn 0;\n}\n`;
    writeFileSync(join(folder, 'layout.c'), `${headers}${declarations.map(toC).join('\n')}\n${main}`);
    execFileSync('cc', ['-O0', '-std=c11', '-o', join(folder, 'layout'), join(folder, 'layout.c')]);
    expect(execFileSync(join(folder, 'layout'), { encoding: 'utf8' }).trim().split('\n')).toEqual(expected);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
