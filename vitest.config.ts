// One configuration for every package: each runs `vitest run --root . --config ../../vitest.config.ts`.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks', // native memory and signal handlers belong to a process
    sequence: { shuffle: true },
    testTimeout: 60_000,
    reporters: ['default', ['json', { outputFile: 'reports/tests.json' }]],
  },
});
