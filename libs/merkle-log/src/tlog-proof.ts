import { fromBase64, toBase64, type Bytes } from '#platform';
import { openCheckpoint, type Checkpoint } from './checkpoint.js';
import { type NoteVerifier } from './note-key.js';
import { PROOF_LENGTH_LIMIT, verifyInclusion } from './proof.js';
import { NOTE_SIZE_LIMIT } from './signed-note.js';
import { isHash } from './tree.js';

const HEADER = 'c2sp.org/tlog-proof@v1';

/** A self-contained proof (C2SP tlog-proof): an entry's place, its path to the root, and the signed checkpoint. */
export interface TlogProof {
  readonly index: number;
  /** From the leaf's sibling up to the root's child. */
  readonly hashes: readonly Bytes[];
  /** The signed note, as the log issued it. */
  readonly checkpoint: string;
  /** Not authenticated: additional data for the application. */
  readonly extra?: Bytes;
}

/** Writes a proof (file extension `.tlog-proof`). @throws {RangeError} for hashes that are not 32 bytes */
export function formatTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  if (!hashes.every(isHash)) throw new RangeError('each hash of a proof must have 32 bytes');
  return [
    HEADER,
    ...(extra === undefined ? [] : [`extra ${toBase64(extra)}`]),
    `index ${String(index)}`,
    ...hashes.map((hash) => toBase64(hash)),
    '',
    checkpoint,
  ].join('\n');
}

/** Reads a proof, strictly. @returns undefined for anything else */
export function parseTlogProof(text: string): TlogProof | undefined {
  if (text.length > 2 * NOTE_SIZE_LIMIT) return undefined;
  const end = text.indexOf('\n\n');
  const [header, ...lines] = text.slice(0, end).split('\n');
  if (end === -1 || header !== HEADER) return undefined;
  const extraText = /^extra (.*)$/.exec(lines[0] ?? '')?.[1];
  const extra = extraText === undefined ? undefined : fromBase64(extraText);
  if (extraText !== undefined && extra === undefined) return undefined;
  const [indexLine = '', ...hashLines] = extraText === undefined ? lines : lines.slice(1);
  const index = Number(/^index (0|[1-9][0-9]*)$/.exec(indexLine)?.[1] ?? Number.NaN);
  const hashes = hashLines.map(fromBase64).filter((hash) => hash !== undefined && isHash(hash));
  if (!Number.isSafeInteger(index) || hashes.length !== hashLines.length || hashes.length > PROOF_LENGTH_LIMIT) {
    return undefined;
  }
  return {
    index,
    hashes: hashes.filter((hash) => hash !== undefined),
    checkpoint: text.slice(end + 2),
    ...(extra === undefined ? {} : { extra }),
  };
}

/**
 * Checks a proof offline (C2SP tlog-proof, "Verifying").
 * @param leaf the entry's leaf hash
 * @returns the checkpoint that covers it, or undefined if the path does not lead there
 * @throws {NoteError} for a checkpoint that cannot be trusted
 */
export function verifyTlogProof(proof: TlogProof, leaf: Uint8Array, log: NoteVerifier): Checkpoint | undefined {
  const checkpoint = openCheckpoint(proof.checkpoint, log);
  const { size, root } = checkpoint;
  return verifyInclusion(proof.index, size, leaf, proof.hashes, root) ? checkpoint : undefined;
}
