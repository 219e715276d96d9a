// Turbo, without its telemetry. `node turbo.js run build …` or `runTurbo([...])`.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * @param {readonly string[]} args
 * @param {Record<string, string>} env in addition to this process's
 * @returns {number} its exit code; 1 if a signal ended it
 */
export function runTurbo(args, env = {}) {
  const turbo = spawnSync('turbo', args, {
    cwd: ROOT,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', ...env },
    stdio: 'inherit',
  });
  if (turbo.error) throw turbo.error;
  return turbo.status ?? 1;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = runTurbo(process.argv.slice(2));
}
