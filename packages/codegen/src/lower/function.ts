// Lowers one function: blocks in their final order with critical edges split, each IR instruction to machine instructions.
import {
  type BinaryOp,
  type Callee,
  type ConcreteFunction,
  type Edge,
  type Instruction,
  mangle,
  type Signature,
  type Terminator,
  type Value,
} from '@simple-jit/template-ir';
import { type BlockOrder, orderBlocks } from '../control-flow.js';
import { type CallTarget, type MachineBlock, MachineFunction, MachineInstruction, pseudos } from '../machine-ir.js';
import type { Assembler } from '../x64/assembler.js';
import { CC_NE, NO_REG, RESULT_REGISTER, VECTOR, VECTOR_RESULT_REGISTER } from '../x64/registers.js';
import { x64 } from '../x64/table.js';
import { assignArguments } from './arguments.js';
import { lowerComparison, lowerCondition, lowerSelect } from './compare.js';
import { LoweringContext } from './context.js';
import { lowerConvert } from './convert.js';
import { lowerFloatBinary, lowerFloatUnary } from './floats.js';
import { lowerIntegerBinary, lowerIntegerUnary } from './integers.js';
import { type Comparison, Uses } from './uses.js';

/** Finds what a call goes to, checking the signature that it relies on. */
export type ResolveCall = (
  symbol: string,
  callee: Callee,
  signature: Signature,
) => { readonly local: number; readonly imported: number };

export function lowerFunction(
  source: ConcreteFunction,
  assembler: Assembler,
  resolveCall: ResolveCall,
): MachineFunction {
  const successors = source.blocks.map((block) => edgesOf(block.terminator).map((edge) => edge.block));
  const layout = orderBlocks(successors);
  const machine = new MachineFunction(source.symbol);
  const context = new LoweringContext(source, machine, new Uses(source, layout.order), assembler);
  const blocks = new BlockBuilder(source, layout, context);
  for (const index of layout.order) {
    const { instructions, terminator } = source.blocks[index]!;
    context.block = blocks.machineBlock(index);
    if (index === 0) receiveParameters(context);
    for (const instruction of instructions) {
      if (context.uses.isNeeded(instruction)) lowerInstruction(context, instruction, resolveCall);
    }
    lowerTerminator(context, terminator, blocks, index);
  }
  for (const block of machine.blocks) {
    for (const next of block.successors) machine.blocks[next]!.predecessors.push(block.index);
  }
  return machine;
}

function edgesOf(terminator: Terminator): readonly Edge[] {
  if (terminator.op === 'jump') return [terminator.target];
  return terminator.op === 'branch' ? [terminator.then, terminator.else] : [];
}

/** Makes the machine blocks, with one on each edge from a branch to a block with several predecessors or with parameters. */
class BlockBuilder {
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
    from.instructions.push(newJump());
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

function newJump(): MachineInstruction {
  return new MachineInstruction(pseudos.jump, NO_REG, NO_REG);
}

/** The caller's arguments become the entry block's parameters. Bits above an argument's width are not trusted. */
function receiveParameters(context: LoweringContext): void {
  const params = context.source.blocks[0]!.params;
  const { places } = assignArguments(params.map((param) => context.typeOf(param).cls));
  params.forEach((param, i) => {
    if (places[i]! >= 0 && context.uses.isUsed(param)) context.copy(context.defineValue(param), places[i]!);
  });
  params.forEach((param, i) => {
    if (places[i]! >= 0 || !context.uses.isUsed(param)) return;
    context.emitImmediate(pseudos.stackArgument, context.defineValue(param), NO_REG, ~places[i]!);
  });
}

function lowerTerminator(context: LoweringContext, terminator: Terminator, blocks: BlockBuilder, index: number): void {
  const { block } = context;
  switch (terminator.op) {
    case 'jump':
      blocks.jump(block, terminator.target);
      return;
    case 'branch': {
      const condition = lowerCondition(context, terminator.condition);
      context.emit(pseudos.branch, NO_REG, NO_REG).condition = condition;
      block.successors.push(blocks.branchTarget(index, 0, terminator.then));
      block.successors.push(blocks.branchTarget(index, 1, terminator.else));
      return;
    }
    case 'return':
      context.emit(pseudos.return, NO_REG, NO_REG).args =
        terminator.value === undefined ? [] : [context.useAnywhere(terminator.value)];
      return;
    case 'unreachable':
      context.emit(pseudos.unreachable, NO_REG, NO_REG);
  }
}

function lowerInstruction(context: LoweringContext, instruction: Instruction, resolveCall: ResolveCall): void {
  switch (instruction.op) {
    case 'const':
      context.defineConstant(instruction.result, instruction.value);
      return;
    case 'sizeof':
      context.defineConstant(instruction.result, BigInt(context.sizeOf(instruction.type)));
      return;
    case 'neg':
    case 'not':
    case 'sqrt':
      if (context.typeOf(instruction.arg).cls === VECTOR) {
        lowerFloatUnary(context, instruction.op, instruction.result, instruction.arg);
        return;
      }
      lowerIntegerUnary(context, instruction.op, instruction.result, instruction.arg);
      return;
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge': {
      const comparison = instruction as Comparison;
      if (context.uses.fusedComparison(comparison.result) === undefined) lowerComparison(context, comparison);
      return;
    }
    case 'select':
      lowerSelect(context, instruction.result, instruction.condition, instruction.left, instruction.right);
      return;
    case 'convert':
      lowerConvert(context, instruction.result, instruction.arg);
      return;
    case 'load':
      lowerLoad(context, instruction.result, instruction.address);
      return;
    case 'store':
      lowerStore(context, instruction.address, instruction.value);
      return;
    case 'elem': {
      if (context.uses.foldedElem(instruction.result) !== undefined) return;
      const memory = context.elementAddress(instruction);
      context.emitMemory(x64.lea64, context.defineValue(instruction.result), memory);
      return;
    }
    case 'call':
      lowerCall(context, instruction, resolveCall);
      return;
    default: {
      const { op, result, left, right } = instruction as Instruction & { op: BinaryOp };
      if (context.typeOf(left).cls === VECTOR) {
        lowerFloatBinary(context, op, result, left, right);
        return;
      }
      lowerIntegerBinary(context, op, result, left, right);
    }
  }
}

function lowerLoad(context: LoweringContext, result: Value, address: Value): void {
  const type = context.typeOf(result);
  const memory = context.address(address);
  const register = context.defineValue(result);
  if (type.bool) {
    context.emitMemory(x64.cmpMemory8i, NO_REG, memory); // any byte but 0 is true
    context.emit(x64.set[CC_NE]!, NO_REG, register);
  } else if (type.cls === VECTOR) {
    context.emitMemory(type.bits === 64 ? x64.load.f64 : x64.load.f32, register, memory);
  } else {
    const row =
      type.bits === 64 ? x64.mov64 : type.bits === 32 ? x64.mov32 : type.bits === 16 ? x64.movzx16 : x64.movzx8;
    context.emitMemory(row, register, memory);
  }
}

function lowerStore(context: LoweringContext, address: Value, value: Value): void {
  const type = context.typeOf(value);
  const memory = context.address(address);
  if (type.cls === VECTOR) {
    context.emitMemory(type.bits === 64 ? x64.store.f64 : x64.store.f32, context.use(value), memory);
    return;
  }
  const { bits } = type;
  const immediate = context.immediateOf(value);
  if (immediate !== undefined) {
    const row = bits === 64 ? x64.store64i : bits === 32 ? x64.store32i : bits === 16 ? x64.store16i : x64.store8i;
    context.emitMemory(row, NO_REG, memory).immediate = immediate;
    return;
  }
  const row = bits === 64 ? x64.store64 : bits === 32 ? x64.store32 : bits === 16 ? x64.store16 : x64.store8;
  context.emitMemory(row, context.use(value), memory);
}

function lowerCall(context: LoweringContext, call: Instruction & { op: 'call' }, resolveCall: ResolveCall): void {
  const { source, machine } = context;
  const symbol = mangle(call.callee.template, call.callee.typeArgs);
  const signature: Signature = {
    params: call.args.map((arg) => source.valueTypes[arg]!),
    result: call.result === undefined ? undefined : source.valueTypes[call.result]!,
  };
  const argClasses = call.args.map((arg) => context.typeOf(arg).cls);
  const args = call.args.map((arg) => context.useAnywhere(arg));
  const { stackArguments } = assignArguments(argClasses);
  machine.outgoingBytes = Math.max(machine.outgoingBytes, stackArguments * 8);
  machine.hasCalls = true;
  const instruction = context.emit(pseudos.call, NO_REG, NO_REG);
  instruction.args = args;
  const target: CallTarget = { symbol, ...resolveCall(symbol, call.callee, signature), argClasses };
  instruction.call = target;
  if (call.result === undefined) return;
  const from = context.typeOf(call.result).cls === VECTOR ? VECTOR_RESULT_REGISTER : RESULT_REGISTER;
  context.copy(context.defineValue(call.result), from);
}
