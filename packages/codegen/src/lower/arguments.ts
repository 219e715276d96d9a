// Where the System V calling convention puts arguments (AMD64 psABI, 3.2.3): registers of the class first, then the stack.
import { ARGUMENT_REGISTERS, GENERAL, type RegClass, VECTOR, VECTOR_ARGUMENT_REGISTERS } from '../x64/registers.js';

export interface ArgumentPlaces {
  /** A register for each argument, or `~i` for word number i of the arguments on the stack. */
  readonly places: readonly number[];
  readonly stackArguments: number;
}

export function assignArguments(classes: readonly RegClass[]): ArgumentPlaces {
  let general = 0;
  let vector = 0;
  let stackArguments = 0;
  const places = classes.map((cls) => {
    if (cls === GENERAL && general < ARGUMENT_REGISTERS.length) return ARGUMENT_REGISTERS[general++]!;
    if (cls === VECTOR && vector < VECTOR_ARGUMENT_REGISTERS.length) return VECTOR_ARGUMENT_REGISTERS[vector++]!;
    return ~stackArguments++;
  });
  return { places, stackArguments };
}
