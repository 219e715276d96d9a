// The verifier of one function: tells whether it keeps every rule of the IR. Generic code is checked against the bounds of
// its type parameters, so that a bad template is found when the library is built and not when someone instantiates it.
// Linear in the size of the function (the dominators take a logarithm more), no recursion; any function that the
// decoder or the builder makes ends in diagnostics, never in another exception.
import { walk } from './dominators.js';
import type { Block, Edge, Value } from './ir.js';
import { isName } from './names.js';
import { resultOf } from './operations.js';
import { type RefinedBounds, refineBounds } from './refine-bounds.js';
import { isPlain } from './types.js';
import { blockName, checkBounds, checkType, isValue, type Verification, valueName } from './verification.js';
import { checkBlock } from './verify-block.js';
import { checkTypeParams } from './verify-declarations.js';
import { giveBack, takeFlow } from './working-memory.js';

/** Checks the function; what is wrong goes to the sink. */
export function check(state: Verification): void {
  const { blocks, typeParams } = state.fn;
  checkHeader(state);
  if (blocks.length === 0) {
    state.report('NO_BLOCKS', 'an entry block', 'a function without blocks');
    return;
  }
  // Later stages index by what the earlier ones checked; so each is entered only if that is sound.
  const typesAreGood = checkTypes(state);
  collectDefinitions(state);
  const refined = checkFlow(state);
  if (typesAreGood) {
    for (let b = 0; b < blocks.length; b++) {
      state.typeParams = refined?.[b] ?? typeParams;
      checkBlock(b, blocks[b]!, state);
    }
  }
  giveBack(state.definitions, state.flow);
}

function checkHeader({ fn, declarations, maxParams, report }: Verification): void {
  const { name, typeParams, valueNames, valueTypes, blocks } = fn;
  if (!isName(name)) report('NAME', 'an identifier as the name of the function', JSON.stringify(name.slice(0, 80)));
  if (typeParams.length > 0) checkTypeParams(typeParams, declarations, report);
  const entry = blocks[0];
  if (entry !== undefined && entry.params.length > maxParams) {
    report('LIMIT', `at most ${maxParams} parameters`, `${entry.params.length}`);
  }
  if (valueNames.length !== valueTypes.length) {
    report('SHAPE', `${valueTypes.length} value names, as there are values`, `${valueNames.length}`);
  }
}

function checkTypes(state: Verification): boolean {
  const { result, valueTypes } = state.fn;
  let good = result === undefined || isPlain(result) || checkType(result, state);
  if (good && result !== undefined && !isPlain(result)) checkBounds(result, state);
  for (let value = 0; value < valueTypes.length; value++) {
    const type = valueTypes[value]!;
    if (!isPlain(type)) good = checkType(type, state) && good;
  }
  return good;
}

function collectDefinitions(state: Verification): void {
  const { blocks, valueTypes } = state.fn;
  let count = 0;
  for (let b = 0; b < blocks.length; b++) {
    const { params, instructions } = blocks[b]!;
    state.block = b;
    state.instruction = -1;
    for (let p = 0; p < params.length; p++) count += define(params[p]!, state);
    for (let i = 0; i < instructions.length; i++) {
      const result = resultOf(instructions[i]!);
      state.instruction = i;
      if (result !== undefined) count += define(result, state);
    }
  }
  state.block = state.instruction = -1;
  if (count < valueTypes.length) reportUndefined(state);
}

/** 1 if the value is defined now; 0, and reported, if it does not exist or was defined before. */
function define(value: Value, state: Verification): 0 | 1 {
  const { block, instruction } = state.definitions;
  if (!isValue(value, state)) {
    state.report('VALUE', 'a value of the function', `number ${value}`);
    return 0;
  }
  if (block[value] !== -1) {
    state.report('REDEFINED', 'one definition of a value', `another of ${valueName(state, value)}`);
    return 0;
  }
  block[value] = state.block;
  instruction[value] = state.instruction;
  return 1;
}

function reportUndefined(state: Verification): void {
  const { block } = state.definitions;
  for (let value = 0; value < state.types.length; value++) {
    if (block[value] !== -1) continue;
    state.report('VALUE', 'a definition of every value', `none of ${valueName(state, value as Value)}`);
  }
}

/** Checks where the edges lead, and follows them; gives what branches on types teach. */
function checkFlow(state: Verification): RefinedBounds | undefined {
  const { fn } = state;
  const { blocks } = fn;
  const flow = blocks.length > 1 ? takeFlow(blocks.length) : undefined;
  let good = true;
  let asksTypes = false;
  for (let b = 0; b < blocks.length; b++) {
    const { terminator, instructions } = blocks[b]!;
    state.block = b;
    state.instruction = instructions.length;
    const { op } = terminator;
    const forks = op === 'branch' || op === 'if';
    const first = op === 'jump' ? terminator.target : forks ? terminator.then : undefined;
    const second = forks ? terminator.else : undefined;
    if (op === 'if') asksTypes = true;
    if (first !== undefined && !isInside(first, blocks)) good = reportTarget(first, state) && good;
    if (second !== undefined && !isInside(second, blocks)) good = reportTarget(second, state) && good;
    flow?.setSuccessors(b, first?.block ?? -1, second?.block ?? -1);
  }
  state.block = state.instruction = -1;
  if (flow === undefined || !good) return undefined;
  walk(flow, blocks.length);
  state.flow = flow;
  return asksTypes ? refineBounds(fn, flow) : undefined;
}

function isInside({ block }: Edge, blocks: readonly Block[]): boolean {
  return block > 0 && blocks[block] !== undefined;
}

/** False if the edge leads to no block, true if to the entry. */
function reportTarget({ block }: Edge, state: Verification): boolean {
  const { blocks } = state.fn;
  if (blocks[block] === undefined) {
    state.report('BLOCK', `a block below ${blocks.length}`, `number ${block}`);
    return false;
  }
  state.report('EDGE_TO_ENTRY', 'an edge to another block than the entry', `one to ${blockName(state, 0)}`);
  return true;
}
