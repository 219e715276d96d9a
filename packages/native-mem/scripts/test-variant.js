// Builds a variant of the addon beside the ordinary one and runs this package's tests with it:
//   node scripts/test-variant.js asan       AddressSanitizer and UndefinedBehaviorSanitizer; any report fails
//   node scripts/test-variant.js portable   as for a platform without guarded calls: files work, code is ERR_UNSUPPORTED
// Further arguments go to vitest. Works from a clean clone after `pnpm install` and `pnpm build`.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const [variant, ...vitestArguments] = process.argv.slice(2);

const variants = {
  asan: { options: ['--CDNATIVE_MEM_SANITIZE=address,undefined'], tests: [] },
  portable: { options: ['--CDNATIVE_MEM_PORTABLE=ON'], tests: ['test/portable'] },
};
const chosen = variants[variant];
if (chosen === undefined) {
  console.error(`Usage: node scripts/test-variant.js ${Object.keys(variants).join('|')} [vitest arguments]`);
  process.exit(2);
}

const out = join(root, `build-${variant}`);
const build = spawnSync(
  process.execPath,
  [require.resolve('cmake-js/bin/cmake-js'), 'build', '--out', out, ...chosen.options],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
if (build.status !== 0) process.exit(build.status ?? 1);

const reports = mkdtempSync(join(tmpdir(), `native-mem-${variant}-`));
const env = {
  ...process.env,
  SIMPLE_JIT_NATIVE_MEM: join(out, 'Release/native_mem.node'),
  SIMPLE_JIT_NATIVE_MEM_VARIANT: variant,
};
if (variant === 'asan') {
  // Node itself isn't instrumented, so the runtime must come first. Its leaks are not ours: test/leaks.test.ts looks for
  // ours. Signals that tests send must end processes as usual; the quarantine would look like a leak.
  env.LD_PRELOAD = ['libasan.so', 'libubsan.so']
    .map((name) => execFileSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim())
    .join(' ');
  env.ASAN_OPTIONS = `detect_leaks=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_segv=0:quarantine_size_mb=1:log_path=${reports}/asan`;
  env.UBSAN_OPTIONS = `print_stacktrace=1:log_path=${reports}/ubsan`;
}

const vitest = join(require.resolve('vitest/package.json'), '../vitest.mjs');
const tests = vitestArguments.length > 0 ? vitestArguments : chosen.tests;
const run = spawnSync(
  process.execPath,
  [vitest, 'run', '--root', '.', '--config', '../../vitest.config.ts', ...tests],
  {
    cwd: root,
    stdio: 'inherit',
    env,
  },
);
const found = readdirSync(reports).map((name) => readFileSync(join(reports, name), 'utf8'));
rmSync(reports, { recursive: true });
if (found.length > 0) {
  console.error(found.join('\n'));
  console.error(`${found.length} sanitizer reports`);
}
process.exit(run.status !== 0 ? (run.status ?? 1) : found.length > 0 ? 1 : 0);
