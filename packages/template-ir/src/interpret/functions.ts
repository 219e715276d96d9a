// Function pointers of interpreted code: an address for each instance that `fnaddr` names, and back.
import type { Callee } from '../ir.js';
import type { CalleeProvider } from './instances.js';

/** Where no memory is: not LinearMemory's, and no canonical address. */
const BASE = 0x0fc0n << 48n;
const STEP = 16n;

/** Addresses of instances, by symbol. An instance keeps its address; no other gets it. */
export class FunctionTable {
  readonly #addresses = new Map<string, bigint>();
  readonly #callees: Callee[] = [];

  addressOf(symbol: string, callee: Callee): bigint {
    const known = this.#addresses.get(symbol);
    if (known !== undefined) return known;
    const address = BASE + STEP * BigInt(this.#callees.length);
    this.#callees.push(callee);
    this.#addresses.set(symbol, address);
    return address;
  }

  /** What `addressOf` gave the address to: asked again for each call, since a provider may give another function by then. */
  calleeAt(address: bigint): Callee | undefined {
    const distance = address - BASE;
    return distance >= 0n && distance % STEP === 0n ? this.#callees[Number(distance / STEP)] : undefined;
  }
}

const tables = new WeakMap<CalleeProvider, FunctionTable>();

/** One table for each provider: what one run returned or stored, a later one may call. */
export function functionTableOf(provider: CalleeProvider): FunctionTable {
  let table = tables.get(provider);
  if (table === undefined) {
    table = new FunctionTable();
    tables.set(provider, table);
  }
  return table;
}
