// The symbols of a file being built, in their order, and found by name.
import { SmfFormatError } from '../errors.js';
import type { BuilderSymbol } from './model.js';

export class SymbolList {
  #symbols: BuilderSymbol[];
  /** The first of each name; made when it is asked for. */
  #byName: Map<string, number> | undefined;
  /** Where names of removed symbols still stand in the kept string table. */
  readonly keptNames = new Map<string, number>();

  constructor(symbols: BuilderSymbol[] = []) {
    this.#symbols = symbols;
  }

  get all(): readonly BuilderSymbol[] {
    return this.#symbols;
  }

  /** Index of the first symbol of this name, or -1. */
  find(name: string): number {
    this.#byName ??= firstByName(this.#symbols);
    return this.#byName.get(name) ?? -1;
  }

  /** @throws SmfFormatError ERR_SMF_NO_SUCH_SYMBOL */
  at(index: number): BuilderSymbol {
    const symbol = this.#symbols[index];
    if (symbol !== undefined) return symbol;
    throw new SmfFormatError('ERR_SMF_NO_SUCH_SYMBOL', 'no such symbol', {
      structure: 'builder',
      expected: `an index below ${this.#symbols.length}`,
      found: `${index}`,
    });
  }

  /** @returns its index */
  add(symbol: BuilderSymbol): number {
    const index = this.#symbols.push(symbol) - 1;
    if (this.#byName !== undefined && !this.#byName.has(symbol.name)) this.#byName.set(symbol.name, index);
    return index;
  }

  replace(index: number, symbol: BuilderSymbol): void {
    if (this.at(index).name !== symbol.name) this.#byName = undefined;
    this.#symbols[index] = symbol;
  }

  remove(indices: ReadonlySet<number>): void {
    for (const index of indices) {
      const { name, nameOffset } = this.at(index);
      if (nameOffset !== undefined) this.keptNames.set(name, nameOffset);
    }
    this.#symbols = this.#symbols.filter((_, index) => !indices.has(index));
    this.#byName = undefined;
  }
}

function firstByName(symbols: readonly BuilderSymbol[]): Map<string, number> {
  const byName = new Map<string, number>();
  symbols.forEach((symbol, index) => {
    if (!byName.has(symbol.name)) byName.set(symbol.name, index);
  });
  return byName;
}
