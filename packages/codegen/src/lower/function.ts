// Lowers one function: each IR instruction to machine instructions, in blocks that `blocks.ts` makes.
import type {
  BinaryOp,
  BlockLines,
  ConcreteFunction,
  Edge,
  Instruction,
  Terminator,
  UnaryOp,
  Value,
} from '@simple-jit/template-ir';
import type { Callees } from '../callees.js';
import type { CpuFeatures } from '../cpu-features.js';
import { MachineFunction } from '../machine-function.js';
import { pseudos } from '../machine-ir.js';
import type { Scratch } from '../scratch.js';
import type { Assembler } from '../x64/assembler.js';
import { NO_REG, VECTOR } from '../x64/registers.js';
import { assignArguments } from './arguments.js';
import { arrangeBlocks, edgeOf } from './blocks.js';
import { lowerCall, lowerFunctionAddress } from './calls.js';
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
  scratch: Scratch,
  assembler: Assembler,
  features: CpuFeatures,
  callees: Callees,
  lines?: readonly BlockLines[],
): MachineFunction {
  const { blocks, origins, layout } = arrangeBlocks(source, scratch);
  const machine = new MachineFunction(source.symbol, blocks, scratch);
  if (lines !== undefined) machine.lines = [1];
  const context = new LoweringContext(source, machine, new Uses(source, layout, scratch), assembler, features);
  defineParameters(context, origins);
  /** By the IR's block: the statement that its terminator is. */
  const terminators = scratch.take(source.blocks.length);
  for (let b = 0; b < blocks.count; b++) {
    blocks.firstInstruction[b] = machine.instructionCount;
    blocks.edgeArgOffsets[b] = blocks.edgeArgs.length;
    const origin = origins[b]!;
    if (origin < 0) {
      const block = ~origin >> 1;
      lowerJump(context, edgeOf(source.blocks[block]!.terminator, ~origin & 1)!, terminators[block]!);
      continue;
    }
    const { instructions, terminator } = source.blocks[origin]!;
    if (b === 0) receiveParameters(context);
    const blockLines = lines?.[origin];
    for (let i = 0; i < instructions.length; i++) {
      const instruction = instructions[i]!;
      if (!context.uses.isNeeded(instruction)) continue;
      context.beginStatement(blockLines?.instructions[i]);
      lowerInstruction(context, instruction, callees);
    }
    context.beginStatement(blockLines?.terminator);
    terminators[origin] = context.statement;
    lowerTerminator(context, terminator);
  }
  blocks.firstInstruction[blocks.count] = machine.instructionCount;
  blocks.edgeArgOffsets[blocks.count] = blocks.edgeArgs.length;
  return machine;
}

/** Those of the entry come from the caller, not from jumps. */
function defineParameters(context: LoweringContext, origins: Int32Array): void {
  const { params, paramOffsets, count } = context.machine.blocks;
  for (let b = 0; b < count; b++) {
    paramOffsets[b] = params.length;
    if (origins[b]! <= 0) continue;
    const values = context.source.blocks[origins[b]!]!.params;
    for (let i = 0; i < values.length; i++) params.push(context.defineValue(values[i]!));
  }
  paramOffsets[count] = params.length;
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

/** Ends a block with a jump along `edge`. */
function lowerJump(context: LoweringContext, { args }: Edge, statement: number): void {
  const { machine } = context;
  for (let i = 0; i < args.length; i++) machine.blocks.edgeArgs.push(context.useAnywhere(args[i]!));
  machine.append(pseudos.jump, NO_REG, NO_REG, statement);
}

function lowerTerminator(context: LoweringContext, terminator: Terminator): void {
  switch (terminator.op) {
    case 'jump':
      lowerJump(context, terminator.target, context.statement);
      return;
    case 'branch':
      context.emitConditional(pseudos.branch, NO_REG, NO_REG, lowerCondition(context, terminator.condition));
      return;
    case 'return': {
      const values = terminator.value === undefined ? [] : [context.useAnywhere(terminator.value)];
      context.emitArguments(pseudos.return, NO_REG, NO_REG, values);
      return;
    }
    case 'unreachable':
      context.emit(pseudos.unreachable, NO_REG, NO_REG);
      return;
    case 'if':
      throw context.notConcrete('if');
  }
}

function lowerInstruction(context: LoweringContext, instruction: Instruction, callees: Callees): void {
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
      lowerCall(context, instruction, callees);
      return;
    case 'fnaddr':
      lowerFunctionAddress(context, instruction, callees);
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
