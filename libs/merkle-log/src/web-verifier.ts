import { utf8, type Bytes } from '#platform';
import { checkpointOf, type Checkpoint } from './checkpoint.js';
import { parseNoteKey, type NoteKey } from './note-key.js';
import { acceptedNote, readNote, signaturesOf } from './signed-note.js';

/** Verifies one key's signatures with WebCrypto: in browsers, in Node, wherever it exists. */
export interface WebNoteVerifier extends NoteKey {
  verify(text: string, signature: Bytes): Promise<boolean>;
}

/** Reads a verifier key, `name+id+key` (C2SP signed-note), for WebCrypto. @throws {NoteKeyError}, and WebCrypto's error if it does not support Ed25519 */
export async function importVerifierKey(text: string): Promise<WebNoteVerifier> {
  const { publicKey, ...noteKey } = parseNoteKey(text);
  const key = await crypto.subtle.importKey('raw', copyForWeb(publicKey), 'Ed25519', false, ['verify']);
  return {
    ...noteKey,
    verify: (message, signature) =>
      crypto.subtle.verify('Ed25519', key, copyForWeb(signature), copyForWeb(utf8(message))),
  };
}

/** WebCrypto does not accept a view of shared memory. */
function copyForWeb(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/**
 * Reads a checkpoint that the log itself has signed, as `openCheckpoint` does, by WebCrypto.
 * @param keys those of the log; their name is the expected origin
 * @throws {NoteError}
 */
export async function openCheckpointAsync(note: string, keys: readonly WebNoteVerifier[]): Promise<Checkpoint> {
  const read = readNote(note);
  const judged = await Promise.all(
    signaturesOf(read, keys).map(async ({ key, signature }) => ({
      name: key.name,
      right: await key.verify(read.text, signature),
    })),
  );
  return checkpointOf(acceptedNote(read.text, judged));
}
