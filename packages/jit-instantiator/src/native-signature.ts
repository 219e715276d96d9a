// A template's signature in the terms of native-mem.
import type { NativeSignature, NativeTypeName } from '@simple-jit/native-mem';
import { type Signature, type Type, typeToString } from '@simple-jit/template-ir';

/** What `bindFunction` needs to call an instance. @example bindFunction(address, nativeSignature(jit.signatureOf(symbol)!)) */
export function nativeSignature({ params, result }: Signature): NativeSignature {
  return { params: params.map(typeName), result: result === undefined ? 'void' : typeName(result) };
}

function typeName(type: Type): NativeTypeName {
  switch (type.kind) {
    case 'scalar':
      return type.name;
    case 'ptr':
      // The elements of an array are checked by their type only where there are typed arrays of it.
      return type.to.kind === 'scalar' || type.to.kind === 'ptr' ? `ptr<${typeToString(type.to)}>` : 'ptr';
    case 'fn':
      return 'ptr';
    case 'param':
      throw new TypeError(`${typeToString(type)} is a type parameter: a caller needs a type`);
    default:
      throw new TypeError(`${typeToString(type)} lies in memory: a caller passes a pointer to it`);
  }
}
