// The call graph against a walk from all roots over everything that there is.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CallGraph, type Slot } from './call-graph.js';

interface Code {
  readonly id: number;
  readonly symbol: string;
  readonly signature: string;
  readonly calls: readonly string[];
}

const SYMBOLS = ['a', 'b', 'c', 'd', 'e'];
const SIGNATURES = ['()', '(i64)'];
const key = (symbol: string, signature: string): string => `${symbol} ${signature}`;

/** The books as simply as they can be kept, and the walk. */
class Model {
  readonly codes = new Set<Code>();
  readonly roots = new Set<Code>();
  readonly slots = new Map<string, Code | undefined>();

  collect(): void {
    const reached = new Set(this.roots);
    const slots = new Set<string>();
    for (const code of reached) {
      for (const call of code.calls) {
        slots.add(call);
        const target = this.slots.get(call);
        if (target !== undefined) reached.add(target);
      }
    }
    for (const code of [...this.codes]) if (!reached.has(code)) this.codes.delete(code);
    for (const slot of [...this.slots.keys()]) if (!slots.has(slot)) this.slots.delete(slot);
  }
}

type Operation =
  | {
      readonly op: 'install';
      readonly plan: readonly { symbol: number; signature: number; calls: readonly number[] }[];
    }
  | { readonly op: 'release' | 'entry' | 'closeEntry'; readonly symbol: number; readonly signature: number };

const symbol = fc.nat(SYMBOLS.length - 1);
const signature = fc.nat(SIGNATURES.length - 1);
const operations: fc.Arbitrary<readonly Operation[]> = fc.array(
  fc.oneof(
    fc.record({
      op: fc.constant('install' as const),
      plan: fc.uniqueArray(
        fc.record({
          symbol,
          signature,
          calls: fc.array(fc.nat(SYMBOLS.length * SIGNATURES.length - 1), { maxLength: 4 }),
        }),
        { selector: (planned) => planned.symbol, minLength: 1, maxLength: 4 },
      ),
    }),
    fc.record({ op: fc.constantFrom('release' as const, 'entry' as const, 'closeEntry' as const), symbol, signature }),
  ),
  { minLength: 1, maxLength: 60 },
);

test('closes exactly what a walk from the roots does not reach, slots included', () => {
  fc.assert(
    fc.property(operations, (sequence) => {
      const open = new Set<Code>();
      const pointers = new Map<string, Code | undefined>();
      const graph = new CallGraph<Code, string>({
        redirect: (pointer, code) => {
          expect(pointers.has(pointer)).toBe(true);
          pointers.set(pointer, code);
        },
        closeCode: (code) => expect(open.delete(code)).toBe(true),
        closePointer: (pointer) => expect(pointers.delete(pointer)).toBe(true),
      });
      const model = new Model();
      const published = new Map<string, Code>();
      const entries = new Map<string, Code>();
      let nextId = 0;

      const slotFor = (at: string, target: Code | undefined): Slot<Code, string> => {
        const [name, args] = at.split(' ') as [string, string];
        const known = graph.slot(name, args);
        if (known !== undefined) return known;
        pointers.set(at, target);
        model.slots.set(at, target);
        return graph.addSlot(name, args, at, target);
      };
      const add = (code: Code, slots: readonly Slot<Code, string>[]): void => {
        open.add(code);
        model.codes.add(code);
        model.roots.add(code);
        graph.add(code, slots);
      };
      const present = (at: string): Code | undefined => {
        const code = published.get(at.split(' ')[0]!);
        return code !== undefined && key(code.symbol, code.signature) === at ? code : undefined;
      };

      const steps = {
        install(operation: Extract<Operation, { op: 'install' }>) {
          const fresh = operation.plan.map(
            (planned): Code => ({
              id: nextId++,
              symbol: SYMBOLS[planned.symbol]!,
              signature: SIGNATURES[planned.signature]!,
              calls: [
                ...new Set(
                  planned.calls.map((i) =>
                    key(SYMBOLS[i % SYMBOLS.length]!, SIGNATURES[Math.floor(i / SYMBOLS.length)]!),
                  ),
                ),
              ],
            }),
          );
          for (const { symbol: name } of fresh) {
            const old = published.get(name);
            if (old !== undefined) release(old);
          }
          const slots = fresh.map(({ calls }) => calls.map((at) => slotFor(at, present(at))));
          for (const [i, code] of fresh.entries()) add(code, slots[i]!);
          for (const code of fresh) {
            published.set(code.symbol, code);
            const slot = graph.slot(code.symbol, code.signature);
            if (slot === undefined) continue;
            graph.redirect(slot, code);
            model.slots.set(key(code.symbol, code.signature), code);
          }
        },
        release({ symbol: i }: { symbol: number }) {
          const code = published.get(SYMBOLS[i]!);
          if (code !== undefined) release(code);
        },
        entry(at: { symbol: number; signature: number }) {
          const name = key(SYMBOLS[at.symbol]!, SIGNATURES[at.signature]!);
          const target = present(name);
          if (target === undefined || entries.has(name)) return;
          const entry: Code = { id: nextId++, symbol: `entry of ${name}`, signature: '', calls: [name] };
          add(entry, [slotFor(name, target)]);
          entries.set(name, entry);
        },
        closeEntry(at: { symbol: number; signature: number }) {
          const name = key(SYMBOLS[at.symbol]!, SIGNATURES[at.signature]!);
          const entry = entries.get(name);
          if (entry === undefined) return;
          entries.delete(name);
          model.roots.delete(entry);
          graph.release(entry);
        },
      };
      function release(code: Code): void {
        published.delete(code.symbol);
        model.roots.delete(code);
        graph.release(code);
      }

      for (const operation of sequence) {
        if (operation.op === 'install') steps.install(operation);
        else steps[operation.op](operation);
        graph.collect();
        model.collect();
        expect(new Set([...open].map(({ id }) => id))).toEqual(new Set([...model.codes].map(({ id }) => id)));
        expect(new Map([...pointers].map(([at, code]) => [at, code?.id]))).toEqual(
          new Map([...model.slots].map(([at, code]) => [at, code?.id])),
        );
        for (const name of SYMBOLS) {
          expect(graph.isCalled(name)).toBe(SIGNATURES.some((args) => model.slots.has(key(name, args))));
        }
      }
      graph.close();
      expect([open.size, pointers.size]).toEqual([0, 0]);
    }),
    { numRuns: 400 },
  );
});

test('a change looks at what it affects, not at what is installed', () => {
  let closed = 0;
  const graph = new CallGraph<{ readonly name: string }, undefined>({
    redirect: () => {},
    closeCode: () => closed++,
    closePointer: () => {},
  });
  // Each code's set of callers tells when it is walked.
  const hub = { name: 'hub' };
  graph.add(hub, []);
  const slot = graph.addSlot('hub', '()', undefined, hub);
  for (let i = 0; i < 10_000; i++) graph.add({ name: `user ${i}` }, [slot]);
  let looked = 0;
  const { callers } = slot as unknown as { callers: Set<unknown> };
  const walk = callers[Symbol.iterator].bind(callers);
  Object.defineProperty(callers, Symbol.iterator, {
    value: function* () {
      for (const caller of { [Symbol.iterator]: walk }) {
        looked += 1;
        yield caller;
      }
    },
  });
  graph.release(hub);
  graph.collect();
  expect([looked, closed]).toEqual([1, 0]);
  const lonely = { name: 'lonely' };
  graph.add(lonely, [slot]);
  graph.release(lonely);
  graph.collect();
  expect([looked, closed]).toEqual([2, 1]);
});
