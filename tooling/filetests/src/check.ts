// Checks one expectation file: whatever its directives say, by both engines.
import {
  type CalleeProvider,
  type ConcreteFunction,
  decodeDeclaration,
  decodeTemplate,
  encodeModule,
  parseModule,
  printFunction,
  printModule,
  signatureOf,
  type Template,
  type TemplateModule,
  verifyModule,
} from '@simple-jit/template-ir';
import { type Contents, compareBuffer, fillBuffer, readAfter, readBuffer } from './buffers.js';
import {
  type BufferDirective,
  type Directive,
  DirectiveError,
  type PrintDirective,
  type Problem,
  type RunDirective,
  readDirectives,
} from './directives.js';
import { editModule } from './edit.js';
import type { Engine, Outcome } from './engine.js';
import { checkFailure, describeError } from './failures.js';
import { instanceOf, providerOf, reachable, specialiseWith } from './instances.js';
import { interpreterEngine } from './interpreter-engine.js';
import { nativeEngines } from './native-engine.js';
import { readValue, resolveValue, sameValue, valueToString } from './values.js';

/** A call to make, with its instance. */
interface Run {
  readonly directive: RunDirective;
  readonly fn: ConcreteFunction;
}

/**
 * Everything that is wrong with a file; nothing if all of its expectations hold. Never throws for what a file contains.
 *
 * ```ts
 * checkFile('// Adds (section 4).\n// run: f(1) == 2\nmodule m\nfn f(x: i32) -> i32 {\nentry:\n  y = add x, 1\n  return y\n}\n');
 * ```
 */
export function checkFile(text: string): readonly Problem[] {
  const { directives, problems } = readDirectives(text);
  if (problems.length > 0) return problems;
  const checker = new Checker(text, directives);
  checker.check();
  return checker.problems;
}

/** What `print:` shows now: the lines for each of them, in order. */
export function printed(text: string): readonly (readonly string[])[] {
  const { directives } = readDirectives(text);
  const module = parseModule(text);
  const call = providerOf(module);
  return directives.filter((directive) => directive.kind === 'print').map((print) => printedLines(print, module, call));
}

function printedLines({ instance }: PrintDirective, module: TemplateModule, call: CalleeProvider): string[] {
  const text = instance === undefined ? printModule(module) : printFunction(instanceOf(call, instance));
  return text.trimEnd().split('\n');
}

class Checker {
  readonly problems: Problem[] = [];
  readonly #text: string;
  readonly #directives: readonly Directive[];
  readonly #declared = new Map<string, BufferDirective>();
  readonly #buffers = new Map<string, Contents>();

  constructor(text: string, directives: readonly Directive[]) {
    this.#text = text;
    this.#directives = directives;
  }

  check(): void {
    const failure = this.#of('error')[0];
    if (failure?.stage === 'parse') {
      this.#at(failure.line, () => checkFailure(failure, () => parseModule(this.#text)));
      return;
    }
    this.#at(1, () => this.#checkParsed(parseModule(this.#text)));
  }

  #checkParsed(parsed: TemplateModule): void {
    const module = this.#of('edit').reduce(
      (before, edit) => this.#must(edit.line, () => editModule(before, edit)),
      parsed,
    );
    const failure = this.#of('error')[0];
    if (failure?.stage === 'verify') {
      this.#at(failure.line, () => checkFailure(failure, () => verifyModule(module)));
      return;
    }
    // What was edited is meant to be wrong: then it is specialised as it came from somewhere that does not verify.
    if (this.#of('edit').length === 0) {
      this.#at(1, () => verifyModule(module));
      this.#at(1, () => checkForms(module));
    }
    if (this.problems.length > 0) return;
    const call = providerOf(module);
    for (const error of this.#of('error')) {
      this.#at(error.line, () => checkFailure(error, () => failing(error, module)));
    }
    for (const print of this.#of('print')) this.#at(print.line, () => this.#checkPrint(print, module, call));
    this.#readBuffers();
    this.#checkRuns(call);
  }

  #of<K extends Directive['kind']>(kind: K): Extract<Directive, { kind: K }>[] {
    return this.#directives.filter((directive) => directive.kind === kind) as Extract<Directive, { kind: K }>[];
  }

  /** Whatever goes wrong in there is the fault of that line. */
  #at(line: number, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.problems.push({ line, message: describeError(error) });
    }
  }

  #must<R>(line: number, step: () => R): R {
    try {
      return step();
    } catch (error) {
      if (error instanceof DirectiveError) throw new DirectiveError(`line ${line}: ${error.message}`);
      throw error;
    }
  }

  #checkPrint(print: PrintDirective, module: TemplateModule, call: CalleeProvider): void {
    const lines = printedLines(print, module, call);
    const different = Math.max(lines.length, print.expected.length);
    for (let i = 0; i < different; i++) {
      if (lines[i] === print.expected[i]) continue;
      const message = `prints ${JSON.stringify(lines[i])}, not ${JSON.stringify(print.expected[i])}`;
      this.problems.push({ line: print.line + 1 + i, message });
      return;
    }
  }

  #readBuffers(): void {
    const words = new Set(
      this.#directives.flatMap((directive) => {
        if (directive.kind === 'run') return [...directive.call.args, directive.expected ?? ''];
        return directive.kind === 'buffer' ? directive.items.map((item) => ('pad' in item ? '' : item.text)) : [];
      }),
    );
    const used = new Set([...words].map((word) => word.replace(/[+-]\d+$/, '')));
    for (const buffer of this.#of('buffer')) {
      this.#at(buffer.line, () => {
        if (this.#declared.has(buffer.name)) throw new DirectiveError(`a second buffer ${buffer.name}`);
        if (!used.has(buffer.name)) throw new DirectiveError(`nothing uses the buffer ${buffer.name}`);
        this.#declared.set(buffer.name, buffer);
        this.#buffers.set(buffer.name, readBuffer(buffer));
      });
    }
  }

  #externs(): string[] {
    return this.#of('extern').flatMap(({ symbols, line }) => {
      const unused = symbols.find((symbol) => !this.#text.includes(`extern ${symbol}(`));
      if (unused !== undefined) throw new DirectiveError(`line ${line}: nothing calls ${unused}`);
      return symbols;
    });
  }

  #checkRuns(call: CalleeProvider): void {
    const runs: Run[] = [];
    for (const directive of this.#of('run')) {
      this.#at(directive.line, () => {
        const fn = instanceOf(call, directive.call);
        checkShape(directive, fn);
        runs.push({ directive, fn });
      });
    }
    if (runs.length === 0) return;
    this.#at(runs[0]!.directive.line, () => {
      const functions = reachable([...new Set(runs.map(({ fn }) => fn))], call);
      const externs = this.#externs();
      const ended = this.#runAll(runs, interpreterEngine(functions, call, externs));
      // Native code that never ends could not be stopped.
      for (const engine of nativeEngines(functions, externs)) this.#runAll(ended, engine);
    });
  }

  /** Gives the runs that came to an end, be it another than expected. */
  #runAll(runs: readonly Run[], engine: Engine): Run[] {
    const ended: Run[] = [];
    try {
      for (const run of runs) {
        this.#at(run.directive.line, () => {
          this.#checkRun(run, engine);
          ended.push(run);
        });
      }
    } finally {
      engine.close();
    }
    return ended;
  }

  #checkRun({ directive, fn }: Run, engine: Engine): void {
    const { line, call, expected, trap, after } = directive;
    const placement = engine.place(new Map([...this.#buffers].map(([name, { size }]) => [name, size])));
    const addressOf = (buffer: string): bigint | undefined => placement.addressOf(buffer);
    for (const contents of this.#buffers.values()) fillBuffer(contents, placement.bytesOf(contents.name), addressOf);
    const { params, result } = signatureOf(fn);
    const args = call.args.map((arg, i) => resolveValue(readValue(arg, params[i]!), addressOf));
    const wanted = expected === undefined ? undefined : resolveValue(readValue(expected, result!), addressOf);

    const outcome = engine.call(fn.symbol, args, placement);
    const good = 'trap' in outcome ? outcome.trap === trap : trap === undefined && sameValue(outcome.value, wanted);
    const report = (at: number, message: string): unknown =>
      this.problems.push({ line: at, message: `${engine.name}: ${fn.symbol}(${call.args.join(', ')}): ${message}` });
    if (!good) {
      report(
        line,
        `expected ${outcomeToString(trap === undefined ? { value: wanted } : { trap })}, found ${outcomeToString(outcome)}`,
      );
    }
    for (const directive of after) {
      const before = this.#declared.get(directive.name);
      if (before === undefined) throw new DirectiveError(`there is no buffer ${directive.name}`);
      const contents = readAfter(directive, before);
      if (contents.size > this.#buffers.get(directive.name)!.size) {
        throw new DirectiveError(`${directive.name} is smaller than that`);
      }
      for (const wrong of compareBuffer(contents, placement.bytesOf(directive.name), addressOf)) {
        report(directive.line, wrong);
      }
    }
    const damaged = placement.damaged();
    if (damaged !== undefined) report(line, `wrote beyond the ends of ${damaged}`);
  }
}

/** An instance has as many parameters as the call gives, and a result if and only if one is expected. */
function checkShape({ call, expected, trap }: RunDirective, fn: ConcreteFunction): void {
  const { params, result } = signatureOf(fn);
  if (params.length !== call.args.length) {
    throw new DirectiveError(`${fn.symbol} takes ${params.length} arguments, not ${call.args.length}`);
  }
  if (trap === undefined && (result === undefined) !== (expected === undefined)) {
    const what = result === undefined ? 'has no result to expect' : 'has a result: say what it must be (`== …`)';
    throw new DirectiveError(`${fn.symbol} ${what}`);
  }
}

/** A valid module is the same after a trip through its canonical text, and its templates after one through the binary form. */
function checkForms(module: TemplateModule): void {
  const text = printModule(module);
  if (printModule(parseModule(text)) !== text)
    throw new DirectiveError(`its canonical text reads as another module:\n${text}`);
  const entries = encodeModule(module);
  const declared = module.types.length;
  const again = {
    name: module.name,
    types: entries.slice(0, declared).map(decodeDeclaration),
    templates: entries.slice(declared).map(decodeTemplate),
  };
  if (printModule(again) !== printModule({ ...module, templates: module.templates.map(withoutNames) })) {
    throw new DirectiveError('its binary form reads as another module');
  }
}

/** As the binary form keeps it: only parameters of the function have names. */
function withoutNames(fn: Template): Template {
  const params = new Set<number>(fn.blocks[0]!.params);
  return {
    ...fn,
    valueNames: fn.valueNames.map((name, value) => (params.has(value) ? name : undefined)),
    blocks: fn.blocks.map((block) => ({ ...block, name: undefined })),
  };
}

function failing(error: Extract<Directive, { kind: 'error' }>, module: TemplateModule): void {
  const call = providerOf(module);
  const { template, typeArgs, args } = error.call!;
  if (error.stage === 'specialise') {
    specialiseWith(module, template, typeArgs);
    return;
  }
  const fn = instanceOf(call, error.call!);
  const { params } = signatureOf(fn);
  const values = args.map((arg, i) => resolveValue(readValue(arg, params[i]!), () => undefined));
  const engine = interpreterEngine([fn], call, []);
  engine.call(fn.symbol, values, engine.place(new Map()));
}

function outcomeToString(outcome: Outcome): string {
  return 'trap' in outcome ? `trap ${outcome.trap}` : valueToString(outcome.value);
}
