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

/** In milliseconds: what takes longer hangs. A million cycles on a slow and busy machine do not. */
export const HANGS = 900_000;

export interface ScriptOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The end of the main thread's stack, whatever limit the tests themselves run under. */
  readonly stackKilobytes?: number;
}

/** Runs a script in a process of its own. */
export function runScript(body: string, { args = [], env = {}, stackKilobytes }: ScriptOptions = {}) {
  const file = join(temporaryFolder(), 'script.mjs');
  writeFileSync(file, scriptWith(body));
  const node = [process.execPath, '--expose-gc', ...args, file];
  const limited = ['sh', '-c', `ulimit -S -s ${stackKilobytes} && exec "$@"`, 'sh', ...node];
  const [command, ...rest] = stackKilobytes === undefined ? node : limited;
  const result = spawnSync(command!, rest, { encoding: 'utf8', env: { ...process.env, ...env }, timeout: HANGS });
  return { status: result.status, signal: result.signal, stdout: result.stdout, stderr: result.stderr };
}

export const packageRoot = fileURLToPath(new URL('..', import.meta.url));

/** Arguments for Node with which V8's own heap stays small, whatever else the machine does. */
export const SMALL_HEAP = ['--max-semi-space-size=1', '--single-threaded-gc'] as const;

/**
 * For scripts: `ownMemory()` is what the process holds for itself, in bytes. Pages of mapped files are the system's to take
 * and to bring back: they say nothing of a leak (what stays mapped is counted as mappings).
 */
export const OWN_MEMORY = `
  import { readFileSync as readStatus } from 'node:fs';
  const ownMemory = () => {
    const status = readStatus('/proc/self/status', 'utf8');
    return ['RssAnon', 'RssShmem'].reduce((sum, name) => sum + 1024 * new RegExp(name + ':\\\\s+(\\\\d+)').exec(status)[1], 0);
  };`;
