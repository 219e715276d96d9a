// What several tests need: temporary folders, child processes, memory figures.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { CodeArena, type CodeBlock, type CodeOptions } from '../src/index.js';
import { type code, machineCode } from './machine-code.js';

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'native-mem-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A file that is gone after the test. */
export function temporaryFile(content: Uint8Array | string, name = 'file'): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

/** Installs one of the small functions in the default arena, until the end of the test. */
export function install(name: keyof typeof code, options: CodeOptions = {}): CodeBlock {
  const block = CodeArena.default().allocate(machineCode(name), { name, ...options });
  onTestFinished(() => block.close());
  return block;
}

const dist = new URL('../dist/index.js', import.meta.url).href;
const codeModule = new URL('./machine-code.ts', import.meta.url);

/** The text of a module that imports the built package as `nm` and the machine code as `code`. */
export function scriptWith(body: string): string {
  const text = readFileSync(codeModule, 'utf8');
  const table = text.slice(text.indexOf('export const code = {'), text.indexOf('} as const'));
  return `import * as nm from '${dist}';
${table.replace('export ', '')}};
const machineCode = (name) => Uint8Array.from(code[name]);
const install = (name, options) => nm.CodeArena.default().allocate(machineCode(name), { name, ...options });
${body}`;
}

/** Runs a script in a process of its own. */
export function runScript(body: string, options: { args?: readonly string[]; env?: Record<string, string> } = {}) {
  const file = join(temporaryFolder(), 'script.mjs');
  writeFileSync(file, scriptWith(body));
  const result = spawnSync(process.execPath, ['--expose-gc', ...(options.args ?? []), file], {
    encoding: 'utf8',
    env: { ...process.env, ...options.env },
    timeout: 120_000,
  });
  return { status: result.status, signal: result.signal, stdout: result.stdout, stderr: result.stderr };
}

export const packageRoot = fileURLToPath(new URL('..', import.meta.url));

/** A number out of /proc/self/status, in kB. */
export function statusKilobytes(field: 'VmRSS' | 'VmSize'): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(match?.[1]);
}
