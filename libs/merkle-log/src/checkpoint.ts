import { fromBase64, toBase64, type Bytes } from '#platform';
import { type NoteSigner, type NoteVerifier } from './note-key.js';
import { NoteError, openNote, signNote, type SignedNote } from './signed-note.js';
import { isHash } from './tree.js';

/** A log's statement about itself (C2SP tlog-checkpoint): the number of leaves and the root. */
export interface Checkpoint {
  /** The log's unique name. */
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes;
}

/** The text of a checkpoint, without signatures (C2SP tlog-checkpoint). @throws {RangeError} for a root that is not 32 bytes */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  if (!isHash(root)) throw new RangeError('the root of a checkpoint has 32 bytes');
  return `${origin}\n${String(size)}\n${toBase64(root)}\n`;
}

/** Reads a checkpoint's text; lines after the third are ignored, as the format requires. @throws {NoteError} `NOTE_MALFORMED` */
export function parseCheckpointText(text: string): Checkpoint {
  const [origin = '', sizeText = '', rootText = '', ...rest] = text.slice(0, -1).split('\n');
  const root = fromBase64(rootText);
  const size = /^(0|[1-9][0-9]*)$/.test(sizeText) ? Number(sizeText) : Number.NaN;
  const malformed = origin === '' || !Number.isSafeInteger(size) || rest.includes('');
  if (malformed || !text.endsWith('\n') || root === undefined || !isHash(root)) {
    throw new NoteError(
      'NOTE_MALFORMED',
      'it is not a checkpoint: it must have origin, size and root hash, one per line',
    );
  }
  return { origin, size, root };
}

/**
 * A signed checkpoint.
 * @param signers keys of one log, under its origin; more than one during a key rotation
 */
export function signCheckpoint(size: number, root: Bytes, ...signers: readonly [NoteSigner, ...NoteSigner[]]): string {
  return signNote(checkpointText({ origin: signers[0].name, size, root }), signers);
}

/**
 * Reads a checkpoint that the log itself signed.
 * @param log the log's verifier, or those of all its keys; their name is the expected origin
 * @throws {NoteError}
 */
export function openCheckpoint(note: string, log: NoteVerifier | readonly NoteVerifier[]): Checkpoint {
  return checkpointOf(openNote(note, 'verify' in log ? [log] : log));
}

/** The checkpoint of a note that is signed under its own origin. @throws {NoteError} */
export function checkpointOf({ text, signers }: SignedNote): Checkpoint {
  const checkpoint = parseCheckpointText(text);
  if (!signers.includes(checkpoint.origin)) {
    throw new NoteError(
      'NOTE_SIGNER_UNKNOWN',
      `it is a checkpoint of ${checkpoint.origin}, not of ${signers.join(', ')}`,
    );
  }
  return checkpoint;
}
