import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { fromBase64 } from './base64.js';

const ED25519 = 0x01;

/** Checks signatures of one key over notes (C2SP signed-note). */
export interface NoteVerifier {
  readonly name: string;
  /** The first 32 bits of the hash of name, signature type and public key. */
  readonly id: number;
  verify(text: string, signature: Buffer): boolean;
}

/** Signs notes. */
export interface NoteSigner extends NoteVerifier {
  /** The public half in the syntax of C2SP signed-note: `name+id+key`. */
  readonly verifierKey: string;
  sign(text: string): Buffer;
}

/** Thrown for a key that cannot sign or verify notes. */
export class NoteKeyError extends Error {
  readonly code = 'NOTE_KEY_INVALID';
  constructor(message: string) {
    super(message);
    this.name = 'NoteKeyError';
  }
}

// Key names hold no Unicode spaces and no plus (C2SP signed-note); control characters no note may hold.
// eslint-disable-next-line no-control-regex
const namePattern = /^[^\s+\u0000-\u001f\u0085]+$/u;

function keyIdOf(name: string, publicKey: Buffer): number {
  return createHash('sha256').update(`${name}\n`).update(Buffer.of(ED25519)).update(publicKey).digest().readUInt32BE();
}

function verifierOf(name: string, key: KeyObject, raw: Buffer): NoteVerifier {
  return { name, id: keyIdOf(name, raw), verify: (text, signature) => verify(null, Buffer.from(text), key, signature) };
}

function rawPublicKey(key: KeyObject): Buffer {
  const { crv, x } = key.export({ format: 'jwk' });
  if (crv !== 'Ed25519' || x === undefined) throw new NoteKeyError('the key is not an Ed25519 key');
  return Buffer.from(x, 'base64url');
}

/**
 * A signer with an Ed25519 key.
 * @param name the key's name; for a log its origin
 * @throws {NoteKeyError}
 */
export function createNoteSigner(name: string, privateKey: KeyObject): NoteSigner {
  if (!namePattern.test(name)) throw new NoteKeyError('a key name holds no spaces and no plus');
  if (privateKey.type !== 'private') throw new NoteKeyError('the key is not a private key');
  const publicKey = createPublicKey(privateKey);
  const raw = rawPublicKey(publicKey);
  const verifier = verifierOf(name, publicKey, raw);
  const id = verifier.id.toString(16).padStart(8, '0');
  return {
    ...verifier,
    verifierKey: `${name}+${id}+${Buffer.concat([Buffer.of(ED25519), raw]).toString('base64')}`,
    sign: (text) => sign(null, Buffer.from(text), privateKey),
  };
}

/** Reads a verifier key, `name+id+key` (C2SP signed-note). @throws {NoteKeyError} */
export function parseVerifierKey(text: string): NoteVerifier {
  const [, name, id, keyText] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  const bytes = fromBase64(keyText ?? '');
  if (name === undefined || !namePattern.test(name) || bytes === undefined) {
    throw new NoteKeyError('a verifier key has the form name+id+key');
  }
  const raw = bytes.subarray(1);
  if (bytes[0] !== ED25519 || raw.length !== 32) throw new NoteKeyError('only Ed25519 verifier keys are known here');
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') } });
  const verifier = verifierOf(name, key, raw);
  if (verifier.id !== Number.parseInt(id ?? '', 16)) throw new NoteKeyError('the id does not belong to the key');
  return verifier;
}
