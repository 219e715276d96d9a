// Loads, stores, addresses, stack slots, and blocks of memory.
import type { Instruction, Value } from '@simple-jit/template-ir';
import { MAX_BLOCK, vectorsOf } from '../expand-memory.js';
import { type MemoryOperand, memoryAt, pseudos } from '../machine-ir.js';
import { CC_NE, GENERAL, NO_REG, RAX, RCX, RDI, RSI, VECTOR } from '../x64/registers.js';
import { x64 } from '../x64/table.js';
import type { LoweringContext } from './context.js';
import { elementSize } from './types.js';
import type { AddressStep } from './uses.js';

export function lowerLoad(context: LoweringContext, result: Value, address: Value): void {
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

export function lowerStore(context: LoweringContext, address: Value, value: Value): void {
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
    context.emitMemory(row, NO_REG, memory, immediate);
    return;
  }
  context.emitMemory(STORES[bits / 8]!, context.use(value), memory);
}

const STORES: Record<number, typeof x64.store8> = { 1: x64.store8, 2: x64.store16, 4: x64.store32, 8: x64.store64 };

/** The result of an address step that not only loads and stores use. */
export function lowerAddress(context: LoweringContext, step: AddressStep): void {
  if (step.op === 'slot' && step.zeroed) {
    const offset = context.slotOf(step);
    context.emitImmediate(pseudos.zeroMemory, NO_REG, NO_REG, Math.ceil(step.layout!.size / 8) * 8, offset);
  }
  if (!context.uses.isUsed(step.result) || context.uses.foldedStep(step.result) !== undefined) return;
  const isIndexed = step.op === 'elem' || step.op === 'item';
  const memory =
    isIndexed && !context.uses.isStep(step.result) ? elementAddress(context, step) : context.addressOf(step);
  context.emitMemory(x64.lea64, context.defineValue(step.result), memory);
}

/** The processor scales an index by 1, 2, 4 or 8; what is missing is multiplied before. */
function elementAddress(context: LoweringContext, step: AddressStep & { readonly op: 'elem' | 'item' }): MemoryOperand {
  const size = elementSize(context.source, step);
  const base = context.use(step.base);
  const constant = context.uses.constantIndex(step.index);
  if (constant !== undefined && Math.abs(constant * size) < 2 ** 31) {
    return memoryAt(base, NO_REG, 0, constant * size);
  }
  const index = context.use(step.index);
  const product = context.temporary(GENERAL);
  for (const factor of [3, 5, 9]) {
    const scale = Math.log2(size / factor);
    if (!Number.isInteger(scale) || scale < 0 || scale > 3) continue;
    context.emitMemory(x64.lea64, product, memoryAt(index, index, Math.log2(factor - 1)));
    return memoryAt(base, product, scale);
  }
  const power = Math.log2(size);
  if (Number.isInteger(power)) {
    context.copy(product, index);
    context.emitImmediate(x64.shl.i64, NO_REG, product, power);
  } else context.emitImmediate(size < 128 ? x64.imul64short : x64.imul64i, product, index, size);
  return memoryAt(base, product);
}

/** More bytes than any address space of a process has. */
const IMPOSSIBLE = 2 ** 56;

export function lowerCopy(context: LoweringContext, copy: Instruction & { readonly op: 'copy' }): void {
  const size = elementSize(context.source, copy);
  const count = context.uses.constantIndex(copy.count);
  if (count !== undefined && count < 1) return;
  if (count !== undefined && count * size >= IMPOSSIBLE) {
    context.trap('memory');
    return;
  }
  const to = context.use(copy.to);
  const from = context.use(copy.from);
  if (count !== undefined && count * size <= MAX_BLOCK) {
    const bytes = count * size;
    context.emitImmediate(pseudos.copyBlock[vectorsOf(bytes)]!, to, from, bytes);
    return;
  }
  context.copy(RDI, to);
  context.copy(RSI, from);
  context.copyValue(RCX, copy.count);
  context.emitImmediate(pseudos.copyMemory, NO_REG, NO_REG, size);
}

/** Up to here a fill of constant size is unrolled. */
const MAX_FILL = 64;

export function lowerFill(context: LoweringContext, fill: Instruction & { readonly op: 'fill' }): void {
  const count = context.uses.constantIndex(fill.count);
  if (count !== undefined && count < 1) return;
  if (count !== undefined && count >= IMPOSSIBLE) {
    context.trap('memory');
    return;
  }
  const to = context.use(fill.to);
  if (count !== undefined && count <= MAX_FILL) {
    const pattern = context.temporary(GENERAL);
    repeatByte(context, pattern, fill.value, count > 1);
    for (let offset = 0; offset < count; ) {
      const window = count >= 8 ? 8 : 2 ** (31 - Math.clz32(count));
      const at = Math.min(offset, count - window); // the last one may overlap the one before
      context.emitMemory(STORES[window]!, pattern, memoryAt(to, NO_REG, 0, at));
      offset = at + window;
    }
    return;
  }
  context.copy(RDI, to);
  context.copyValue(RCX, fill.count);
  context.copyValue(RAX, fill.value);
  context.emit(pseudos.fillMemory, NO_REG, NO_REG);
}

/** to = the byte `value`, in all eight bytes if `all`. */
function repeatByte(context: LoweringContext, to: number, value: Value, all: boolean): void {
  const constant = context.constantOf(value);
  if (constant !== undefined) {
    const word = Math.imul(constant.low & 255, 0x01010101);
    context.loadInteger(to, word, word);
    return;
  }
  context.emit(x64.movzx8, to, context.use(value));
  if (!all) return;
  const ones = context.temporary(GENERAL);
  context.loadInteger(ones, 0x01010101, 0x01010101);
  context.emit(x64.imul64, to, ones);
}
