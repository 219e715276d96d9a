// What the parser reads before names and types are resolved: the shape of the text, with positions.
import type { BinaryOp, CompareOp, ConstValue, TypeParam, UnaryOp } from '../ir.js';
import type { Bound, Type } from '../types.js';
import type { Token } from './lexer.js';

/** A literal as written: `null` is its own kind because only a pointer may be null. */
export interface LiteralNode {
  readonly kind: 'literal';
  readonly token: Token;
  readonly value: ConstValue | null;
}

export interface NameNode {
  readonly kind: 'name';
  readonly token: Token;
}

export type OperandNode = LiteralNode | NameNode;

export interface EdgeNode {
  readonly label: Token;
  readonly args: readonly OperandNode[];
}

/** Operations whose operands are all that there is to them. */
export type SimpleOp =
  | (UnaryOp | BinaryOp | CompareOp)
  | ('select' | 'fma' | 'convert' | 'convert_checked' | 'cast' | 'load' | 'elem' | 'item');

export interface CalleeNode {
  readonly template: Token;
  readonly typeArgs: readonly Type[];
}

export type OperationNode =
  | { readonly op: 'const'; readonly literal: LiteralNode }
  | { readonly op: 'sizeof' | 'alignof' | 'slot'; readonly type: Type }
  | { readonly op: 'offsetof'; readonly type: Type; readonly path: string }
  | { readonly op: 'tagof'; readonly type: Type; readonly variant: string }
  | { readonly op: 'field'; readonly operands: readonly [OperandNode]; readonly path: string }
  | { readonly op: SimpleOp | 'store' | 'copy' | 'fill' | 'bounds'; readonly operands: readonly OperandNode[] }
  | { readonly op: 'fnaddr'; readonly callee: CalleeNode }
  | { readonly op: 'call'; readonly callee: CalleeNode; readonly operands: readonly OperandNode[] }
  | { readonly op: 'invoke'; readonly target: OperandNode; readonly operands: readonly OperandNode[] }
  | { readonly op: 'extern'; readonly symbol: string; readonly operands: readonly OperandNode[] };

export interface InstructionNode {
  /** The operation's word: where its errors point. */
  readonly at: Token;
  readonly result: Token | undefined;
  readonly annotation: Type | undefined;
  readonly operation: OperationNode;
}

export type TerminatorNode =
  | { readonly op: 'jump'; readonly at: Token; readonly edges: readonly EdgeNode[] }
  | { readonly op: 'branch'; readonly at: Token; readonly condition: OperandNode; readonly edges: readonly EdgeNode[] }
  | {
      readonly op: 'if';
      readonly at: Token;
      readonly type: Type;
      readonly is: Bound | Type;
      readonly edges: readonly EdgeNode[];
    }
  | { readonly op: 'return'; readonly at: Token; readonly value: OperandNode | undefined }
  | { readonly op: 'unreachable'; readonly at: Token };

export interface ParameterNode {
  readonly token: Token;
  readonly type: Type;
}

export interface BlockNode {
  readonly label: Token;
  readonly params: readonly ParameterNode[];
  readonly instructions: readonly InstructionNode[];
  readonly terminator: TerminatorNode;
}

export interface FunctionNode {
  readonly name: Token;
  readonly typeParams: readonly TypeParam[];
  readonly params: readonly ParameterNode[];
  readonly result: Type | undefined;
  readonly blocks: readonly BlockNode[];
}
