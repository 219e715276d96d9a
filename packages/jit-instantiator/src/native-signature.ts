// A template's signature in the terms of native-mem.
import type { NativeSignature, NativeTypeName } from '@simple-jit/native-mem';
import { type Signature, type Type, typeToString } from '@simple-jit/template-ir';

/** What `bindFunction` needs to call an instance. @example bindFunction(address, nativeSignature(jit.signatureOf(symbol)!)) */
export function nativeSignature({ params, result }: Signature): NativeSignature {
  return { params: params.map(typeName), result: result === undefined ? 'void' : typeName(result) };
}

function typeName(type: Type): NativeTypeName {
  if (type.kind === 'param') throw new TypeError(`${typeToString(type)} is a type parameter: a caller needs a type`);
  return type.kind === 'ptr' ? `ptr<${typeToString(type.to)}>` : type.name;
}
