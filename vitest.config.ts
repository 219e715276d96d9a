// One configuration for every package: each runs `vitest run --root . --config ../../vitest.config.ts`.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks', // native memory and signal handlers belong to a process
    sequence: { shuffle: true },
    testTimeout: 300_000, // for what hangs: a busy machine may be ten times as slow
    reporters: ['default', ['json', { outputFile: 'reports/tests.json' }]],
  },
});
