// The tarball as npm makes it, installed into an empty project without scripts, compilers or a network.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readmeExamples } from './readme.js';
import { packageRoot, temporaryFolder } from './support.js';

const ordinary = (process.env.SIMPLE_JIT_NATIVE_MEM_VARIANT ?? '') === '';

test.skipIf(!ordinary)('the packed tarball works in an empty project', () => {
  const folder = temporaryFolder();
  const npm = (args: string[], cwd: string) =>
    execFileSync(
      'npm',
      [...args, '--cache', join(folder, 'cache'), '--no-audit', '--no-fund', '--no-update-notifier'],
      {
        cwd,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
  const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', folder], packageRoot)) as [
    { filename: string; files: { path: string }[] },
  ];
  const paths = packed.files.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining([
      'package.json',
      'README.md',
      'LICENSE',
      'dist/index.js',
      'dist/index.d.ts',
      'CMakeLists.txt',
      'native/addon.cc',
      'prebuilds/linux-x64/native_mem.node',
    ]),
  );
  expect(paths.filter((path) => /test|build\/|\.tgz|scripts/.test(path))).toEqual([]);

  const project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  npm(['install', '--ignore-scripts', '--offline', join(folder, packed.filename)], project);
  const installed = join(project, 'node_modules/@simple-jit/native-mem');
  expect(readdirSync(join(project, 'node_modules/@simple-jit'))).toEqual(['native-mem']);
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  expect(manifest.dependencies ?? {}).toEqual({});
  for (const script of ['preinstall', 'install', 'postinstall']) expect(manifest.scripts).not.toHaveProperty(script);

  const [example] = readmeExamples();
  writeFileSync(join(project, 'example.js'), example!.source);
  const run = () => spawnSync(process.execPath, ['example.js'], { cwd: project, encoding: 'utf8' });
  expect(run()).toMatchObject({ status: 0, stdout: example!.expected });

  rmSync(join(installed, 'prebuilds'), { recursive: true });
  const failed = run();
  expect(failed.status).toBe(1);
  expect(failed.stderr).toMatch(/ERR_ADDON_NOT_FOUND|has no addon for linux-x64/);
  expect(failed.stderr).toContain('npx cmake-js build');
});
