// Work that may have to wait for another process. It is a generator that yields where it cannot go on yet; whoever runs it
// decides how to wait: by blocking the thread, or by letting the event loop turn.

/** Each yield means: a little later, again. */
export type Waiting<T> = Generator<void, T>;

const RETRY_MS = 20;

/** Work that never waits. */
// biome-ignore lint/correctness/useYield: that is the point
export function* atOnce<T>(action: () => T): Waiting<T> {
  return action();
}

/** Blocks this thread while it waits. */
export function blocking<T>(work: Waiting<T>): T {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    Atomics.wait(never, 0, 0, RETRY_MS);
  }
}

/** Lets the event loop turn while it waits. @param keepAlive whether the process may not end meanwhile */
export async function turning<T>(work: Waiting<T>, keepAlive: boolean): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS);
      if (!keepAlive) timer.unref();
    });
  }
}
