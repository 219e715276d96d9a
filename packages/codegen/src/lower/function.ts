// Lowers one function: each IR instruction to machine instructions, in blocks that `blocks.ts` makes.
import {
  type BinaryOp,
  type BlockLines,
  type ConcreteFunction,
  edgesOf,
  type Instruction,
  type Terminator,
  type UnaryOp,
  type Value,
} from '@simple-jit/template-ir';
import { orderBlocks } from '../control-flow.js';
import type { CpuFeatures } from '../cpu-features.js';
import { MachineFunction, pseudos } from '../machine-ir.js';
import type { Assembler } from '../x64/assembler.js';
import { NO_REG, VECTOR } from '../x64/registers.js';
import { assignArguments } from './arguments.js';
import { BlockBuilder } from './blocks.js';
import { lowerCall, lowerFunctionAddress, type ResolveCall } from './calls.js';
import { lowerBounds, lowerItemCheck } from './checked.js';
import { lowerComparison, lowerCondition, lowerSelect } from './compare.js';
import { LoweringContext } from './context.js';
import { lowerConvert } from './convert.js';
import { lowerCheckedConvert } from './convert-checked.js';
import { lowerFloatBinary, lowerFloatUnary, lowerFma } from './floats.js';
import { lowerIntegerBinary, lowerIntegerUnary } from './integers.js';
import { lowerAddress, lowerCopy, lowerFill, lowerLoad, lowerStore } from './memory.js';
import { type Comparison, Uses } from './uses.js';

export function lowerFunction(
  source: ConcreteFunction,
  assembler: Assembler,
  features: CpuFeatures,
  resolveCall: ResolveCall,
  lines?: readonly BlockLines[],
): MachineFunction {
  const successors = source.blocks.map((block) => edgesOf(block.terminator).map((edge) => edge.block));
  const layout = orderBlocks(successors);
  const machine = new MachineFunction(source.symbol);
  if (lines !== undefined) machine.lines = [1];
  const context = new LoweringContext(source, machine, new Uses(source, layout.order), assembler, features);
  const blocks = new BlockBuilder(source, layout, context);
  for (const index of layout.order) {
    const { instructions, terminator } = source.blocks[index]!;
    context.block = blocks.machineBlock(index);
    if (index === 0) receiveParameters(context);
    const blockLines = lines?.[index];
    for (let i = 0; i < instructions.length; i++) {
      const instruction = instructions[i]!;
      if (!context.uses.isNeeded(instruction)) continue;
      context.beginStatement(blockLines?.instructions[i]);
      lowerInstruction(context, instruction, resolveCall);
    }
    context.beginStatement(blockLines?.terminator);
    lowerTerminator(context, terminator, blocks, index);
  }
  for (const block of machine.blocks) {
    for (const next of block.successors) machine.blocks[next]!.predecessors.push(block.index);
  }
  return machine;
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
      return;
    case 'if':
      throw context.notConcrete('if');
  }
}

function lowerInstruction(context: LoweringContext, instruction: Instruction, resolveCall: ResolveCall): void {
  switch (instruction.op) {
    case 'const':
      context.defineConstant(instruction.result, instruction.value);
      return;
    // Most of all code: found first.
    case 'add':
    case 'sub':
    case 'mul':
    case 'and':
    case 'shl':
    case 'shr':
      lowerArithmetic(context, instruction);
      return;
    case 'load':
      lowerLoad(context, instruction.result, instruction.address);
      return;
    case 'store':
      lowerStore(context, instruction.address, instruction.value);
      return;
    case 'elem':
    case 'field':
    case 'slot':
      lowerAddress(context, instruction);
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
    case 'convert_checked':
      lowerCheckedConvert(context, instruction.result, instruction.arg);
      return;
    case 'cast':
      context.copyValue(context.defineValue(instruction.result), instruction.arg);
      return;
    case 'fma':
      lowerFma(context, instruction);
      return;
    case 'item':
      lowerItemCheck(context, instruction);
      lowerAddress(context, instruction);
      return;
    case 'copy':
      lowerCopy(context, instruction);
      return;
    case 'fill':
      lowerFill(context, instruction);
      return;
    case 'bounds':
      lowerBounds(context, instruction.index, instruction.length);
      return;
    case 'call':
    case 'invoke':
    case 'extern':
      lowerCall(context, instruction, resolveCall);
      return;
    case 'fnaddr':
      lowerFunctionAddress(context, instruction, resolveCall);
      return;
    case 'sizeof':
    case 'alignof':
    case 'offsetof':
    case 'tagof':
      throw context.notConcrete(instruction.op);
    default:
      lowerArithmetic(context, instruction);
  }
}

function lowerArithmetic(
  context: LoweringContext,
  instruction: Instruction & { readonly op: UnaryOp | BinaryOp },
): void {
  const { arg } = instruction as { readonly arg?: Value };
  if (arg !== undefined) {
    const { op, result } = instruction as Instruction & { readonly op: UnaryOp };
    if (context.typeOf(arg).cls === VECTOR) lowerFloatUnary(context, op, result, arg);
    else lowerIntegerUnary(context, op, result, arg);
    return;
  }
  const { op, result, left, right } = instruction as Instruction & { readonly op: BinaryOp };
  if (context.typeOf(left).cls === VECTOR) lowerFloatBinary(context, op, result, left, right);
  else lowerIntegerBinary(context, op, result, left, right);
}
