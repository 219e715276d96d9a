// The libraries that a soak loads, in versions, and what their functions give. Each has a scale of its own; the last also
// calls the scale of the first, so that a reload of one changes what another does.
import { randomUUID } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assembleLibrary } from '@simple-jit/jit-instantiator/assemble';

/** Whole numbers are small enough to be exact in each of them. */
export const TYPES = ['i16', 'i32', 'i64', 'u32', 'u64', 'f32', 'f64'] as const;
export type TypeName = (typeof TYPES)[number];

export interface Constants {
  readonly factor: number;
  readonly addend: number;
}

export class Library {
  readonly path: string;
  readonly #index: number;
  readonly #first: Library | undefined;
  #constants: Constants;

  /** @param first the library whose scale this one calls too */
  constructor(folder: string, index: number, first: Library | undefined, constants: Constants) {
    this.path = join(folder, `library-${index}.smf`);
    this.#index = index;
    this.#first = first;
    this.#constants = constants;
    this.#write();
  }

  /** Replaces the file, as a build tool would: whoever has the old one mapped keeps it. */
  change(constants: Constants): void {
    this.#constants = constants;
    this.#write();
  }

  /** Whether the file changes when this one does. */
  uses(library: Library): boolean {
    return library === this || library === this.#first;
  }

  symbols(): string[] {
    const names = [`scale${this.#index}`, `twice${this.#index}`, ...(this.#first ? [`cross${this.#index}`] : [])];
    return names.flatMap((name) => TYPES.map((type) => `fn$${name}$${type}`));
  }

  /** What a symbol gives for `x`. */
  expected(symbol: string, x: number): number {
    const once = this.#scale(x);
    const name = symbol.split('$')[1]!;
    if (name.startsWith('scale')) return once;
    return name.startsWith('twice') ? this.#scale(once) : once + this.#first!.#scale(x);
  }

  #scale(x: number): number {
    return x * this.#constants.factor + this.#constants.addend;
  }

  #write(): void {
    const { factor, addend } = this.#constants;
    const scale = `scale${this.#index}`;
    const text = [
      `module library${this.#index}\n`,
      `fn ${scale}<T: Num>(x: T) -> T {\nentry:\n  y = mul x, ${factor}\n  z = add y, ${addend}\n  return z\n}\n`,
      `fn twice${this.#index}<T: Num>(x: T) -> T {\nentry:\n  y = call ${scale}<T>(x)\n  z = call ${scale}<T>(y)\n  return z\n}\n`,
    ];
    if (this.#first !== undefined) {
      text.push(
        `fn cross${this.#index}<T: Num>(x: T) -> T {\nentry:\n  y = call ${scale}<T>(x)\n  z: T = call scale${this.#first.#index}<T>(x)\n  w = add y, z\n  return w\n}\n`,
      );
    }
    const temporary = `${this.path}.${randomUUID()}`;
    writeFileSync(temporary, assembleLibrary(text.join('')), { mode: 0o644 });
    renameSync(temporary, this.path);
  }
}

/** A number as a function of this type takes it. */
export function asArgument(symbol: string, x: number): number | bigint {
  return /64$/.test(symbol) && !symbol.endsWith('f64') ? BigInt(x) : x;
}
