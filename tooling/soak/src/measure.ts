// What the process holds, at a moment when the soak has let go of everything.
import { readdirSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { CodeArena, mappedFileTotals } from '@simple-jit/native-mem';

export interface Sample {
  /** Since the start. */
  readonly seconds: number;
  readonly rounds: number;
  /** Of the process, in bytes; on Linux without pages of files, which the system takes and brings back as it likes. */
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** Of the process-wide arena: bytes of code and blocks in use, import slots. */
  readonly codeBytes: number;
  readonly codeBlocks: number;
  readonly slots: number;
  readonly mappedFiles: number;
  /** Undefined where there is no /proc. */
  readonly mappings: number | undefined;
  readonly descriptors: number | undefined;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Waits for finalizers, so that what is garbage is not counted. */
export async function measure(start: number, rounds: number): Promise<Sample> {
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const memory = process.memoryUsage();
  const { blocks, used, slots } = CodeArena.default().stats();
  return {
    seconds: (performance.now() - start) / 1000,
    rounds,
    residentBytes: ofProcess(ownMemory) ?? memory.rss,
    heapBytes: memory.heapUsed,
    codeBytes: used,
    codeBlocks: blocks,
    slots,
    mappedFiles: mappedFileTotals().count,
    mappings: ofProcess(() => readFileSync('/proc/self/maps', 'latin1').split('\n').length - 1),
    // One is the descriptor that the folder itself is read through.
    descriptors: ofProcess(() => readdirSync('/proc/self/fd').length - 1),
  };
}

function ownMemory(): number {
  const status = readFileSync('/proc/self/status', 'latin1');
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)![1]);
  return (kilobytes('RssAnon') + kilobytes('RssShmem')) * 1024;
}

function ofProcess(read: () => number): number | undefined {
  return process.platform === 'linux' ? read() : undefined;
}

export function describe(sample: Sample): string {
  const mebi = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return [
    `${sample.seconds.toFixed(0).padStart(5)} s`,
    `${String(sample.rounds).padStart(8)} operations`,
    `resident ${mebi(sample.residentBytes)}`,
    `heap ${mebi(sample.heapBytes)}`,
    `code ${sample.codeBytes} bytes in ${sample.codeBlocks} blocks, ${sample.slots} slots`,
    `${sample.mappedFiles} files`,
    `${sample.mappings ?? '?'} mappings`,
    `${sample.descriptors ?? '?'} descriptors`,
  ].join(', ');
}
