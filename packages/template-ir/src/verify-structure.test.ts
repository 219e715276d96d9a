// What the verifier refuses in a function's parts: names, limits, types that do not exist, blocks, edges, dominance.
import { describe } from 'vitest';
import { ptr, type Type } from './index.js';
import { bool, branch, f64, generic, i64, jump, refuses, ret, T } from './verify.test-support.js';

let deep: Type = i64;
for (let i = 0; i < 64; i++) deep = ptr(deep);

describe('verifyTemplate on structure', () => {
  refuses([
    ['NAME', 'a name with a blank', { name: 'a b' }],
    ['NAME', 'a keyword as name', { name: 'return' }],
    ['NAME', 'a type name as type parameter', { typeParams: [{ name: 'i64', bound: 'Any' }] }],
    [
      'NAME',
      'a callee that is no identifier',
      { code: [{ op: 'call', callee: { template: '', typeArgs: [] }, args: [] }] },
    ],
    ['DUPLICATE', 'two type parameters of one name', { typeParams: [...generic('Any'), ...generic('Eq')] }],
    [
      'LIMIT',
      'too many type parameters',
      { typeParams: Array.from({ length: 256 }, (_, i) => ({ name: `T${i}`, bound: 'Any' as const })) },
    ],
    ['LIMIT', 'too many parameters', { types: Array(256).fill(i64), params: Array.from({ length: 256 }, (_, i) => i) }],
    ['LIMIT', 'a type of 65 levels', { types: [deep], params: [0] }],
    [
      'LIMIT',
      'too many type arguments',
      { code: [{ op: 'call', callee: { template: 'g', typeArgs: Array(256).fill(i64) }, args: [] }] },
    ],
    [
      'LIMIT',
      'too many arguments',
      {
        types: [i64],
        params: [0],
        code: [{ op: 'call', callee: { template: 'g', typeArgs: [] }, args: Array(256).fill(0) }],
      },
    ],
    ['TYPE', 'a type parameter that is not there', { types: [T], params: [0] }],
    [
      'TYPE',
      'a type parameter of another name',
      { typeParams: [{ name: 'U', bound: 'Any' }], types: [T], params: [0] },
    ],
    ['TYPE', 'an unknown bound', { typeParams: [{ name: 'U', bound: 'Big' as 'Any' }] }],
    ['TYPE', 'a result type that is not there', { result: ptr(T), end: { op: 'unreachable' } }],
    ['TYPE', 'a size of what is not there', { types: [i64], code: [{ op: 'sizeof', result: 0, type: T }] }],
    [
      'TYPE',
      'a type argument that is not there',
      { code: [{ op: 'call', callee: { template: 'g', typeArgs: [T] }, args: [] }] },
    ],
    ['NO_BLOCKS', 'no blocks', { blocks: [] }],
    ['SHAPE', 'fewer names than values', { types: [i64], names: [], params: [0] }],
    [
      'OPCODE',
      'an unknown operation',
      { types: [i64, i64], params: [0], code: [{ op: 'pow', result: 1, left: 0, right: 0 }] },
    ],
    ['OPCODE', 'an unknown terminator', { end: { op: 'goto' } }],
    ['VALUE', 'a value without definition', { types: [i64] }],
    ['VALUE', 'an operand out of range', { types: [i64], code: [{ op: 'neg', result: 0, arg: 9 }] }],
    ['VALUE', 'an operand that is no number', { types: [i64], code: [{ op: 'neg', result: 0, arg: Number.NaN }] }],
    [
      'VALUE',
      'an operation of one operand with two',
      { types: [i64, i64], params: [0], code: [{ op: 'neg', result: 1, left: 0, right: 0 }] },
    ],
    ['VALUE', 'a negative result', { types: [], code: [{ op: 'const', result: -1, value: 1n }] }],
    ['VALUE', 'a parameter out of range', { types: [], params: [0.5] }],
    [
      'VALUE',
      'an edge argument out of range',
      { types: [i64], blocks: [{ end: jump(1, 7) }, { params: [0], end: ret() }] },
    ],
    ['VALUE', 'a returned value out of range', { result: i64, end: ret(3) }],
    [
      'VALUE',
      'a condition out of range',
      {
        blocks: [{ end: branch(1, 1) }, { end: ret() }],
      },
    ],
    ['REDEFINED', 'two definitions', { types: [i64], params: [0], code: [{ op: 'const', result: 0, value: 1n }] }],
    ['REDEFINED', 'one parameter twice', { types: [i64], params: [0, 0] }],
    ['BLOCK', 'an edge to nowhere', { end: jump(1) }],
    ['BLOCK', 'an edge to no number', { end: jump(Number.NaN) }],
    ['EDGE_TO_ENTRY', 'an edge to the entry', { end: jump(0) }],
    ['UNREACHABLE_BLOCK', 'a block without a path', { blocks: [{ end: ret() }, { end: ret() }] }],
    ['UNREACHABLE_BLOCK', 'a loop without a path', { blocks: [{ end: ret() }, { end: jump(2) }, { end: jump(1) }] }],
    ['EDGE_ARITY', 'an argument too few', { types: [i64], blocks: [{ end: jump(1) }, { params: [0], end: ret() }] }],
    [
      'EDGE_ARITY',
      'an argument too many',
      { types: [i64], blocks: [{ params: [0], end: jump(1, 0) }, { end: ret() }] },
    ],
    [
      'EDGE_TYPE',
      'an argument of another type',
      {
        types: [i64, f64],
        blocks: [
          { params: [0], end: jump(1, 0) },
          { params: [1], end: ret() },
        ],
      },
    ],
    [
      'NOT_DOMINATED',
      'a use before the definition',
      {
        types: [i64, i64],
        code: [
          { op: 'neg', result: 1, arg: 0 },
          { op: 'const', result: 0, value: 1n },
        ],
      },
    ],
    ['NOT_DOMINATED', 'a use of itself', { types: [i64], code: [{ op: 'neg', result: 0, arg: 0 }] }],
    [
      'NOT_DOMINATED',
      'a definition on one of two paths',
      {
        types: [bool, i64, i64],
        blocks: [
          {
            params: [0],
            end: branch(1, 2),
          },
          { code: [{ op: 'const', result: 1, value: 1n }], end: jump(2) },
          { code: [{ op: 'neg', result: 2, arg: 1 }], end: ret() },
        ],
      },
    ],
    [
      'NOT_DOMINATED',
      'a definition in an unreachable block',
      {
        types: [i64, i64],
        blocks: [
          { code: [{ op: 'neg', result: 1, arg: 0 }], end: ret() },
          { code: [{ op: 'const', result: 0, value: 1n }], end: ret() },
        ],
      },
    ],
  ]);
});
