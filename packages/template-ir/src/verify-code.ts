// The rules that a function can break, by code. docs/spec/template-ir.md, section 8.

/**
 * - `NAME`: a name that is no identifier, or too long; `DUPLICATE`: two templates, declarations, type parameters, fields or
 *   variants of one name, or a type parameter with that of a declaration
 * - `LIMIT`: one of the limits in `limits.ts`; `TYPE`: a type that is malformed, names a parameter that is not there or a
 *   declaration that is not there, or gives it other arguments than it takes
 * - `LAYOUT_CYCLE`: a declared type that contains itself by value; `FIELD`: a field or variant that its declaration does not have
 * - `NO_BLOCKS`, `SHAPE` (as many value names as values), `OPCODE`: the function is malformed
 * - `VALUE`: a value that does not exist or that nothing defines; `REDEFINED`: one that is defined twice
 * - `BLOCK`: an edge to a block that does not exist; `EDGE_TO_ENTRY`; `UNREACHABLE_BLOCK`
 * - `EDGE_ARITY`, `EDGE_TYPE`: an edge's arguments are not what the block's parameters want
 * - `NOT_DOMINATED`: a use that some path reaches without passing the definition
 * - `OPERAND_TYPE`, `RESULT_TYPE`: the instruction's types; `BOUND`: an operation that the type parameter's bound does not promise
 * - `LITERAL`: a literal that its type cannot hold; `RETURN_TYPE`
 * - `CALL_TYPE_ARGS`: their number; `CALL_BOUND`: what the callee asks of them; `CALL_SIGNATURE`: arguments or result
 */
export type VerifyCode =
  | 'NAME'
  | 'DUPLICATE'
  | 'LIMIT'
  | 'TYPE'
  | 'LAYOUT_CYCLE'
  | 'FIELD'
  | 'NO_BLOCKS'
  | 'SHAPE'
  | 'OPCODE'
  | 'VALUE'
  | 'REDEFINED'
  | 'BLOCK'
  | 'EDGE_TO_ENTRY'
  | 'UNREACHABLE_BLOCK'
  | 'EDGE_ARITY'
  | 'EDGE_TYPE'
  | 'NOT_DOMINATED'
  | 'OPERAND_TYPE'
  | 'RESULT_TYPE'
  | 'BOUND'
  | 'LITERAL'
  | 'RETURN_TYPE'
  | 'CALL_TYPE_ARGS'
  | 'CALL_BOUND'
  | 'CALL_SIGNATURE';

export type Report = (code: VerifyCode, expected: string, found: string) => void;
