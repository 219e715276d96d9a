// Runs clang-tidy with the checks of .clang-tidy over the C++ sources; any warning is an error. The compilers' own
// warnings are errors in every build already. Needs clang-tidy (Debian: clang-tidy) and a build.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const database = join(root, 'build/compile_commands.json');
if (spawnSync('clang-tidy', ['--version']).status !== 0) {
  console.log('clang-tidy is not installed: skipped. Install it by `apt-get install clang-tidy`.');
  process.exit(0);
}
if (!existsSync(database)) {
  console.error('There is no build yet: run `pnpm build:native` first.');
  process.exit(1);
}
const files = JSON.parse(readFileSync(database, 'utf8'))
  .map(({ file }) => file)
  .filter((file) => file.endsWith('.cc') && file.startsWith(join(root, 'native')));
const result = spawnSync(
  'clang-tidy',
  ['--quiet', '-p', join(root, 'build'), '--extra-arg=-Wno-unknown-warning-option', ...files],
  { stdio: 'inherit', cwd: root },
);
process.exit(result.status ?? 1);
