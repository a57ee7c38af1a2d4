import { concat, zeros, type Bytes } from '#platform';
import { TILE_WIDTH } from './tile-path.js';

/** Entries in a bundle's encoding: each preceded by its length as 16 bits, big-endian (C2SP tlog-tiles). @throws {RangeError} for one that is too long */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Bytes {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    if (entry.length > 0xffff) throw new RangeError('an entry of a bundle has at most 65,535 bytes');
    const length = zeros(2);
    new DataView(length.buffer, length.byteOffset).setUint16(0, entry.length);
    parts.push(length, entry);
  }
  return concat(parts);
}

/** Reads a bundle. @returns undefined if it is incomplete, or holds more than 256 entries */
export function decodeEntryBundle(bundle: Bytes): readonly Bytes[] | undefined {
  const entries: Bytes[] = [];
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.length);
  for (let at = 0; at < bundle.length;) {
    if (at + 2 > bundle.length || entries.length === TILE_WIDTH) return undefined;
    const end = at + 2 + view.getUint16(at);
    if (end > bundle.length) return undefined;
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return entries;
}
