// The machine blocks of a function in their order, with critical edges split.
import { type ConcreteFunction, type Edge, edgesOf } from '@simple-jit/template-ir';
import type { BlockOrder } from '../control-flow.js';
import { type MachineBlock, MachineInstruction, pseudos } from '../machine-ir.js';
import { NO_REG } from '../x64/registers.js';
import type { LoweringContext } from './context.js';

/** Makes the machine blocks, with one on each edge from a branch to a block with several predecessors or with parameters. */
export class BlockBuilder {
  private readonly indexes = new Map<number, number>();
  /** Split blocks by `block * 2 + edge`. */
  private readonly splits = new Map<number, number>();

  constructor(
    source: ConcreteFunction,
    layout: BlockOrder,
    private readonly context: LoweringContext,
  ) {
    const { order, loopDepth, loopHeader, outerHeader } = layout;
    const rank = new Array<number>(source.blocks.length).fill(0);
    const predecessorCount = new Array<number>(source.blocks.length).fill(0);
    for (let i = 0; i < order.length; i++) {
      rank[order[i]!] = i;
      for (const edge of edgesOf(source.blocks[order[i]!]!.terminator)) predecessorCount[edge.block]!++;
    }
    /** Splits of loop exits stand before their target, so that loops stay contiguous; the others after their source. */
    const before = new Map<number, number[]>();
    const after = new Map<number, number[]>();
    for (const block of order) {
      const edges = edgesOf(source.blocks[block]!.terminator);
      if (edges.length < 2) continue;
      edges.forEach(({ block: target }, edge) => {
        if (predecessorCount[target]! < 2 && edges[edge]!.args.length === 0) return;
        const leaves = loopDepth[target]! < loopDepth[block]! && rank[target]! > rank[block]!;
        const [map, key] = leaves ? [before, target] : [after, block];
        const list = map.get(key);
        if (list === undefined) map.set(key, [block * 2 + edge]);
        else list.push(block * 2 + edge);
      });
    }
    const add = (params: readonly number[], depth: number): number => {
      const index = context.machine.blocks.length;
      context.machine.blocks.push({
        index,
        instructions: [],
        params,
        successors: [],
        edgeArgs: [],
        predecessors: [],
        loopDepth: depth,
        loopHeader: -1,
        outerHeader: -1,
      });
      return index;
    };
    const depthOfSplit = (key: number): number => {
      const target = edgesOf(source.blocks[key >> 1]!.terminator)[key & 1]!.block;
      return Math.min(loopDepth[key >> 1]!, loopDepth[target]!);
    };
    for (const block of order) {
      for (const key of before.get(block) ?? []) this.splits.set(key, add([], depthOfSplit(key)));
      const params = block === 0 ? [] : source.blocks[block]!.params.map((param) => context.defineValue(param));
      this.indexes.set(block, add(params, loopDepth[block]!));
      for (const key of after.get(block) ?? []) this.splits.set(key, add([], depthOfSplit(key)));
    }
    for (const block of order) {
      const header = loopHeader[block]!;
      if (header >= 0) this.machineBlock(block).loopHeader = this.indexes.get(header)!;
      const outer = outerHeader[block]!;
      if (outer >= 0) this.machineBlock(block).outerHeader = this.indexes.get(outer)!;
    }
    for (const [key, index] of this.splits) {
      const target = edgesOf(source.blocks[key >> 1]!.terminator)[key & 1]!.block;
      const outer = loopDepth[target]! < loopDepth[key >> 1]! ? target : key >> 1;
      context.machine.blocks[index]!.loopHeader = this.machineBlock(outer).loopHeader;
    }
  }

  machineBlock(block: number): MachineBlock {
    return this.context.machine.blocks[this.indexes.get(block)!]!;
  }

  /** Ends `from` with a jump along `edge`. */
  jump(from: MachineBlock, edge: Edge): void {
    const jump = new MachineInstruction(pseudos.jump, NO_REG, NO_REG);
    jump.statement = this.context.statement;
    from.instructions.push(jump);
    from.successors.push(this.indexes.get(edge.block)!);
    from.edgeArgs = edge.args.map((arg) => this.context.useAnywhere(arg));
  }

  /** The block that a branch edge leads to: its split, or its target, which has no other predecessor. */
  branchTarget(source: number, edgeIndex: number, edge: Edge): number {
    const split = this.splits.get(source * 2 + edgeIndex);
    if (split === undefined) return this.indexes.get(edge.block)!;
    this.jump(this.context.machine.blocks[split]!, edge);
    return split;
  }
}
