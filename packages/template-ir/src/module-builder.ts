// Collects what one library declares and defines.
import { FunctionBuilder } from './builder.js';
import { IrBuildError } from './errors.js';
import type { Template, TemplateModule, TypeDeclaration, TypeEnvironment } from './ir.js';

/** Collects the declarations and templates of one library. */
export class ModuleBuilder {
  readonly name: string;
  readonly #templates = new Map<string, Template>();
  readonly #declarations = new Map<string, TypeDeclaration>();

  constructor(name: string) {
    this.name = name;
  }

  /** Finds what `declare` added so far: the option `types` of builders of this module's functions. */
  readonly types: TypeEnvironment = (name) => this.#declarations.get(name);

  /** Adds a struct or enum. Throws `IrBuildError` with `DUPLICATE` for a name that is taken. */
  declare(declaration: TypeDeclaration): void {
    const { name } = declaration;
    if (this.#declarations.has(name)) {
      throw new IrBuildError('DUPLICATE', this.name, 'one declaration of each name', `a second ${name}`);
    }
    this.#declarations.set(name, declaration);
  }

  /** Adds a finished function, or a builder's. Throws `IrBuildError` with `DUPLICATE` for a name that is taken. */
  add(template: Template | FunctionBuilder): void {
    const built = template instanceof FunctionBuilder ? template.build() : template;
    if (this.#templates.has(built.name)) {
      throw new IrBuildError('DUPLICATE', this.name, 'one template of each name', `a second ${built.name}`);
    }
    this.#templates.set(built.name, built);
  }

  /** The module so far. Not verified: call `verifyModule`. */
  build(): TemplateModule {
    return { name: this.name, types: [...this.#declarations.values()], templates: [...this.#templates.values()] };
  }
}
