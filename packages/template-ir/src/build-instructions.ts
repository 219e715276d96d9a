// The instructions of the builder, a method each: checks each as it is added, so that an error points at the line that
// made it, and gives the value that it defines.
import type { KnownParam } from './bounds.js';
import { checkInstruction } from './check-instruction.js';
import { fieldType, pathsToString } from './declarations.js';
import { IrBuildError } from './errors.js';
import { isType } from './intern.js';
import type {
  BinaryOp,
  CompareOp,
  ConstValue,
  Instruction,
  TypeDeclaration,
  TypeEnvironment,
  UnaryOp,
  Value,
} from './ir.js';
import { inferResult, isBinary, isCompare, isUnary } from './operations.js';
import { fnType, ptr, scalar, type Type, typeToString } from './types.js';
import type { VerifyCode } from './verify-code.js';

/** The part of FunctionBuilder that adds instructions to the current block. Names are optional and for people. */
export abstract class InstructionBuilder {
  readonly name: string;
  readonly #environment: TypeEnvironment;
  readonly #types: Type[] = [];
  readonly #names: (string | undefined)[] = [];

  constructor(name: string, environment: TypeEnvironment) {
    this.name = name;
    this.#environment = environment;
  }

  /** The type parameters that instructions of the current block may use. */
  abstract knownTypeParams(): readonly KnownParam[];
  /** Adds an instruction, already checked, to the current block. */
  protected abstract append(instruction: Instruction): void;

  protected readonly fail = (code: VerifyCode, expected: string, found: string): never => {
    throw new IrBuildError(code, this.name, expected, found);
  };

  protected newValue(type: Type, name: string | undefined): Value {
    if (!isType(type)) this.fail('TYPE', 'a type of this copy of @simple-jit/template-ir', 'something else');
    this.#types.push(type);
    this.#names.push(name);
    return (this.#types.length - 1) as Value;
  }

  /** Types and names of all values. */
  protected values(): { readonly types: readonly Type[]; readonly names: readonly (string | undefined)[] } {
    return { types: this.#types, names: this.#names };
  }

  /** Throws with `VALUE` for a number that is no value of this function. */
  typeOf(value: Value): Type {
    return this.#types[value] ?? this.fail('VALUE', 'a value of this function', `number ${value}`);
  }

  /**
   * A literal: bigint for integers (and any other number type), number for floats, boolean, `0n` for null. Throws with `LITERAL`
   * where the type has no such value.
   */
  const(type: Type, value: ConstValue, name?: string): Value {
    return this.#define(type, name, (result) => ({ op: 'const', result, value }));
  }

  /** An operation of one operand, whose type the result has: see `UnaryOp`. */
  unary(op: UnaryOp, arg: Value, name?: string): Value {
    if (!isUnary(op)) this.fail('OPCODE', 'an operation of one operand', JSON.stringify(op));
    return this.#define(this.typeOf(arg), name, (result) => ({ op, result, arg }));
  }

  /** An operation of two operands of one type, which the result has: see `BinaryOp`. */
  binary(op: BinaryOp, left: Value, right: Value, name?: string): Value {
    if (!isBinary(op)) this.fail('OPCODE', 'an operation of two operands', JSON.stringify(op));
    this.typeOf(right);
    return this.#define(this.typeOf(left), name, (result) => ({ op, result, left, right }));
  }

  /** Compares two operands of one type; gives a bool: see `CompareOp`. */
  compare(op: CompareOp, left: Value, right: Value, name?: string): Value {
    if (!isCompare(op)) this.fail('OPCODE', 'a comparison', JSON.stringify(op));
    this.typeOf(left);
    this.typeOf(right);
    return this.#define(scalar('bool'), name, (result) => ({ op, result, left, right }));
  }

  /** `left` if `condition` (bool) is true, otherwise `right`; both are already computed. */
  select(condition: Value, left: Value, right: Value, name?: string): Value {
    this.typeOf(condition);
    this.typeOf(right);
    return this.#define(this.typeOf(left), name, (result) => ({ op: 'select', result, condition, left, right }));
  }

  /** Converts to `type`: wraps, rounds, saturates. */
  convert(type: Type, arg: Value, name?: string): Value {
    this.typeOf(arg);
    return this.#define(type, name, (result) => ({ op: 'convert', result, arg }));
  }

  /** Converts to `type`; traps where that has no such integer. */
  convertChecked(type: Type, arg: Value, name?: string): Value {
    this.typeOf(arg);
    return this.#define(type, name, (result) => ({ op: 'convert_checked', result, arg }));
  }

  /** The same 64 bits as another pointer type, function pointer type, `i64` or `u64`. */
  cast(type: Type, arg: Value, name?: string): Value {
    this.typeOf(arg);
    return this.#define(type, name, (result) => ({ op: 'cast', result, arg }));
  }

  /** `a * b + c`, rounded once. */
  fma(a: Value, b: Value, c: Value, name?: string): Value {
    for (const value of [b, c]) this.typeOf(value);
    return this.#define(this.typeOf(a), name, (result) => ({ op: 'fma', result, a, b, c }));
  }

  /** The value at `address`; traps where there is no memory. */
  load(address: Value, name?: string): Value {
    const found = this.typeOf(address);
    const type = inferResult('load', found, undefined);
    if (type === undefined) return this.fail('OPERAND_TYPE', 'a pointer', typeToString(found));
    return this.#define(type, name, (result) => ({ op: 'load', result, address }));
  }

  /** Writes `value` to `address`; traps where there is no memory. */
  store(address: Value, value: Value): void {
    this.typeOf(address);
    this.typeOf(value);
    this.#add({ op: 'store', address, value });
  }

  /** The address of element `index` (i64) of the elements at `base`; nothing is checked. */
  elem(base: Value, index: Value, name?: string): Value {
    this.typeOf(index);
    return this.#define(this.typeOf(base), name, (result) => ({ op: 'elem', result, base, index, size: undefined }));
  }

  /** The address of element `index` (i64) of the fixed array at `base`; traps outside of it. */
  item(base: Value, index: Value, name?: string): Value {
    this.typeOf(index);
    const type = inferResult('item', this.typeOf(base), undefined);
    if (type === undefined) {
      return this.fail('OPERAND_TYPE', 'a pointer to an array', typeToString(this.typeOf(base)));
    }
    return this.#define(type, name, (result) => ({ op: 'item', result, base, index, size: undefined }));
  }

  /** The address of a field of the struct or enum at `base`. `path`: `x` of a struct, `tag` or `Variant.x` of an enum. */
  field(base: Value, path: string, name?: string): Value {
    const type = this.typeOf(base);
    if (type.kind !== 'ptr' || type.to.kind !== 'named') {
      return this.fail('OPERAND_TYPE', 'a pointer to a struct or enum', typeToString(type));
    }
    const declaration = this.#declaration(type.to);
    const found = fieldType(type.to, declaration, path);
    if (found === undefined) {
      return this.fail('FIELD', `a field of ${typeToString(type.to)}: ${pathsToString(declaration)}`, path);
    }
    return this.#define(ptr(found), name, (result) => ({ op: 'field', result, base, path, offset: undefined }));
  }

  /** The size of `type` in bytes, as i64. */
  sizeof(type: Type, name?: string): Value {
    return this.#define(scalar('i64'), name, (result) => ({ op: 'sizeof', result, type }));
  }

  /** The alignment of `type` in bytes, as i64. */
  alignof(type: Type, name?: string): Value {
    return this.#define(scalar('i64'), name, (result) => ({ op: 'alignof', result, type }));
  }

  /** The offset of a field in bytes, as i64; `path` as of `field`. */
  offsetof(type: Type, path: string, name?: string): Value {
    return this.#define(scalar('i64'), name, (result) => ({ op: 'offsetof', result, type, path }));
  }

  /** The tag of a variant of an enum type, as u32. */
  tagof(type: Type, variant: string, name?: string): Value {
    return this.#define(scalar('u32'), name, (result) => ({ op: 'tagof', result, type, variant }));
  }

  /** The address of memory for a `type` that lasts as long as the call; each execution fills it with zeros. */
  slot(type: Type, name?: string): Value {
    const make = (result: Value): Instruction => ({ op: 'slot', result, type, zeroed: true, layout: undefined });
    return this.#define(ptr(type), name, make);
  }

  /** Copies `count` (i64) values from `from` to `to`; they may overlap. */
  copy(to: Value, from: Value, count: Value): void {
    for (const value of [to, from, count]) this.typeOf(value);
    this.#add({ op: 'copy', to, from, count, size: undefined });
  }

  /** Writes `count` (i64) bytes `value` (u8) from `to` (`ptr<u8>`) on. */
  fill(to: Value, value: Value, count: Value): void {
    for (const operand of [to, value, count]) this.typeOf(operand);
    this.#add({ op: 'fill', to, value, count });
  }

  /** Traps unless 0 <= index < length; both of one integer type. */
  bounds(index: Value, length: Value): void {
    for (const value of [index, length]) this.typeOf(value);
    this.#add({ op: 'bounds', index, length });
  }

  /** Calls a template that returns a value of type `type`. The callee is checked by `verifyModule`. */
  call(type: Type, template: string, typeArgs: readonly Type[], args: readonly Value[], name?: string): Value {
    for (const arg of args) this.typeOf(arg);
    return this.#define(type, name, (result) => ({
      op: 'call',
      result,
      callee: { template, typeArgs: [...typeArgs] },
      args: [...args],
    }));
  }

  /** Calls a template that returns nothing. */
  callVoid(template: string, typeArgs: readonly Type[], args: readonly Value[]): void {
    for (const arg of args) this.typeOf(arg);
    this.#add({ op: 'call', result: undefined, callee: { template, typeArgs: [...typeArgs] }, args: [...args] });
  }

  /** The address of an instance of a template; `type` is the function type that it must have. */
  fnaddr(type: Type, template: string, typeArgs: readonly Type[] = [], name?: string): Value {
    const callee = { template, typeArgs: [...typeArgs] };
    return this.#define(type, name, (result) => ({ op: 'fnaddr', result, callee }));
  }

  /** Calls through a function pointer that returns a value. */
  invoke(target: Value, args: readonly Value[], name?: string): Value {
    const type = this.#signatureOf(target, args).result;
    if (type === undefined) return this.fail('OPERAND_TYPE', 'a function with a result', 'one without');
    return this.#define(type, name, (result) => ({ op: 'invoke', result, target, args: [...args] }));
  }

  /** Calls through a function pointer that returns nothing. */
  invokeVoid(target: Value, args: readonly Value[]): void {
    this.#signatureOf(target, args);
    this.#add({ op: 'invoke', result: undefined, target, args: [...args] });
  }

  /** Calls a C function of the process that returns a value of type `type`. */
  extern(type: Type, symbol: string, args: readonly Value[], name?: string): Value {
    for (const arg of args) this.typeOf(arg);
    return this.#define(type, name, (result) => ({ op: 'extern', result, symbol, args: [...args] }));
  }

  /** Calls a C function of the process that returns nothing. */
  externVoid(symbol: string, args: readonly Value[]): void {
    for (const arg of args) this.typeOf(arg);
    this.#add({ op: 'extern', result: undefined, symbol, args: [...args] });
  }

  #signatureOf(target: Value, args: readonly Value[]) {
    const type = this.typeOf(target);
    if (type.kind !== 'fn') return this.fail('OPERAND_TYPE', 'a function pointer', typeToString(type));
    const given = fnType(
      args.map((arg) => this.typeOf(arg)),
      type.result,
    );
    return given === type
      ? type
      : this.fail('OPERAND_TYPE', typeToString(type), `arguments for ${typeToString(given)}`);
  }

  #declaration(type: Type): TypeDeclaration {
    const declaration = type.kind === 'named' ? this.#environment(type.name) : undefined;
    const expected = 'a type that the option `types` declares';
    return declaration ?? this.fail('FIELD', expected, typeToString(type));
  }

  /** Defines a value. */
  #define(type: Type, name: string | undefined, make: (result: Value) => Instruction): Value {
    const result = this.newValue(type, name);
    this.#add(make(result));
    return result;
  }

  #add(instruction: Instruction): void {
    checkInstruction(instruction, {
      types: this.#types,
      typeParams: this.knownTypeParams(),
      environment: this.#environment,
      report: this.fail,
    });
    this.append(instruction);
  }
}
