import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { NoteKeyError, noteKeyOf, parseNoteKey, type NoteSigner, type NoteVerifier } from './note-key.js';

function rawPublicKey(key: KeyObject): Buffer {
  const { crv, x } = key.export({ format: 'jwk' });
  if (crv !== 'Ed25519' || x === undefined) throw new NoteKeyError('the key is not an Ed25519 key');
  return Buffer.from(x, 'base64url');
}

/**
 * A signer with an Ed25519 key. Node only.
 * @param name the key's name; for a log its origin
 * @throws {NoteKeyError}
 */
export function createNoteSigner(name: string, privateKey: KeyObject): NoteSigner {
  if (privateKey.type !== 'private') throw new NoteKeyError('the key is not a private key');
  const publicKey = createPublicKey(privateKey);
  return {
    ...noteKeyOf(name, rawPublicKey(publicKey)),
    verify: (text, signature) => verify(null, Buffer.from(text), publicKey, signature),
    sign: (text) => sign(null, Buffer.from(text), privateKey),
  };
}

/** Reads a verifier key, `name+id+key` (C2SP signed-note). Node only; in browsers `importVerifierKey`. @throws {NoteKeyError} */
export function parseVerifierKey(text: string): NoteVerifier {
  const { name, id, publicKey } = parseNoteKey(text);
  const key = createPublicKey({
    format: 'jwk',
    key: { kty: 'OKP', crv: 'Ed25519', x: publicKey.toString('base64url') },
  });
  return { name, id, verify: (message, signature) => verify(null, Buffer.from(message), key, signature) };
}
