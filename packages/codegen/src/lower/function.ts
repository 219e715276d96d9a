// Lowers one function: each IR instruction to machine instructions, in blocks that `blocks.ts` makes.
import {
  type BinaryOp,
  type Callee,
  type ConcreteFunction,
  edgesOf,
  type Instruction,
  mangle,
  type Signature,
  type Terminator,
  type Value,
} from '@simple-jit/template-ir';
import { orderBlocks } from '../control-flow.js';
import { type CallTarget, MachineFunction, pseudos } from '../machine-ir.js';
import type { Assembler } from '../x64/assembler.js';
import { CC_NE, NO_REG, RESULT_REGISTER, VECTOR, VECTOR_RESULT_REGISTER } from '../x64/registers.js';
import { x64 } from '../x64/table.js';
import { assignArguments } from './arguments.js';
import { BlockBuilder } from './blocks.js';
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
