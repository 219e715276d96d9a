// From the text form of the template IR to an SMF file. Pure: needs no native addon, runs anywhere, gives the same bytes
// for the same input.
import { SmfBuilder } from '@simple-jit/smf-format';
import {
  encodeDeclaration,
  encodeTemplate,
  mangle,
  parseModule,
  parseTypeList,
  SCALAR_NAMES,
  satisfies,
  scalar,
  type Template,
  type TemplateModule,
  type Type,
  typeToString,
  verifyModule,
} from '@simple-jit/template-ir';

/** An instance that the library's note offers. */
export interface PossibleInstance {
  readonly template: string;
  /** As a note writes them: `f64`, `ptr<u8>`, `i32,f64`. */
  readonly typeArgs: string;
}

export interface AssembleOptions {
  /** For messages about the text. */
  readonly path?: string;
  /**
   * The instances that `note.sdn` offers. Default: each template with one type parameter for every scalar type that meets
   * its bound, and each without any.
   */
  readonly possible?: readonly PossibleInstance[];
}

/**
 * Makes a library: an SMF file (v1.1) with the templates of a module, a symbol for each, and a note that says which
 * instances are possible. It holds no machine code.
 *
 * @param source the text form, or a module built otherwise
 * @throws IrSyntaxError for text that does not parse, with line and column
 * @throws IrVerifyError for a template that is wrong, with function, block and instruction
 * @throws RangeError for a possible instance of a template that the module does not have, or with the wrong number of types
 * @example
 * writeFileSync('collections.smf', assembleLibrary(readFileSync('collections.tir', 'utf8')));
 */
export function assembleLibrary(source: string | TemplateModule, options: AssembleOptions = {}): Uint8Array {
  const { path, possible } = options;
  const module = typeof source === 'string' ? parseModule(source, path === undefined ? {} : { path }) : source;
  verifyModule(module);
  const builder = new SmfBuilder();
  for (const declaration of module.types) builder.addTemplate(encodeDeclaration(declaration));
  for (const template of module.templates) builder.addTemplate(encodeTemplate(template));
  const rows = possible?.map((instance) => checkInstance(module, instance)) ?? module.templates.flatMap(everyScalar);
  builder.setNote({
    instantiations: [],
    possible: rows.map(({ template, typeArgs }) => ({
      template,
      // As type-args.ts does it: sharing one line would cost every process a third file to load.
      typeArgs: typeArgs.map(typeToString).join(','),
      mangledName: mangle(template, typeArgs),
      requiredBy: module.name,
      canDefer: true,
    })),
    typeInferences: [],
    dependencies: [],
    circularWarnings: [],
    circularErrors: [],
  });
  return builder.build();
}

interface Instance {
  readonly template: string;
  readonly typeArgs: readonly Type[];
}

function everyScalar({ name, typeParams }: Template): Instance[] {
  if (typeParams.length === 0) return [{ template: name, typeArgs: [] }];
  if (typeParams.length > 1) return [];
  const { bound } = typeParams[0]!;
  return SCALAR_NAMES.map(scalar)
    .filter((type) => satisfies(type, bound))
    .map((type) => ({ template: name, typeArgs: [type] }));
}

function checkInstance(module: TemplateModule, { template, typeArgs }: PossibleInstance): Instance {
  const found = module.templates.find(({ name }) => name === template);
  if (found === undefined) throw new RangeError(`possible: the module ${module.name} has no template ${template}`);
  const types = parseTypeList(typeArgs);
  if (types.length !== found.typeParams.length) {
    throw new RangeError(
      `possible: ${template} takes ${found.typeParams.length} type argument(s), '${typeArgs}' gives ${types.length}`,
    );
  }
  return { template, typeArgs: types };
}
