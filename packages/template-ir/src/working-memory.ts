// Working memory that is kept from one function to the next: to make typed arrays takes longer than to check a small
// function. Whoever takes it has it alone until it is given back, so that a verifier may run within another one (in a
// `TypeEnvironment`); what an error leaves behind is garbage.
import { ControlFlow } from './dominators.js';

/** Where each value of a function is defined. */
export interface Definitions {
  readonly capacity: number;
  /** The block that defines each value; -1 where nothing does. */
  readonly block: Int32Array;
  /** The index of the instruction in it; -1 for parameters. */
  readonly instruction: Int32Array;
}

const LEAST_VALUES = 256;
const MOST_VALUES = 2 ** 14;
const LEAST_BLOCKS = 64;
/** Memory for larger functions is not kept. */
const MOST_BLOCKS = 2 ** 11;

let definitions: Definitions | undefined;
let flow: ControlFlow | undefined;

/** For `count` values, none of them defined. */
export function takeDefinitions(count: number): Definitions {
  let taken = definitions;
  definitions = undefined;
  if (taken === undefined || taken.capacity < count) {
    const capacity = roomFor(count, LEAST_VALUES, MOST_VALUES);
    taken = { capacity, block: new Int32Array(capacity), instruction: new Int32Array(capacity) };
  }
  for (let value = 0; value < count; value++) taken.block[value] = -1;
  return taken;
}

/** For `count` blocks; nothing of their flow is known. */
export function takeFlow(count: number): ControlFlow {
  const taken =
    flow !== undefined && flow.capacity >= count ? flow : new ControlFlow(roomFor(count, LEAST_BLOCKS, MOST_BLOCKS));
  flow = undefined;
  return taken;
}

export function giveBack(usedDefinitions: Definitions | undefined, usedFlow: ControlFlow | undefined): void {
  if (usedDefinitions !== undefined && usedDefinitions.capacity <= MOST_VALUES) definitions = usedDefinitions;
  if (usedFlow !== undefined && usedFlow.capacity <= MOST_BLOCKS) flow = usedFlow;
}

function roomFor(count: number, least: number, most: number): number {
  let room = least;
  while (room < count && room < most) room *= 2;
  return Math.max(room, count);
}
