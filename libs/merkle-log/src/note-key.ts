import { concat, fromBase64, sha256, toBase64, utf8, type Bytes } from '#platform';

const ED25519 = 0x01;

/** The public identity of a key that signs notes (C2SP signed-note). */
export interface NoteKey {
  readonly name: string;
  /** The first 32 bits of the hash of name, signature type and public key. */
  readonly id: number;
  /** The public half in the syntax of C2SP signed-note: `name+id+key`. */
  readonly verifierKey: string;
}

/** Verifies one key's signatures on notes. */
export interface NoteVerifier {
  readonly name: string;
  /** The first 32 bits of the hash of name, signature type and public key. */
  readonly id: number;
  verify(text: string, signature: Bytes): boolean;
}

/** Signs notes. */
export interface NoteSigner extends NoteVerifier {
  /** The public half in the syntax of C2SP signed-note: `name+id+key`. */
  readonly verifierKey: string;
  sign(text: string): Bytes;
}

/** Thrown for a key that cannot sign or verify notes. */
export class NoteKeyError extends Error {
  readonly code = 'NOTE_KEY_INVALID';
  constructor(message: string) {
    super(message);
    this.name = 'NoteKeyError';
  }
}

// Key names contain no Unicode spaces and no plus (C2SP signed-note); no note may contain control characters.
// eslint-disable-next-line no-control-regex
const namePattern = /^[^\s+\u0000-\u001f\u0085]+$/u;

/** A 32-bit number, big-endian, as a note encodes its key's id. */
export function uint32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

/** @param publicKey the 32 bytes of an Ed25519 public key @throws {NoteKeyError} for a name that no key may have */
export function noteKeyOf(name: string, publicKey: Bytes): NoteKey {
  if (!namePattern.test(name)) throw new NoteKeyError('a key name must not contain spaces or a plus sign');
  const typed = concat([Uint8Array.of(ED25519), publicKey]);
  const id = uint32(sha256(utf8(`${name}\n`), typed));
  return { name, id, verifierKey: `${name}+${id.toString(16).padStart(8, '0')}+${toBase64(typed)}` };
}

/** Reads a verifier key, `name+id+key`. @throws {NoteKeyError} */
export function parseNoteKey(text: string): NoteKey & { readonly publicKey: Bytes } {
  const [, name, id, keyText] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  const bytes = fromBase64(keyText ?? '');
  if (name === undefined || !namePattern.test(name) || bytes === undefined) {
    throw new NoteKeyError('a verifier key must have the form name+id+key');
  }
  const publicKey = bytes.subarray(1);
  if (bytes[0] !== ED25519 || publicKey.length !== 32) {
    throw new NoteKeyError('only Ed25519 verifier keys are supported');
  }
  const key = noteKeyOf(name, publicKey);
  if (key.id !== Number.parseInt(id ?? '', 16)) throw new NoteKeyError('the id does not match the key');
  return { ...key, publicKey };
}
