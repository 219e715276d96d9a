// The directives of an expectation file: what a `//` comment of a `.tir` file asks for. README.md has the grammar.
// Nothing is lenient here: a misspelt directive must not turn into prose that is never checked.

/** Something in a file that is wrong, or an expectation that did not come true. */
export interface Problem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** `f<i32, f64>(1, a+8)`, not yet typed. */
export interface CallText {
  readonly template: string;
  readonly typeArgs: string;
  readonly args: readonly string[];
}

/** One value of a buffer: `i32 7`, `_` (any value) or `pad 4` (so many bytes of any value), `count` times. */
export type Item = { readonly type: string; readonly text: string; readonly count: number } | { readonly pad: number };

export type TrapName = (typeof TRAPS)[number];
export type Stage = (typeof STAGES)[number];

interface At {
  readonly line: number;
}

export interface BufferDirective extends At {
  readonly kind: 'buffer';
  readonly name: string;
  /** Undefined where each value has its own. */
  readonly type: string | undefined;
  readonly items: readonly Item[];
}

export interface AfterDirective extends At {
  readonly kind: 'after';
  readonly name: string;
  /** Undefined for that of the buffer. */
  readonly type: string | undefined;
  readonly items: string;
}

export interface RunDirective extends At {
  readonly kind: 'run';
  readonly call: CallText;
  /** Undefined for a function without a result. */
  readonly expected: string | undefined;
  readonly trap: TrapName | undefined;
  /** What the buffers must hold when it has ended. */
  readonly after: AfterDirective[];
}

export interface ErrorDirective extends At {
  readonly kind: 'error';
  readonly stage: Stage;
  readonly code: string;
  /** What the message must contain. */
  readonly text: string | undefined;
  /** The instance to make, of stage `specialise`; the call, of stage `link`. */
  readonly call: CallText | undefined;
}

export interface EditDirective extends At {
  readonly kind: 'edit';
  readonly path: readonly string[];
  readonly value: { readonly json: unknown } | { readonly type: string };
}

export interface ExternDirective extends At {
  readonly kind: 'extern';
  /** The C symbols that the code may have. */
  readonly symbols: readonly string[];
}

export interface PrintDirective extends At {
  readonly kind: 'print';
  /** Undefined for the whole module. */
  readonly instance: CallText | undefined;
  readonly expected: string[];
}

export type Directive =
  | BufferDirective
  | RunDirective
  | ErrorDirective
  | EditDirective
  | ExternDirective
  | PrintDirective;

export interface Expectations {
  readonly directives: readonly Directive[];
  readonly problems: readonly Problem[];
}

const TRAPS = ['divide', 'overflow', 'bounds', 'memory', 'unreachable', 'stack-overflow'] as const;
const STAGES = ['parse', 'verify', 'specialise', 'link'] as const;
const KEYWORDS = ['buffer', 'run', 'trap', 'after', 'error', 'edit', 'extern', 'print'];

const NAME = '[A-Za-z_][A-Za-z0-9_.]*';
/** Anything that someone could have meant as a directive. */
const LOOKS_LIKE_ONE = /\/\/\s*([A-Za-z][A-Za-z-]*)\s*:/;
const DIRECTIVE = /^\/\/ ([a-z]+): (\S.*)$/;
/** The first line: a sentence with the section of docs/spec/template-ir.md that it is about. */
const SUMMARY = /^\/\/ [^a-z].*\(section \d+\)\.$/;

class DirectiveError extends Error {}

/** Reads all directives of a file. A file without one that expects something has a problem. */
export function readDirectives(text: string): Expectations {
  const problems: Problem[] = [];
  const directives: Directive[] = [];
  const lines = text.split('\n');
  if (!SUMMARY.test(lines[0]!)) {
    problems.push({ line: 1, message: 'the first line must say what the file shows: `// Division … (section 4).`' });
  }
  lines.forEach((line, i) => {
    const at = i + 1;
    try {
      const quoted = line.match(/^\/\/ \|(?: (.*)|)$/);
      const last = directives.at(-1);
      if (quoted !== null) {
        if (last?.kind !== 'print' || last.line + last.expected.length !== i) {
          throw new DirectiveError('`// |` only follows `// print:`');
        }
        last.expected.push(quoted[1] ?? '');
        return;
      }
      if (!LOOKS_LIKE_ONE.test(line)) return;
      const match = line.match(DIRECTIVE);
      if (match === null) {
        throw new DirectiveError('a directive stands alone on its line, as `// keyword: …`; prose has no colon there');
      }
      for (const rest of expandBraces(match[2]!)) addDirective(directives, at, match[1]!, rest.trim());
    } catch (error) {
      if (!(error instanceof DirectiveError)) throw error;
      problems.push({ line: at, message: error.message });
    }
  });
  problems.push(...whatCannotFail(directives));
  return { directives, problems };
}

function addDirective(directives: Directive[], line: number, keyword: string, rest: string): void {
  if (keyword !== 'after') {
    directives.push(readDirective(line, keyword, rest));
    return;
  }
  const run = directives.at(-1);
  if (run?.kind !== 'run') throw new DirectiveError('`after` follows the `run` or `trap` that it is about');
  const match = rest.match(new RegExp(`^(${NAME})(?:: (\\S+))? == (.+)$`));
  if (match === null) throw new DirectiveError('expected `after: buffer == values`');
  run.after.push({ kind: 'after', line, name: match[1]!, type: match[2], items: match[3]! });
}

function readDirective(line: number, keyword: string, rest: string): Directive {
  switch (keyword) {
    case 'buffer': {
      const match = rest.match(new RegExp(`^(${NAME})(?:: (.+?))? = (.+)$`));
      if (match === null) throw new DirectiveError('expected `buffer: name: type = values`');
      return { kind: 'buffer', line, name: match[1]!, type: match[2], items: readItems(match[3]!, match[2]) };
    }
    case 'run': {
      const [call, after] = readCall(rest);
      const expected = after.match(/^== (\S+)$/)?.[1];
      if (after !== '' && expected === undefined) throw new DirectiveError('expected `run: f(…) == value`');
      return { kind: 'run', line, call, expected, trap: undefined, after: [] };
    }
    case 'trap': {
      const [call, kind] = readCall(rest);
      const trap = TRAPS.find((name) => name === kind);
      if (trap === undefined) throw new DirectiveError(`expected one of: ${TRAPS.join(', ')}`);
      return { kind: 'run', line, call, expected: undefined, trap, after: [] };
    }
    case 'error':
      return readError(line, rest);
    case 'edit': {
      const match = rest.match(/^(\S+) = (?:type (.+)|(.+))$/);
      if (match === null) throw new DirectiveError('expected `edit: path = JSON` or `edit: path = type T`');
      const value = match[2] === undefined ? { json: readJson(match[3]!) } : { type: match[2] };
      return { kind: 'edit', line, path: match[1]!.split('/'), value };
    }
    case 'extern':
      return { kind: 'extern', line, symbols: rest.split(/\s+/) };
    case 'print':
      return { kind: 'print', line, instance: rest === 'module' ? undefined : readInstance(rest), expected: [] };
    default:
      throw new DirectiveError(`unknown directive ${keyword}; there are: ${KEYWORDS.join(', ')}`);
  }
}

function readError(line: number, rest: string): ErrorDirective {
  const match = rest.match(/^([a-z]+) ([A-Z_]+)(?: ([^"\s].*?))?(?: "(.+)")?$/);
  const stage = STAGES.find((name) => name === match?.[1]);
  if (match === null || stage === undefined) {
    throw new DirectiveError(`expected \`error: stage CODE\`, with a stage of: ${STAGES.join(', ')}`);
  }
  const needsCall = stage === 'specialise' || stage === 'link';
  if (needsCall !== (match[3] !== undefined)) {
    throw new DirectiveError(needsCall ? `stage ${stage} needs an instance or a call` : `stage ${stage} has none`);
  }
  let call: CallText | undefined;
  if (stage === 'specialise') call = readInstance(match[3]!);
  if (stage === 'link') [call] = readCall(match[3]!);
  return { kind: 'error', line, stage, code: match[2]!, text: match[4], call };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DirectiveError(`not JSON: ${text}`);
  }
}

/** `f<ptr<i32>>(1, 2) rest` */
function readCall(text: string): [call: CallText, rest: string] {
  const [instance, rest] = readCallee(text);
  const end = rest.indexOf(')');
  if (!rest.startsWith('(') || end < 0) throw new DirectiveError('expected a call, `f<types>(values)`');
  const inside = rest.slice(1, end).trim();
  const args = inside === '' ? [] : inside.split(',').map((arg) => arg.trim());
  return [{ ...instance, args }, rest.slice(end + 1).trim()];
}

function readInstance(text: string): CallText {
  const [instance, rest] = readCallee(text);
  if (rest !== '') throw new DirectiveError(`expected an instance, \`f<types>\`, and nothing after it: ${rest}`);
  return instance;
}

function readCallee(text: string): [instance: CallText, rest: string] {
  const template = text.match(new RegExp(`^${NAME}`))?.[0];
  if (template === undefined) throw new DirectiveError(`expected the name of a template: ${text}`);
  let end = template.length;
  if (text[end] === '<') {
    for (let depth = 0; ; ) {
      if (end >= text.length) throw new DirectiveError('`<` without its `>`');
      if (text[end] === '<') depth++;
      else if (text[end] === '>' && text[end - 1] !== '-') depth--;
      end++;
      if (depth === 0) break;
    }
  }
  return [{ template, typeArgs: text.slice(template.length + 1, Math.max(end - 1, 0)), args: [] }, text.slice(end)];
}

/**
 * The values of a buffer: `1, 2, nan` where all have `type`; otherwise each with its own: `i32 1, pad 4, f64 nan`.
 * `0 x 16` repeats, `_` is any value.
 */
export function readItems(text: string, type: string | undefined): Item[] {
  return text.split(',').map((part) => {
    const item = part.trim();
    const pad = item.match(/^pad (\d+)$/);
    if (pad !== null) return { pad: Number(pad[1]) };
    const match = item.match(type === undefined ? /^(\S+) (\S+)(?: x (\d+))?$/ : /^()(\S+)(?: x (\d+))?$/);
    if (match === null) throw new DirectiveError(`expected ${type === undefined ? 'a type and ' : ''}a value: ${item}`);
    return { type: type ?? match[1]!, text: match[2]!, count: Number(match[3] ?? 1) };
  });
}

/** `f<{i8,u8}>(1) == 1` stands for two directives. */
function expandBraces(text: string): string[] {
  const match = text.match(/^([^{]*)\{([^{}:"]*)\}(.*)$/);
  if (match === null || text.includes('"')) return [text];
  return match[2]!.split(',').flatMap((choice) => expandBraces(match[1]! + choice.trim() + match[3]!));
}

/** Directives that hold whatever the code does, and files that expect nothing. */
function whatCannotFail(directives: readonly Directive[]): Problem[] {
  const problems: Problem[] = [];
  const report = (line: number, message: string): unknown => problems.push({ line, message });
  for (const directive of directives) {
    if (directive.kind === 'run') {
      const { expected, trap, after, line } = directive;
      if (expected === undefined && trap === undefined && after.length === 0) {
        report(line, 'cannot fail: expect a value (`== 3`), or what a buffer holds (`after:`)');
      }
      for (const { items, line: at } of after) {
        const parts = items.split(',').map((item) => item.trim().split(' '));
        if (parts.every((part) => part[0] === 'pad' || part.includes('_'))) report(at, 'cannot fail: expect a value');
      }
    }
    if (directive.kind === 'edit' && !directives.some(({ kind }) => kind === 'error')) {
      report(directive.line, 'only what is meant to fail is edited: expect an error');
    }
    if (directive.kind === 'print' && directive.expected.length === 0) {
      report(directive.line, 'prints nothing: expect text (`// | …`), or set FILETESTS_BLESS=1');
    }
  }
  const errors = directives.filter(({ kind }) => kind === 'error') as ErrorDirective[];
  const positive = directives.filter(({ kind }) => kind === 'run' || kind === 'print');
  if (errors.length === 0 && positive.length === 0) report(1, 'the file expects nothing: add a directive');
  const fatal = errors.find(({ stage }) => stage === 'parse' || stage === 'verify');
  if (fatal !== undefined && errors.length + positive.length > 1) {
    report(fatal.line, `a file that does not ${fatal.stage} has no other expectation`);
  }
  return problems;
}

export { DirectiveError };
