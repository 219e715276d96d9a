// Cycles among instantiations. One through an indirection (dep_kind inner_type, as in Option) has a finite layout and is
// a warning; any other is error E0420.
import { MOST_CYCLE_STEPS, MOST_CYCLES } from '../limits.js';
import type { NoteSdnMetadata } from './model.js';

export interface NoteCycle {
  /** In order; the first is the last again: `['A', 'B', 'A']`. */
  readonly cycle: readonly string[];
  /** As a note writes it: `A->B->A`. */
  readonly cyclePath: string;
  readonly severity: 'error' | 'warning';
  /** E0420 for an error. */
  readonly errorCode: 'E0420' | undefined;
}

type Edges = ReadonlyMap<string, ReadonlyMap<string, boolean>>;

/**
 * The cycles in a note's `dependencies`, errors first, each in the order of the table. Every group of instantiations that
 * depend on each other gives at least one; at most 1,000 of each severity are listed. Costs O(dependencies).
 *
 * @example
 * detectCycles(note).find((c) => c.severity === 'error')?.cyclePath // 'A$T->B$T->A$T'
 */
export function detectCycles(note: Pick<NoteSdnMetadata, 'dependencies'>): NoteCycle[] {
  const hard = edges(note, (kind) => kind !== 'inner_type');
  const all = edges(note, () => true);
  const errors = backEdgeCycles(hard).map((cycle) => describe(cycle, 'error'));
  const isSoft = (cycle: readonly string[]): boolean =>
    cycle.some((from, i) => i + 1 < cycle.length && all.get(from)?.get(cycle[i + 1] as string) === true);
  const warnings = backEdgeCycles(all).filter(isSoft);
  return [...errors, ...warnings.map((cycle) => describe(cycle, 'warning'))];
}

function describe(cycle: readonly string[], severity: 'error' | 'warning'): NoteCycle {
  return { cycle, cyclePath: cycle.join('->'), severity, errorCode: severity === 'error' ? 'E0420' : undefined };
}

/** from → to → whether every dependency between the two is an indirection. */
function edges(note: Pick<NoteSdnMetadata, 'dependencies'>, wanted: (kind: string) => boolean): Edges {
  const result = new Map<string, Map<string, boolean>>();
  for (const { fromInst, toInst, depKind } of note.dependencies) {
    if (!wanted(depKind)) continue;
    let targets = result.get(fromInst);
    if (targets === undefined) {
      targets = new Map();
      result.set(fromInst, targets);
    }
    const soft = depKind === 'inner_type';
    targets.set(toInst, (targets.get(toInst) ?? true) && soft);
  }
  return result;
}

/** Depth first, without recursion; each edge back to something on the path closes a cycle. */
function backEdgeCycles(graph: Edges): string[][] {
  const cycles: string[][] = [];
  let steps = 0;
  const done = new Set<string>();
  for (const root of graph.keys()) {
    if (done.has(root)) continue;
    const path: string[] = [root];
    const position = new Map([[root, 0]]);
    const pending = [targetsOf(graph, root)];
    while (path.length > 0) {
      const next = (pending.at(-1) as Iterator<string>).next();
      if (next.done === true) {
        const node = path.pop() as string;
        pending.pop();
        position.delete(node);
        done.add(node);
        continue;
      }
      const at = position.get(next.value);
      if (at !== undefined) {
        steps += path.length - at;
        if (cycles.length < MOST_CYCLES && (steps <= MOST_CYCLE_STEPS || cycles.length === 0)) {
          cycles.push([...path.slice(at), next.value]);
        }
      } else if (!done.has(next.value)) {
        position.set(next.value, path.length);
        path.push(next.value);
        pending.push(targetsOf(graph, next.value));
      }
    }
  }
  return cycles;
}

const targetsOf = (graph: Edges, node: string): Iterator<string> => (graph.get(node) ?? new Map()).keys();
