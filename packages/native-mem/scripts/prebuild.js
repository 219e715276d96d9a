// Puts the addon of this machine's platform where the tarball carries it: prebuilds/<platform>/native_mem.node. Runs
// before `npm pack`; builds the addon when there is none yet.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = join(root, 'build/Release/native_mem.node');
if (!existsSync(built)) {
  const cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  execFileSync(process.execPath, [cmakeJs, 'build'], { cwd: root, stdio: 'inherit' });
}
// As `platformName` in src/loader.ts, of which dist has no file of its own.
const musl = process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined;
const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}${musl ? '-musl' : ''}`);
mkdirSync(folder, { recursive: true });
const target = join(folder, 'native_mem.node');
// Whoever packs or loads it at the same time never sees half of it.
const temporary = `${target}.${process.pid}`;
copyFileSync(built, temporary);
spawnSync('strip', [temporary]); // smaller where the tool is there
renameSync(temporary, target);
console.error(`${target}: ${statSync(target).size} bytes`);
