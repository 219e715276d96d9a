// Type arguments as the tables of a file write them: `i64`, `ptr<u8>`, `Pair<i32,f64>,bool`.
import { parseType, type Type, typeToString } from '@simple-jit/template-ir';

/** Reads a list; an empty text is an empty list. @throws IrSyntaxError for what is no type */
export function parseTypeArgs(text: string): readonly Type[] {
  if (text.trim() === '') return [];
  const args: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '<') depth += 1;
    else if (text[i] === '>') depth -= 1;
    else if (text[i] === ',' && depth === 0) {
      args.push(text.slice(start, i));
      start = i + 1;
    }
  }
  args.push(text.slice(start));
  return args.map((arg) => parseType(arg.trim()));
}

export function printTypeArgs(typeArgs: readonly Type[]): string {
  return typeArgs.map(typeToString).join(',');
}
