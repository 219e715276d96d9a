// The other process: resolves one symbol of a library and reports what that took. `node fresh-process.js <library> <symbol>`.
// It runs twice: before anything was written back (it must compile) and after (it must not).
import { execFileSync } from 'node:child_process';
import { argv, hrtime } from 'node:process';
import { fileURLToPath } from 'node:url';
import { JitSymbolResolver } from '@simple-jit/symbol-resolver';

export interface FreshReport {
  readonly compileCount: number;
  readonly persisted: number;
  /** sum([1, 2, 3, 4]) */
  readonly result: unknown;
  /** From nothing loaded to the first result. */
  readonly firstResultMs: number;
}

/** Runs this file in a new process. */
export function inFreshProcess(library: string, symbol: string): FreshReport {
  return JSON.parse(
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), library, symbol], { encoding: 'utf8' }),
  );
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const [, , library, symbol] = argv;
  const start = hrtime.bigint();
  using resolver = new JitSymbolResolver({ updateSmf: false });
  resolver.loadSmf(library!);
  const sum = resolver.resolveFunction(symbol!);
  const result = sum(new Float64Array([1, 2, 3, 4]), 4n);
  const firstResultMs = Number(hrtime.bigint() - start) / 1e6;
  const { compileCount, persisted } = resolver.jit.stats();
  console.log(JSON.stringify({ compileCount, persisted, result, firstResultMs } satisfies FreshReport));
}
