// Types and declarations through text and the binary form.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arrayOf,
  type DecodeCode,
  decodeDeclaration,
  type EncodedTemplate,
  encodeDeclaration,
  fnType,
  IrDecodeError,
  IrVerifyError,
  named,
  param,
  parseModule,
  parseType,
  printModule,
  ptr,
  SCALAR_NAMES,
  scalar,
  type Type,
  type TypeDeclaration,
  typeToString,
  verifyDeclarations,
} from '../index.js';
import { thrown } from '../thrown.test-support.js';

/** Types over two type parameters and three declarations. */
const arbitraryType: fc.Arbitrary<Type> = fc.letrec<{ type: Type }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(...SCALAR_NAMES).map(scalar),
    fc.constantFrom(param(0, 'A'), param(1, 'B')),
    tie('type').map(ptr),
    fc.tuple(tie('type'), fc.integer({ min: 1, max: 2 ** 31 - 1 })).map(([of, length]) => arrayOf(of, length)),
    fc.tuple(tie('type'), tie('type')).map((args) => named('D0', args)),
    fc.constant(named('D1')),
    fc
      .tuple(fc.array(tie('type'), { maxLength: 3 }), fc.option(tie('type'), { nil: undefined }))
      .map(([params, result]) => fnType(params, result)),
  ),
})).type;

const typeParams = [
  { name: 'A', bound: 'Any' as const },
  { name: 'B', bound: 'Num' as const },
];

const arbitraryFields = fc
  .array(arbitraryType, { minLength: 1, maxLength: 4 })
  .map((types) => types.map((type, i) => ({ name: `f${i}`, type })));

const arbitraryDeclaration: fc.Arbitrary<TypeDeclaration> = fc.oneof(
  arbitraryFields.map((fields) => ({ kind: 'struct' as const, name: 'S', typeParams, fields })),
  fc
    .array(fc.option(arbitraryFields, { nil: [] }), { minLength: 1, maxLength: 4 })
    .map((lists) => lists.map((fields, i) => ({ name: `V${i}`, fields })))
    .map((variants) => ({ kind: 'enum' as const, name: 'S', typeParams, variants })),
);

const others = parseModule('module m\nstruct D0<A: Any, B: Any> {\n  a: ptr<A>\n}\nenum D1 {\n  X\n}\n').types;

describe('types and declarations', () => {
  it('survive text', () => {
    fc.assert(
      fc.property(arbitraryType, (type) => {
        expect(parseType(typeToString(type), { typeParams })).toBe(type);
      }),
    );
  });

  it('survive text and the binary form', () => {
    fc.assert(
      fc.property(arbitraryDeclaration, (declaration) => {
        const module = { name: 'm', types: [...others, declaration], templates: [] };
        expect(parseModule(printModule(module))).toEqual(module);
        const encoded = encodeDeclaration(declaration);
        expect(decodeDeclaration(encoded)).toEqual(declaration);
        expect(encodeDeclaration(decodeDeclaration(encoded))).toEqual(encoded);
      }),
    );
  });

  it('damaged in the binary form, end in a typed error or a declaration', () => {
    let decoded = 0;
    fc.assert(
      fc.property(
        arbitraryDeclaration,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
        (declaration, changes) => {
          const encoded = encodeDeclaration(declaration);
          const body = Uint8Array.from(encoded.body);
          for (const [at, byte] of changes) body[4 + (at % (body.length - 4))] = byte;
          try {
            const found = decodeDeclaration({ ...encoded, body });
            decoded++;
            expect(encodeDeclaration(found).name).toBe('S');
            verifyDeclarations([...others, found]);
          } catch (error) {
            expect(error instanceof IrDecodeError || error instanceof IrVerifyError).toBe(true);
          }
        },
      ),
      { numRuns: 300, seed: 4 },
    );
    expect(decoded).toBeGreaterThan(50);
  });

  const pair = encodeDeclaration(parseModule('module m\nstruct Pair<A: Any, B: Any> {\n  a: A\n  b: B\n}\n').types[0]!);
  const broken = (at: number, ...bytes: number[]): EncodedTemplate => {
    const body = Uint8Array.from(pair.body);
    body.set(bytes, at);
    return { ...pair, body };
  };
  it('have the bytes that the specification says', () => {
    // TID 1; two types: A, B; two fields: a: A, b: B
    expect([...pair.body]).toEqual([0x54, 0x49, 0x44, 1, 2, 0x11, 0, 0x11, 1, 2, 1, 0x61, 0, 1, 0x62, 1]);
  });

  it.each<[DecodeCode, EncodedTemplate | (Omit<EncodedTemplate, 'kind'> & { kind: number })]>([
    ['KIND', { ...pair, kind: 0 }],
    ['KIND', { ...pair, kind: 2 }],
    ['MAGIC', broken(2, 0x52)],
    ['VERSION', broken(3, 2)],
    ['COUNT', broken(4, 99)],
    ['TYPE', broken(5, 0x15)],
    ['INDEX', broken(6, 2)],
    ['NAME', broken(11, 0x2e)],
    ['NAME', broken(11, 0x31)],
    ['INDEX', broken(12, 2)],
    ['COUNT', broken(9, 9)],
    ['TRUNCATED', { ...pair, body: pair.body.subarray(0, 15) }],
    ['TRAILING', { ...pair, body: Uint8Array.from([...pair.body, 0]) }],
    ['TYPE', { ...pair, genericParams: [{ name: 'A', bound: 'Big' as 'Any' }] }],
  ])('report %s (case %#)', (code, encoded) => {
    expect(thrown(IrDecodeError, () => decodeDeclaration(encoded))).toMatchObject({ code, template: 'Pair' });
  });

  it('of which no binary form exists are refused', () => {
    const fields = [{ name: 'a.b', type: scalar('i64') }];
    const declaration = { kind: 'struct' as const, name: 'S', typeParams: [], fields };
    expect(thrown(IrVerifyError, () => encodeDeclaration(declaration)).code).toBe('NAME');
    let deep: Type = scalar('i8');
    for (let i = 0; i < 64; i++) deep = ptr(deep);
    const deepField = { ...declaration, fields: [{ name: 'a', type: deep }] };
    expect(thrown(IrVerifyError, () => encodeDeclaration(deepField)).code).toBe('LIMIT');
  });
});
