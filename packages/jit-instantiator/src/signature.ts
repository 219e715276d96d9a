// Ed25519 signatures of SMF files (docs/spec/smf-format.md, "Persisted code", `.sig`): who compiled what is in it, whoever
// owns the file. A signature covers every byte but itself and the module hash, which covers the signature.
import { createHash, createPrivateKey, createPublicKey, KeyObject, sign, verify } from 'node:crypto';
import { parseSmf, SectionType, SMF_HEADER_SIZE, SmfBuilder, type SmfFile } from '@simple-jit/smf-format';

/** An Ed25519 key: a KeyObject of node:crypto, or PEM text. */
export type SigningKey = KeyObject | string;

export type SignatureCheck =
  | { readonly valid: true; readonly publicKey: KeyObject }
  | { readonly valid: false; readonly reason: string };

const SECTION = '.sig';
const MAGIC = Uint8Array.of(0x53, 0x49, 0x47, 0); // 'SIG\0'
const VERSION = 1;
const ED25519 = 1;
/** Magic, u16 version, u16 algorithm, the public key (RFC 8032: 32 bytes), the signature (64 bytes). */
const KEY_AT = 8;
const SIGNATURE_AT = KEY_AT + 32;
const SIZE = SIGNATURE_AT + 64;
/** u64 in the v1.1 header. */
const MODULE_HASH_AT = 60;
/** So that what is signed here can be mistaken for nothing else that the key signs. */
const CONTEXT = 'simple-jit SMF signature v1\0';

export function isSigned(file: SmfFile): boolean {
  return file.findSection(SECTION) !== undefined;
}

/**
 * The file with an Ed25519 signature in its `.sig` section; an earlier one is replaced. It is always written as v1.1.
 * Sign last: whatever changes a byte afterwards ends it. Write-back leaves a signed file alone.
 *
 * @throws SmfFormatError if the bytes are no SMF file; TypeError for a key that is no private Ed25519 key
 * @example writeFileSync('library.smf', signSmf(readFileSync('library.smf'), readFileSync('key.pem', 'utf8')));
 */
export function signSmf(bytes: Uint8Array, privateKey: SigningKey): Uint8Array {
  const key = privateKey instanceof KeyObject ? privateKey : createPrivateKey(privateKey);
  if (key.type !== 'private') throw new TypeError('signing needs a private key, this is a public one');
  const content = new Uint8Array(SIZE);
  content.set(MAGIC);
  new DataView(content.buffer).setUint16(4, VERSION, true);
  new DataView(content.buffer).setUint16(6, ED25519, true);
  content.set(rawPublicKey(createPublicKey(key)), KEY_AT);
  const builder = SmfBuilder.from(parseSmf(bytes));
  const present = builder.findSection(SECTION);
  if (present >= 0) builder.replaceSection(present, { data: content, virtualSize: SIZE });
  else builder.addSection({ type: SectionType.RoData, name: SECTION, data: content });
  const signed = builder.build();
  const file = parseSmf(signed);
  const at = file.dataOffset + file.findSection(SECTION)!.offset + SIGNATURE_AT;
  signed.set(sign(null, messageOf(signed, at), key), at);
  const hashAt = signed.length - SMF_HEADER_SIZE + MODULE_HASH_AT;
  new DataView(signed.buffer, signed.byteOffset).setBigUint64(hashAt, parseSmf(signed).computeModuleHash(), true);
  return signed;
}

/**
 * Whether a file is as one of these keys signed it.
 *
 * @throws SmfFormatError if the bytes are no SMF file; TypeError for a key that is no Ed25519 key
 * @example verifySmf(readFileSync('library.smf'), [readFileSync('key.pub.pem', 'utf8')]).valid
 */
export function verifySmf(bytes: Uint8Array, publicKeys: readonly SigningKey[]): SignatureCheck {
  const integrity = checkIntegrity(parseSmf(bytes));
  if (integrity.state === 'unsigned') return { valid: false, reason: 'the file is not signed' };
  if (integrity.state === 'broken') return { valid: false, reason: integrity.reason };
  const publicKey = new KeyRing(publicKeys).find(integrity.key);
  return publicKey === undefined
    ? { valid: false, reason: `it is signed with another key (${fingerprint(integrity.key)})` }
    : { valid: true, publicKey };
}

/** Public keys, found by their bytes. */
export class KeyRing {
  readonly #keys: ReadonlyMap<string, KeyObject>;

  /** @throws TypeError for one that is no Ed25519 key */
  constructor(keys: readonly SigningKey[]) {
    this.#keys = new Map(
      keys.map((given) => {
        const isPublic = given instanceof KeyObject && given.type === 'public';
        const key = isPublic ? given : createPublicKey(given);
        return [fingerprint(rawPublicKey(key)), key];
      }),
    );
  }

  find(raw: Uint8Array): KeyObject | undefined {
    return this.#keys.get(fingerprint(raw));
  }
}

/** Whether a file is as somebody signed it: `key` is the public key that it says. */
export type Integrity =
  | { readonly state: 'unsigned' }
  | { readonly state: 'broken'; readonly reason: string }
  | { readonly state: 'intact'; readonly key: Uint8Array };

export function checkIntegrity(file: SmfFile): Integrity {
  const section = file.findSection(SECTION);
  if (section === undefined) return { state: 'unsigned' };
  const broken = (reason: string): Integrity => ({ state: 'broken', reason: `signature: ${reason}` });
  if (file.layout !== 'v1.1' || section.type !== SectionType.RoData || section.size !== SIZE) {
    return broken(`the ${SECTION} section is not one that this version reads`);
  }
  const content = file.storedSectionData(section.index);
  const view = new DataView(content.buffer, content.byteOffset, SIZE);
  if (MAGIC.some((byte, i) => content[i] !== byte)) return broken(`the ${SECTION} section has another magic`);
  if (view.getUint16(4, true) !== VERSION || view.getUint16(6, true) !== ED25519) {
    return broken(`version ${view.getUint16(4, true)}, algorithm ${view.getUint16(6, true)} is not known here`);
  }
  const key = content.slice(KEY_AT, SIGNATURE_AT);
  const message = messageOf(file.bytes, file.dataOffset + section.offset + SIGNATURE_AT);
  return verify(null, message, publicKeyOf(key), content.subarray(SIGNATURE_AT))
    ? { state: 'intact', key }
    : broken('the file was changed after it was signed');
}

/** For people: the public key's bytes, hex. */
export function fingerprint(raw: Uint8Array): string {
  return Buffer.from(raw).toString('hex');
}

/** SHA-512 of the file with zeros for the signature and for the module hash, behind a context of our own. */
function messageOf(bytes: Uint8Array, signatureAt: number): Uint8Array {
  const hashAt = bytes.length - SMF_HEADER_SIZE + MODULE_HASH_AT;
  const digest = createHash('sha512')
    .update(bytes.subarray(0, signatureAt))
    .update(new Uint8Array(SIZE - SIGNATURE_AT))
    .update(bytes.subarray(signatureAt + SIZE - SIGNATURE_AT, hashAt))
    .update(new Uint8Array(8))
    .update(bytes.subarray(hashAt + 8))
    .digest();
  return Buffer.concat([Buffer.from(CONTEXT), digest]);
}

function rawPublicKey(key: KeyObject): Uint8Array {
  if (key.asymmetricKeyType !== 'ed25519')
    throw new TypeError(`an Ed25519 key is needed, not ${key.asymmetricKeyType}`);
  return Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url');
}

function publicKeyOf(raw: Uint8Array): KeyObject {
  const x = Buffer.from(raw).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
