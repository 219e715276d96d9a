// Whether a module's own code may run, and the bytes that this was decided on: by its signature if it has one, else
// by its owner (docs/spec/smf-format.md, "Persisted code", "What a reader checks", 1).
import { createPublicKey } from 'node:crypto';
import { type SigningKey, verifySmf } from '@simple-jit/jit-instantiator';
import type { MappedSmf, Trust } from '@simple-jit/smf-cache';
import { parseSmf, type SmfFile, SmfFormatError } from '@simple-jit/smf-format';
import { builtinCodecs } from '@simple-jit/smf-format/node';

export interface Judged {
  /** What is to be used in place of the mapped file, where others could change that after its signature was verified. */
  readonly copy?: SmfFile;
  readonly trust: Trust;
}

const SIGNATURE_SECTION = '.sig';
const KEY_AT = 8;
const KEY_SIZE = 32;

/** Reads the whole of a signed file. */
export function judge(mapped: MappedSmf, keys: readonly SigningKey[]): Judged {
  const { file, trust: owner } = mapped;
  const signature = file.findSection(SIGNATURE_SECTION);
  if (signature === undefined) return { trust: owner };
  const refused = (reason: string): Judged => ({ trust: { trusted: false, reason } });
  try {
    if (owner.trusted) {
      const broken = checkSignature(file, signature.index);
      return broken === undefined ? { trust: owner } : refused(broken);
    }
    const bytes = file.bytes.slice();
    const check = verifySmf(bytes, keys);
    if (!check.valid) return refused(`${owner.reason}; ${check.reason}`);
    return { copy: parseSmf(bytes, { codecs: builtinCodecs() }), trust: { trusted: true } };
  } catch (error) {
    if (error instanceof SmfFormatError) return refused(error.message); // too large to be read as a whole, or damaged
    throw error;
  }
}

/** What is wrong with a file's signature, whoever's key it is by; undefined if it fits. */
function checkSignature(file: SmfFile, section: number): string | undefined {
  const key = file.storedSectionData(section).subarray(KEY_AT, KEY_AT + KEY_SIZE);
  if (key.length < KEY_SIZE) return `signature: the ${SIGNATURE_SECTION} section is too short`;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key).toString('base64url') };
  const check = verifySmf(file.bytes, [createPublicKey({ key: jwk, format: 'jwk' })]);
  return check.valid ? undefined : check.reason;
}
