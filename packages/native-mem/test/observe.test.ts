// Names of native code in perf and gdb, by the tools themselves.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CodeArena, disablePerfMap, enablePerfMap } from '../src/index.js';
import { machineCode } from './machine-code.js';
import { runScript, scriptWith, temporaryFile, temporaryFolder } from './support.js';

// The tools and the sanitizers' runtime don't go together.
const ordinary = (process.env.SIMPLE_JIT_NATIVE_MEM_VARIANT ?? '') === '';
const has = (tool: string) => ordinary && spawnSync(tool, ['--version']).status === 0;

function scriptFile(body: string): string {
  const path = join(temporaryFolder(), 'script.mjs');
  writeFileSync(path, scriptWith(body));
  return path;
}

describe.skipIf(process.env.SIMPLE_JIT_NATIVE_MEM_VARIANT === 'portable')('the perf map', () => {
  test('lists blocks that exist and blocks to come', () => {
    using arena = new CodeArena({ reserve: 2 ** 20 });
    const path = join(temporaryFolder(), 'perf.map');
    const before = arena.allocate(machineCode('return42'), { name: 'fn$before' });
    enablePerfMap(path);
    const after = arena.allocate(machineCode('addI64'), { name: 'fn$after\nline' });
    const unnamed = arena.allocate(machineCode('nothing'));
    disablePerfMap();
    arena.allocate(machineCode('nothing'), { name: 'fn$late' });
    const lines = readFileSync(path, 'utf8').split('\n');
    const hex = (address: bigint) => address.toString(16);
    expect(lines).toContain(`${hex(before.address)} 8 fn$before`);
    expect(lines).toContain(`${hex(after.address)} 5 fn$after line`);
    expect(lines).toContain(`${hex(unnamed.address)} 1 code_0x${hex(unnamed.address)}`);
    expect(lines.join()).not.toContain('fn$late');
  });

  test('is not written through a symbolic link, nor where nothing can be', () => {
    const link = join(temporaryFolder(), 'link');
    symlinkSync(temporaryFile('precious'), link);
    expect(() => enablePerfMap(link)).toThrow(expect.objectContaining({ code: 'ELOOP', path: link }));
    expect(() => enablePerfMap('/nowhere/perf.map')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});

const LONG = `const spin = nm.bindFunction(install('spin', { name: 'fn$spin$i64' }).address, { params: ['i64:number'], result: 'i64' });`;

test.skipIf(!has('perf'))('perf script shows the name of native code', ({ skip }) => {
  const script = scriptFile(`console.log(process.pid);
    nm.enablePerfMap();
    ${LONG}
    spin(1e9);`);
  const data = join(temporaryFolder(), 'perf.data');
  const record = spawnSync('perf', ['record', '-q', '-e', 'cpu-clock', '-o', data, '--', process.execPath, script], {
    encoding: 'utf8',
  });
  onTestFinished(() => rmSync(`/tmp/perf-${record.stdout.trim()}.map`, { force: true }));
  skip(record.status !== 0, `perf can't record here: ${record.stderr.trim().split('\n')[0]}`);
  const { stdout } = spawnSync('perf', ['script', '-i', data, '-F', 'pid,ip,sym'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  expect(stdout).toContain('fn$spin$i64');
});

test.skipIf(!has('gdb'))('gdb shows the name of native code in a backtrace, and forgets freed code', ({ skip }) => {
  const body = (enable: string) => `${enable}
    const outer = nm.CodeArena.default();
    outer.allocate(machineCode('ud2'), { name: 'fn$closed' }).close();
    install('ud2', { name: 'fn$other' });
    const trap = install('ud2', { name: 'fn$trap$i64' });
    console.log('at 0x' + trap.address.toString(16));
    nm.bindFunction(trap.address, { params: [], result: 'void' })();`;
  const backtrace = (enable: string) =>
    spawnSync(
      'gdb',
      [
        '-nx',
        '-batch',
        '-ex',
        'set debuginfod enabled off',
        '-ex',
        'handle SIGUSR1 noprint',
        '-ex',
        'run',
        '-ex',
        'bt 4',
        '-ex',
        'info functions fn\\$',
        '-ex',
        'kill',
        '--args',
        process.execPath,
        scriptFile(body(enable)),
      ],
      { encoding: 'utf8', timeout: 60_000 },
    );
  const shown = backtrace('nm.enableGdbInterface();');
  skip(/ptrace: Operation not permitted/.test(shown.stderr), "gdb can't trace processes here");
  expect(shown.stdout).toMatch(/SIGILL/);
  expect(shown.stdout).toMatch(/^#0 .*fn\$trap\$i64/m);
  expect(shown.stdout).toMatch(/^#1 .*native_mem/m);
  expect(shown.stdout).toMatch(/fn\$other/);
  expect(shown.stdout).not.toMatch(/fn\$closed/);
  expect(backtrace('').stdout).not.toMatch(/^#0 .*fn\$trap/m);
});

test('the gdb interface can be switched on and off at any time', () => {
  const { stdout, stderr } = runScript(`
    const a = install('return42');
    nm.enableGdbInterface();
    const b = install('return42');
    a.close();
    nm.disableGdbInterface();
    nm.enableGdbInterface();
    const arena = new nm.CodeArena({ reserve: 2 ** 20 });
    arena.allocate(machineCode('nothing'));
    arena.close();
    b.close();
    nm.disableGdbInterface();
    console.log('done');`);
  expect([stdout, stderr]).toEqual(['done\n', '']);
});
