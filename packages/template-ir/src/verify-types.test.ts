// What the verifier refuses in instructions: types of operands and results, bounds, literals, what is returned.
import { describe } from 'vitest';
import { ptr, scalar } from './index.js';
import { bool, branch, f64, generic, i64, refuses, ret, T } from './verify.test-support.js';

describe('verifyTemplate on types', () => {
  refuses([
    [
      'OPERAND_TYPE',
      'operands of two types',
      { types: [i64, f64, i64], params: [0, 1], code: [{ op: 'add', result: 2, left: 0, right: 1 }] },
    ],
    [
      'OPERAND_TYPE',
      'arithmetic on bool',
      { types: [bool, bool], params: [0], code: [{ op: 'add', result: 1, left: 0, right: 0 }] },
    ],
    [
      'OPERAND_TYPE',
      'remainder of floats',
      { types: [f64, f64], params: [0], code: [{ op: 'rem', result: 1, left: 0, right: 0 }] },
    ],
    [
      'OPERAND_TYPE',
      'bits of floats',
      { types: [f64, f64], params: [0], code: [{ op: 'xor', result: 1, left: 0, right: 0 }] },
    ],
    [
      'OPERAND_TYPE',
      'order of bools',
      { types: [bool, bool], params: [0], code: [{ op: 'lt', result: 1, left: 0, right: 0 }] },
    ],
    [
      'OPERAND_TYPE',
      'square root of an integer',
      { types: [i64, i64], params: [0], code: [{ op: 'sqrt', result: 1, arg: 0 }] },
    ],
    [
      'OPERAND_TYPE',
      'arithmetic on pointers',
      { types: [ptr(i64), ptr(i64)], params: [0], code: [{ op: 'add', result: 1, left: 0, right: 0 }] },
    ],
    [
      'OPERAND_TYPE',
      'a load from an integer',
      { types: [i64, i64], params: [0], code: [{ op: 'load', result: 1, address: 0 }] },
    ],
    [
      'OPERAND_TYPE',
      'a store of another type',
      { types: [ptr(f64), i64], params: [0, 1], code: [{ op: 'store', address: 0, value: 1 }] },
    ],
    [
      'OPERAND_TYPE',
      'an element of an integer',
      { types: [i64, i64], params: [0], code: [{ op: 'elem', result: 1, base: 0, index: 0 }] },
    ],
    [
      'OPERAND_TYPE',
      'an index of another type',
      {
        types: [ptr(i64), scalar('i32'), ptr(i64)],
        params: [0, 1],
        code: [{ op: 'elem', result: 2, base: 0, index: 1 }],
      },
    ],
    [
      'OPERAND_TYPE',
      'a choice by an integer',
      { types: [i64, i64], params: [0], code: [{ op: 'select', result: 1, condition: 0, left: 0, right: 0 }] },
    ],
    [
      'OPERAND_TYPE',
      'a branch by an integer',
      {
        types: [i64],
        blocks: [
          {
            params: [0],
            end: branch(1, 1),
          },
          { end: ret() },
        ],
      },
    ],
    [
      'OPERAND_TYPE',
      'conversion of a pointer',
      { types: [ptr(i64), i64], params: [0], code: [{ op: 'convert', result: 1, arg: 0 }] },
    ],
    [
      'RESULT_TYPE',
      'a sum of another type',
      { types: [i64, f64], params: [0], code: [{ op: 'add', result: 1, left: 0, right: 0 }] },
    ],
    [
      'RESULT_TYPE',
      'a comparison that is no bool',
      { types: [i64, i64], params: [0], code: [{ op: 'lt', result: 1, left: 0, right: 0 }] },
    ],
    [
      'RESULT_TYPE',
      'a load of another type',
      { types: [ptr(i64), f64], params: [0], code: [{ op: 'load', result: 1, address: 0 }] },
    ],
    [
      'RESULT_TYPE',
      'a size that is no i64',
      { types: [scalar('i32')], code: [{ op: 'sizeof', result: 0, type: i64 }] },
    ],
    [
      'RESULT_TYPE',
      'conversion of bool to a float',
      { types: [bool, f64], params: [0], code: [{ op: 'convert', result: 1, arg: 0 }] },
    ],
    [
      'RESULT_TYPE',
      'a choice of another type',
      { types: [bool, i64, f64], params: [0, 1], code: [{ op: 'select', result: 2, condition: 0, left: 1, right: 1 }] },
    ],
    [
      'BOUND',
      'a sum with bound Ord',
      { typeParams: generic('Ord'), types: [T, T], params: [0], code: [{ op: 'add', result: 1, left: 0, right: 0 }] },
    ],
    [
      'BOUND',
      'equality with bound Any',
      { typeParams: generic('Any'), types: [T, bool], params: [0], code: [{ op: 'eq', result: 1, left: 0, right: 0 }] },
    ],
    [
      'BOUND',
      'order with bound Eq',
      { typeParams: generic('Eq'), types: [T, bool], params: [0], code: [{ op: 'lt', result: 1, left: 0, right: 0 }] },
    ],
    [
      'BOUND',
      'shift with bound Num',
      { typeParams: generic('Num'), types: [T, T], params: [0], code: [{ op: 'shl', result: 1, left: 0, right: 0 }] },
    ],
    [
      'BOUND',
      'square root with bound Num',
      { typeParams: generic('Num'), types: [T, T], params: [0], code: [{ op: 'sqrt', result: 1, arg: 0 }] },
    ],
    [
      'BOUND',
      'conversion from bound Any',
      { typeParams: generic('Any'), types: [T, i64], params: [0], code: [{ op: 'convert', result: 1, arg: 0 }] },
    ],
    [
      'BOUND',
      'conversion to bound Ord',
      { typeParams: generic('Ord'), types: [i64, T], params: [0], code: [{ op: 'convert', result: 1, arg: 0 }] },
    ],
    [
      'LITERAL',
      'an integer beyond its type',
      { types: [scalar('u8')], code: [{ op: 'const', result: 0, value: 256n }] },
    ],
    ['LITERAL', 'an integer beyond 64 bits', { types: [f64], code: [{ op: 'const', result: 0, value: 1n << 64n }] }],
    ['LITERAL', 'a fraction for an integer', { types: [i64], code: [{ op: 'const', result: 0, value: 1 }] }],
    ['LITERAL', 'a number for a bool', { types: [bool], code: [{ op: 'const', result: 0, value: 1n }] }],
    ['LITERAL', 'a bool for a number', { types: [i64], code: [{ op: 'const', result: 0, value: true }] }],
    ['LITERAL', 'nothing for a number', { types: [f64], code: [{ op: 'const', result: 0, value: undefined }] }],
    ['LITERAL', 'a text for a number', { types: [f64], code: [{ op: 'const', result: 0, value: '1' }] }],
    ['LITERAL', 'an address other than null', { types: [ptr(i64)], code: [{ op: 'const', result: 0, value: 8n }] }],
    [
      'LITERAL',
      'a fraction for bound Num',
      { typeParams: generic('Num'), types: [T], code: [{ op: 'const', result: 0, value: 0.5 }] },
    ],
    [
      'LITERAL',
      'a number for bound Ord',
      { typeParams: generic('Ord'), types: [T], code: [{ op: 'const', result: 0, value: 1n }] },
    ],
    ['RETURN_TYPE', 'a value that is not wanted', { types: [i64], params: [0], end: ret(0) }],
    ['RETURN_TYPE', 'no value where one is wanted', { result: i64 }],
    ['RETURN_TYPE', 'a value of another type', { types: [f64], params: [0], result: i64, end: ret(0) }],
  ]);
});
