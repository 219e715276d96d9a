// What a callable's signature may be.
import type { NativeSignature } from '@simple-jit/native-mem';
import { ResolveError } from './errors.js';

/** What `main` and an entry point are called with unless the caller knows better. */
export const MAIN = { params: [], result: 'i32' } as const satisfies NativeSignature;

/** A caller may choose how i64 and u64 look in JavaScript, and nothing else. @throws ResolveError `ERR_SIGNATURE_MISMATCH` */
export function checkSignature(name: string, wanted: NativeSignature, known: NativeSignature): void {
  const text = ({ params, result }: NativeSignature): string =>
    `(${params.join(', ')}) -> ${result}`.replaceAll(':number', '');
  if (text(wanted) === text(known)) return;
  throw new ResolveError(
    'ERR_SIGNATURE_MISMATCH',
    `${name} is ${text(known)}, it cannot be called as ${text(wanted)}: leave the signature out, or give that one`,
    name,
  );
}
