// Type arguments as the tables of a file write them: `i64`, `ptr<u8>`, `i32,f64`; `parseTypeList` reads them back.
import { type Type, typeToString } from '@simple-jit/template-ir';

export function printTypeArgs(typeArgs: readonly Type[]): string {
  return typeArgs.map(typeToString).join(',');
}
