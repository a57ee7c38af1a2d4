// The browser entry point: everything except `node:crypto` keys.
export { checkpointText, openCheckpoint, parseCheckpointText, signCheckpoint, type Checkpoint } from './checkpoint.js';
export { decodeEntryBundle, encodeEntryBundle } from './entry-bundle.js';
export { edgeOf, GrowingTree } from './growing-tree.js';
export { LEAF_SIZE_LIMIT, LeafError, leafOf, leafOfCanonical, type Leaf } from './leaf.js';
export { NoteKeyError, noteKeyOf, type NoteKey, type NoteSigner, type NoteVerifier } from './note-key.js';
export { importVerifierKey, openCheckpointAsync, type WebNoteVerifier } from './web-verifier.js';
export { consistencySpans, inclusionSpans, PROOF_LENGTH_LIMIT, verifyConsistency, verifyInclusion } from './proof.js';
export {
  NOTE_SIZE_LIMIT,
  NoteError,
  openNote,
  readNote,
  signNote,
  type NoteErrorCode,
  type SignedNote,
  type UnverifiedNote,
} from './signed-note.js';
export { coverOf, spanHash, spanOf, subtreesOf, type Span, type Subtree, type SubtreeHashes } from './span.js';
export { parseTilePath, TILE_WIDTH, tilePath, tileWidthAt, type TileAddress } from './tile-path.js';
export { hashesOf, TileHashes, TileMissingError, tilesOf, type Tile, type TilePlace } from './tiles.js';
export { formatTlogProof, parseTlogProof, verifyTlogProof, type TlogProof } from './tlog-proof.js';
export { HASH_LENGTH, isHash, leafHash, nodeHash, rootOf, splitPoint } from './tree.js';
export {
  ExportCheck,
  type ExportCheckOptions,
  type ExportedEntry,
  type ExportReport,
  type RestoredSpan,
} from './export-check.js';
export { type Bridge, type ExportPart, type Skipped } from './export-part.js';
export { logDeclarationOf, type LogDeclaration } from './log-declaration.js';
export { type LeafHashes } from './leaf-hashes.js';
export { type Fault, type FaultCode } from './export-faults.js';
export { SequenceRanges, type SequenceRange } from './sequence-ranges.js';
export { copyOf, equal, fromBase64, toBase64, toHex, type Bytes } from '#platform';
