import { concat, fromBase64, toBase64, utf8Length, zeros, type Bytes } from '#platform';
import { uint32, type NoteSigner, type NoteVerifier } from './note-key.js';

/** Maximum bytes that a signed note may have; more than 16 post-quantum signatures need less. */
export const NOTE_SIZE_LIMIT = 100_000;

/** Why a note cannot be trusted. */
export type NoteErrorCode = 'NOTE_MALFORMED' | 'NOTE_SIGNATURE_WRONG' | 'NOTE_SIGNER_UNKNOWN';

/** Thrown for a signed note that is malformed, or not signed by the key that it should be. */
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
 * @returns the note: text, blank line, one signature line per signer
 * @throws {NoteError} `NOTE_MALFORMED`
 */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  if (!text.endsWith('\n') || controlPattern.test(text)) {
    throw new NoteError('NOTE_MALFORMED', 'a note must end in a newline and contain no other control characters');
  }
  const lines = signers.map((signer) => {
    const id = zeros(4);
    new DataView(id.buffer, id.byteOffset).setUint32(0, signer.id);
    return `— ${signer.name} ${toBase64(concat([id, signer.sign(text)]))}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/** A parsed note, not yet verified. */
export interface UnverifiedNote {
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly id: number; readonly signature: Bytes }[];
}

/** Reads a note without verifying its signatures. @throws {NoteError} `NOTE_MALFORMED` */
export function readNote(note: string): UnverifiedNote {
  const malformed = (message: string): NoteError => new NoteError('NOTE_MALFORMED', message);
  if (utf8Length(note) > NOTE_SIZE_LIMIT) throw malformed('the note is too large');
  if (controlPattern.test(note) || !note.isWellFormed()) throw malformed('the note contains control characters');
  const split = note.lastIndexOf('\n\n');
  if (split === -1 || !note.endsWith('\n')) throw malformed('the note has no signature lines');
  const lines = note.slice(split + 2, -1).split('\n');
  const signatures = lines.map((line) => {
    const [, name, encoded] = signaturePattern.exec(line) ?? [];
    const bytes = fromBase64(encoded ?? '');
    if (name === undefined || bytes === undefined || bytes.length < 5) throw malformed('a signature line is malformed');
    return { name, id: uint32(bytes), signature: bytes.subarray(4) };
  });
  return { text: note.slice(0, split + 1), signatures };
}

/** The signatures of known keys; those of unknown keys are ignored. */
export function signaturesOf<Key extends { readonly name: string; readonly id: number }>(
  note: UnverifiedNote,
  keys: readonly Key[],
): readonly { readonly key: Key; readonly signature: Bytes }[] {
  return note.signatures.flatMap(({ name, id, signature }) => {
    const key = keys.find((known) => known.name === name && known.id === id);
    return key === undefined ? [] : [{ key, signature }];
  });
}

/** A note that at least one known key signed. */
export interface SignedNote {
  readonly text: string;
  /** The names of the signers. */
  readonly signers: readonly string[];
}

/** A wrong signature of a known key invalidates the whole note. @throws {NoteError} */ export function acceptedNote(
  text: string,
  judged: readonly { readonly name: string; readonly right: boolean }[],
): SignedNote {
  const wrong = judged.find(({ right }) => !right);
  if (wrong !== undefined) throw new NoteError('NOTE_SIGNATURE_WRONG', `the signature of ${wrong.name} is wrong`);
  if (judged.length === 0) throw new NoteError('NOTE_SIGNER_UNKNOWN', 'no known key has signed the note');
  return { text, signers: judged.map(({ name }) => name) };
}

/**
 * Reads a note that one of the known keys signed (C2SP signed-note): signatures of unknown keys are ignored, a wrong one of a known key
 * invalidates the whole note.
 * @throws {NoteError}
 */
export function openNote(note: string, verifiers: readonly NoteVerifier[]): SignedNote {
  const read = readNote(note);
  const judged = signaturesOf(read, verifiers).map(({ key, signature }) => ({
    name: key.name,
    right: key.verify(read.text, signature),
  }));
  return acceptedNote(read.text, judged);
}
