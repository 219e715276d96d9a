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
  const taken = definitions !== undefined && definitions.capacity >= count ? definitions : makeDefinitions(count);
  definitions = undefined;
  for (let value = 0; value < count; value++) taken.block[value] = -1;
  return taken;
}

function makeDefinitions(count: number): Definitions {
  const capacity = roomFor(count, LEAST_VALUES, MOST_VALUES);
  return { capacity, block: new Int32Array(capacity), instruction: new Int32Array(capacity) };
}

/** For `count` blocks; nothing of their flow is known. */
export function takeFlow(count: number): ControlFlow {
  const taken =
    flow !== undefined && flow.capacity >= count ? flow : new ControlFlow(roomFor(count, LEAST_BLOCKS, MOST_BLOCKS));
  flow = undefined;
  return taken;
}

export function giveBackDefinitions(used: Definitions): void {
  if (used.capacity <= MOST_VALUES) definitions = used;
}

export function giveBackFlow(used: ControlFlow): void {
  if (used.capacity <= MOST_BLOCKS) flow = used;
}

function roomFor(count: number, least: number, most: number): number {
  let room = least;
  while (room < count && room < most) room *= 2;
  return Math.max(room, count);
}
