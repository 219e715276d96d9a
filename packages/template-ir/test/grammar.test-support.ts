// The grammar of docs/spec/template-ir.md once more, by itself: says of a text whether the grammar has it. A rule gives all
// places where what begins at a token may end, so that no rule needs to know what follows it.
const KEYWORDS = new Set('module fn store call jump branch return unreachable true false null inf nan'.split(' '));
const SCALARS = 'i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 bool'.split(' ');
const BOUNDS = 'Any Eq Ord Num Int Float'.split(' ');
const TYPE_NAMES = new Set([...SCALARS, ...BOUNDS, 'ptr', 'array']);
const UNARY = 'neg not sqrt abs floor ceil trunc round popcount clz ctz neg_checked convert convert_checked cast load';
const BINARY =
  'add sub mul div rem and or xor shl shr min max rotl rotr add_checked sub_checked mul_checked div_checked ' +
  'eq ne lt le gt ge elem item';

interface Token {
  readonly kind: 'keyword' | 'name' | 'anonymous' | 'integer' | 'number' | 'punctuation' | 'end';
  readonly text: string;
  readonly startsLine: boolean;
}

const TOKENS: readonly (readonly [RegExp, (text: string) => Token['kind']])[] = [
  [/[A-Za-z_][A-Za-z0-9_.]*/y, (text) => (KEYWORDS.has(text) ? 'keyword' : 'name')],
  [/%[0-9]+/y, () => 'anonymous'],
  [/-inf(?![A-Za-z0-9_.])/y, () => 'number'],
  [/-?0x[0-9a-fA-F]+(?![A-Za-z0-9_.])/y, () => 'integer'],
  [
    /-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.])/y,
    (text) => (/[.eE]/.test(text) ? 'number' : 'integer'),
  ],
  [/->|[(){}<>,:=]/y, () => 'punctuation'],
];
const BLANKS = /(?:[ \t\r\n]|\/\/[^\n]*)*/y;

function tokensOf(text: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  let at = text.startsWith('\ufeff') ? 1 : 0;
  for (;;) {
    BLANKS.lastIndex = at;
    const blanks = BLANKS.exec(text)![0];
    at += blanks.length;
    const startsLine = tokens.length === 0 || blanks.includes('\n');
    if (at === text.length) return [...tokens, { kind: 'end', text: '', startsLine }];
    const found = TOKENS.flatMap(([pattern, kind]) => {
      pattern.lastIndex = at;
      const match = pattern.exec(text)?.[0];
      return match === undefined ? [] : [{ kind: kind(match), text: match, startsLine }];
    })[0];
    if (found === undefined) return undefined;
    tokens.push(found);
    at += found.text.length;
  }
}

/** Where what begins at a token may end. */
type Rule = (at: number) => ReadonlySet<number>;
type Item = Rule | string;

const NOWHERE: ReadonlySet<number> = new Set();

/** True if the grammar has the text. What a text means, and limits, it does not know. */
export function isInGrammar(text: string): boolean {
  const tokens = tokensOf(text);
  if (tokens === undefined) return false;
  const last = tokens.length - 1;
  const one =
    (test: (token: Token) => boolean): Rule =>
    (at) =>
      at < last && test(tokens[at]!) ? new Set([at + 1]) : NOWHERE;
  const rule = (item: Item): Rule => (typeof item === 'string' ? one((token) => token.text === item) : item);
  const seq = (...items: Item[]): Rule => {
    const rules = items.map(rule);
    return (at) => {
      let ends: ReadonlySet<number> = new Set([at]);
      for (const next of rules) ends = new Set([...ends].flatMap((end) => [...next(end)]));
      return ends;
    };
  };
  const alt = (...items: Item[]): Rule => {
    const rules = items.map(rule);
    return (at) => new Set(rules.flatMap((each) => [...each(at)]));
  };
  const maybe = (...items: Item[]): Rule => alt(seq(...items), (at) => new Set([at]));
  const many = (...items: Item[]): Rule => {
    const item = seq(...items);
    return (at) => {
      const ends = new Set([at]);
      for (const end of ends) for (const next of item(end)) ends.add(next);
      return ends;
    };
  };
  const list = (item: Item): Rule => seq(item, many(',', item));
  const words = (text: string): Rule => one((token) => text.split(' ').includes(token.text));
  const line: Rule = (at) => (tokens[at]!.startsLine ? new Set([at]) : NOWHERE);
  const sameLine: Rule = (at) => (tokens[at]!.startsLine ? NOWHERE : new Set([at]));

  const name = one(({ kind }) => kind === 'name');
  const declared = one(({ kind, text }) => kind === 'name' && !TYPE_NAMES.has(text));
  const member = one(({ kind, text }) => kind === 'name' && !text.includes('.'));
  const integer = one(({ kind }) => kind === 'integer');
  const label = one(({ kind }) => kind === 'name' || kind === 'anonymous');
  const literal = alt(
    integer,
    one(({ kind }) => kind === 'number'),
    words('true false null inf nan'),
  );
  const bound = words(BOUNDS.join(' '));
  const known = new Map<number, ReadonlySet<number>>();
  const type: Rule = (at) => {
    const ends = known.get(at) ?? anyType(at);
    known.set(at, ends);
    return ends;
  };
  const typeArgs = maybe('<', list(type), '>');
  const anyType = alt(
    words(SCALARS.join(' ')),
    seq('ptr', '<', type, '>'),
    seq('array', '<', type, ',', integer, '>'),
    seq('fn', '(', maybe(list(type)), ')', maybe('->', type)),
    seq(declared, typeArgs),
  );
  const field = seq(member, ':', type);
  const variant = seq(member, maybe('(', list(field), ')'));
  const typeParams = maybe('<', list(seq(declared, ':', bound)), '>');
  const declaration = alt(
    seq('struct', declared, typeParams, '{', line, field, many(line, field), '}'),
    seq('enum', declared, typeParams, '{', line, variant, many(line, variant), '}'),
  );
  const params = maybe('(', maybe(list(seq(label, ':', type))), ')');
  const operand = alt(label, literal);
  const args = seq('(', maybe(list(operand)), ')');
  const callee = seq(name, typeArgs);
  const call = alt(seq('call', callee, args), seq('invoke', operand, args), seq('extern', name, args));
  const operation = alt(
    seq('const', literal),
    seq(words('sizeof alignof slot'), type),
    seq(words('offsetof tagof'), type, ',', name),
    seq('field', operand, ',', name),
    seq(words(UNARY), operand),
    seq(words(BINARY), operand, ',', operand),
    seq(words('select fma'), operand, ',', operand, ',', operand),
    seq('fnaddr', callee),
    call,
  );
  const instruction = alt(
    seq(label, maybe(':', sameLine, type), '=', operation),
    seq(words('store bounds'), operand, ',', operand),
    seq(words('copy fill'), operand, ',', operand, ',', operand),
    call,
  );
  const edge = seq(label, maybe(args));
  const terminator = alt(
    seq('jump', edge),
    seq('branch', operand, ',', edge, ',', edge),
    seq('if', type, 'is', alt(bound, type), ',', edge, ',', edge),
    seq('return', maybe(sameLine, operand)),
    'unreachable',
  );
  const block = seq(label, params, ':', many(line, instruction), line, terminator);
  const head = seq('fn', name, typeParams, '(', maybe(list(seq(label, ':', type))), ')', maybe('->', type));
  const fn = seq(head, '{', block, many(line, block), '}');
  return seq('module', name, many(line, alt(declaration, fn)))(0).has(last);
}
