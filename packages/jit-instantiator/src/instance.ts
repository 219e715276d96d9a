// How instances are told apart: a template with its types in one spelling, `sort<f64>`, whatever blanks a note has.
import type { Type } from '@simple-jit/template-ir';
import { printTypeArgs } from './type-args.js';

export interface Instance {
  readonly template: string;
  readonly typeArgs: readonly Type[];
}

/** `zip<i32,f64>` */
export function instanceOf({ template, typeArgs }: Instance): string {
  return instanceKey(template, printTypeArgs(typeArgs));
}

/** The same, from the types as text. */
export function instanceKey(template: string, typeArgs: string): string {
  return `${template}<${withoutBlanks(typeArgs)}>`;
}

export function withoutBlanks(text: string): string {
  return text.replace(/\s+/g, '');
}
