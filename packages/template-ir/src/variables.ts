// Variables of a function under construction, in SSA form at once: Braun, Buchwald, Hack, Leißa, Mallon, Zwinkau, "Simple
// and Efficient Construction of Static Single Assignment Form" (Compiler Construction 2013). Their phi functions are block
// parameters here. Without recursion, so that the number of blocks does not matter.
import type { Value } from './ir.js';

declare const variableBrand: unique symbol;

/** A variable of a function under construction: an index into those that it has. */
export type Variable = number & { readonly [variableBrand]: true };

/** An edge between blocks, and what it passes for the parameters that variables have made. */
export interface VariableEdge {
  readonly from: number;
  readonly args: Map<Value, Value>;
}

interface BlockState {
  sealed: boolean;
  readonly edges: VariableEdge[];
  /** The value of each variable at the end of the block, as far as it is known. */
  readonly values: Map<Variable, Value>;
  /** The parameters that variables have made, in order. */
  readonly params: Map<Value, Variable>;
}

/** What the algorithm needs of the function. */
export interface VariableHost {
  /** A new value, for a parameter of a block. */
  newParam(variable: Variable): Value;
  /** For a variable that is read in `block`, where no path has written it. Does not return. */
  unwritten(variable: Variable, block: number): never;
}

export class Variables {
  readonly #host: VariableHost;
  readonly #blocks: BlockState[] = [];
  /** What stands for a parameter that turned out to be needless. */
  readonly #replaced = new Map<Value, Value>();
  /** For each parameter: those that get it as an argument, and may become needless with it. */
  readonly #users = new Map<Value, { readonly param: Value; readonly block: number }[]>();
  /** Parameters whose arguments are still to be read. */
  readonly #unfilled: { readonly param: Value; readonly block: number }[] = [];

  constructor(host: VariableHost) {
    this.#host = host;
  }

  addBlock(sealed: boolean): void {
    this.#blocks.push({ sealed, edges: [], values: new Map(), params: new Map() });
  }

  isSealed(block: number): boolean {
    return this.#blocks[block]!.sealed;
  }

  addEdge(from: number, to: number): VariableEdge {
    const edge = { from, args: new Map<Value, Value>() };
    this.#blocks[to]!.edges.push(edge);
    return edge;
  }

  write(variable: Variable, block: number, value: Value): void {
    this.#blocks[block]!.values.set(variable, value);
  }

  /** The value that the variable has at the end of the block, as it is now. */
  read(variable: Variable, block: number): Value {
    const value = this.#lookUp(variable, block);
    this.#fill();
    return this.resolve(value);
  }

  /** No edge to the block will follow: what was left open in it is settled. */
  seal(block: number): void {
    const state = this.#blocks[block]!;
    if (state.sealed) return;
    state.sealed = true;
    for (const param of state.params.keys()) this.#unfilled.push({ param, block });
    this.#fill();
  }

  /** The value itself, or what stands for it. */
  resolve(value: Value): Value {
    let found = value;
    for (let next = this.#replaced.get(found); next !== undefined; next = this.#replaced.get(found)) found = next;
    if (found !== value) this.#replaced.set(value, found);
    return found;
  }

  isReplaced(value: Value): boolean {
    return this.#replaced.has(value);
  }

  /** The parameters that variables have made in the block and that are needed. */
  paramsOf(block: number): readonly Value[] {
    return [...this.#blocks[block]!.params.keys()];
  }

  /** Goes up as long as there is one way only; makes a parameter where several meet. */
  #lookUp(variable: Variable, start: number): Value {
    const passed: number[] = [];
    const seen = new Set<number>();
    let block = start;
    let value: Value | undefined;
    for (;;) {
      const { values, sealed, edges } = this.#blocks[block]!;
      value = values.get(variable);
      if (value !== undefined) break;
      if (!sealed || edges.length > 1) {
        value = this.#addParam(variable, block);
        if (sealed) this.#unfilled.push({ param: value, block });
        break;
      }
      if (edges.length === 0 || seen.has(block)) return this.#host.unwritten(variable, start);
      seen.add(block);
      passed.push(block);
      block = edges[0]!.from;
    }
    for (const b of passed) this.#blocks[b]!.values.set(variable, value);
    return value;
  }

  #addParam(variable: Variable, block: number): Value {
    const param = this.#host.newParam(variable);
    const state = this.#blocks[block]!;
    state.params.set(param, variable);
    state.values.set(variable, param);
    return param;
  }

  /** Reads the arguments of all parameters that wait for theirs, and then drops those that are needless. */
  #fill(): void {
    const filled: { readonly param: Value; readonly block: number }[] = [];
    for (let next = this.#unfilled.pop(); next !== undefined; next = this.#unfilled.pop()) {
      const { param, block } = next;
      const { edges, params } = this.#blocks[block]!;
      const variable = params.get(param)!;
      if (edges.length === 0) this.#host.unwritten(variable, block);
      for (const edge of edges) {
        const arg = this.#lookUp(variable, edge.from);
        edge.args.set(param, arg);
        this.#addUser(this.resolve(arg), next);
      }
      filled.push(next);
    }
    const work = filled;
    for (let next = work.pop(); next !== undefined; next = work.pop()) {
      if (!this.#dropIfTrivial(next.param, next.block)) continue;
      for (const user of this.#users.get(next.param) ?? []) work.push(user);
    }
  }

  #addUser(value: Value, user: { readonly param: Value; readonly block: number }): void {
    const users = this.#users.get(value);
    if (users === undefined) this.#users.set(value, [user]);
    else users.push(user);
  }

  /** Drops a parameter that gets only itself and one other value: that value can stand for it. */
  #dropIfTrivial(param: Value, block: number): boolean {
    const { edges, params } = this.#blocks[block]!;
    const variable = params.get(param);
    if (variable === undefined) return false; // dropped before
    let same: Value | undefined;
    for (const { args } of edges) {
      const arg = args.get(param);
      if (arg === undefined) return false; // its turn is yet to come
      const value = this.resolve(arg);
      if (value === param || value === same) continue;
      if (same !== undefined) return false;
      same = value;
    }
    if (same === undefined) return this.#host.unwritten(variable, block);
    params.delete(param);
    for (const { args } of edges) args.delete(param);
    this.#replaced.set(param, same);
    for (const user of this.#users.get(param) ?? []) this.#addUser(same, user);
    return true;
  }
}
