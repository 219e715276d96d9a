// What the demo prints, and the checks that decide its exit code.
import pc from 'picocolors';

let failures = 0;

/** A numbered headline. */
export function step(number: number, title: string): void {
  console.log(`\n${pc.bold(pc.cyan(`${number}  ${title}`))}`);
}

/** A line that explains. */
export function say(line: string): void {
  console.log(`   ${line}`);
}

/** A line of detail. */
export function detail(line: string): void {
  console.log(pc.dim(`     ${line}`));
}

/** A line with a verdict; a false one makes the demo fail. */
export function check(line: string, holds: boolean): void {
  if (!holds) failures += 1;
  console.log(`   ${holds ? pc.green('✓') : pc.red('✗')} ${line}`);
}

/** The last line and the exit code. */
export function finish(): void {
  if (failures === 0) console.log(`\n${pc.green('All of it worked.')} Next: README.md, docs/architecture.md\n`);
  else console.log(`\n${pc.red(`${failures} check(s) failed.`)}\n`);
  process.exitCode = failures === 0 ? 0 : 1;
}

/** `1.23 ms`, `45.6 µs`. */
export function duration(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toPrecision(3)} s`;
  return milliseconds >= 1 ? `${milliseconds.toPrecision(3)} ms` : `${(milliseconds * 1000).toPrecision(3)} µs`;
}

/** Milliseconds that `action` takes, with its result. */
export function timed<T>(action: () => T): { readonly value: T; readonly ms: number } {
  const start = process.hrtime.bigint();
  const value = action();
  return { value, ms: Number(process.hrtime.bigint() - start) / 1e6 };
}

/** The median of several runs of `action`, in milliseconds. */
export function medianTime(runs: number, action: () => unknown): number {
  const times = Array.from({ length: runs }, () => timed(action).ms).sort((a, b) => a - b);
  return times[runs >> 1]!;
}
