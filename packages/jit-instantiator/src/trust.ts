// Whether the native code of a file may run: by its signature if it has one, else by its owner (the trust rule of smf-cache).
import type { Trust } from '@simple-jit/smf-cache';
import type { SmfFile } from '@simple-jit/smf-format';
import { checkIntegrity, fingerprint, type KeyRing } from './signature.js';

/**
 * A file whose signature does not fit is refused, whoever owns it; one signed with a trusted key is trusted, whoever owns
 * it; every other is judged by its owner. Reads the whole of a signed file.
 *
 * @param owner what the file's owner and permissions say
 */
export function trustOfFile(file: SmfFile, owner: Trust, keys: KeyRing): Trust {
  const integrity = checkIntegrity(file);
  if (integrity.state === 'broken') return { trusted: false, reason: integrity.reason };
  if (integrity.state === 'unsigned' || owner.trusted) return owner;
  if (keys.find(integrity.key) !== undefined) return { trusted: true };
  return {
    trusted: false,
    reason: `${owner.reason}; signed with key ${fingerprint(integrity.key)}, which is not trusted`,
  };
}
