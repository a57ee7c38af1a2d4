import { fromBase64 } from './base64.js';
import { type NoteSigner, type NoteVerifier } from './note-key.js';

/** Bytes that a signed note may have at most; more than 16 post-quantum signatures need less. */
export const NOTE_SIZE_LIMIT = 100_000;

/** Why a note is not to be believed. */
export type NoteErrorCode = 'NOTE_MALFORMED' | 'NOTE_SIGNATURE_WRONG' | 'NOTE_SIGNER_UNKNOWN';

export class NoteError extends Error {
  constructor(
    readonly code: NoteErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'NoteError';
  }
}

// eslint-disable-next-line no-control-regex
const controlPattern = /[\u0000-\u0009\u000b-\u001f]/;
const signaturePattern = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u;

/**
 * Signs a text (C2SP signed-note).
 * @param text ends in a newline
 * @returns the note: text, blank line, one signature line a signer
 * @throws {NoteError} `NOTE_MALFORMED`
 */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  if (!text.endsWith('\n') || controlPattern.test(text)) {
    throw new NoteError('NOTE_MALFORMED', 'a note ends in a newline and holds no other control characters');
  }
  const lines = signers.map((signer) => {
    const id = Buffer.alloc(4);
    id.writeUInt32BE(signer.id);
    return `— ${signer.name} ${Buffer.concat([id, signer.sign(text)]).toString('base64')}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/**
 * Reads a note that one of the known keys signed (C2SP signed-note): signatures of unknown keys are passed over, a wrong one of a known key
 * makes the whole note unbelievable.
 * @returns its text, and the names of those who signed
 * @throws {NoteError}
 */
export function openNote(
  note: string,
  verifiers: readonly NoteVerifier[],
): { readonly text: string; readonly signers: readonly string[] } {
  const malformed = (message: string): NoteError => new NoteError('NOTE_MALFORMED', message);
  if (Buffer.byteLength(note) > NOTE_SIZE_LIMIT) throw malformed('the note is too large');
  if (controlPattern.test(note) || !note.isWellFormed()) throw malformed('the note holds control characters');
  const split = note.lastIndexOf('\n\n');
  if (split === -1 || !note.endsWith('\n')) throw malformed('the note has no signature lines');
  const text = note.slice(0, split + 1);
  const lines = note.slice(split + 2, -1).split('\n');
  const signers: string[] = [];
  for (const line of lines) {
    const [, name, encoded] = signaturePattern.exec(line) ?? [];
    const bytes = fromBase64(encoded ?? '');
    if (name === undefined || bytes === undefined || bytes.length < 5) throw malformed('a signature line is malformed');
    const verifier = verifiers.find((known) => known.name === name && known.id === bytes.readUInt32BE());
    if (verifier === undefined) continue;
    if (!verifier.verify(text, bytes.subarray(4))) {
      throw new NoteError('NOTE_SIGNATURE_WRONG', `the signature of ${name} is wrong`);
    }
    signers.push(name);
  }
  if (signers.length === 0) throw new NoteError('NOTE_SIGNER_UNKNOWN', 'no known key has signed the note');
  return { text, signers };
}
