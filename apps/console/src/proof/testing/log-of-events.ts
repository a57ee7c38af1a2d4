import { generateKeyPairSync, sign } from 'node:crypto';
import {
  copyOf,
  coverOf,
  encodeEntryBundle,
  fromBase64,
  GrowingTree,
  leafOf,
  noteKeyOf,
  parseTilePath,
  rootOf,
  signCheckpoint,
  spanOf,
  toBase64,
  type Bytes,
  type NoteSigner,
} from '@countersign/merkle-log';
import { type LogSource } from '../log-source.js';

function newSigner(): NoteSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = fromBase64(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64'));
  if (raw === undefined) throw new Error('a key has no public half');
  return {
    ...noteKeyOf('log.test', raw),
    verify: () => false,
    sign: (text) => copyOf(sign(null, Buffer.from(text), privateKey)),
  };
}

interface LogEvent {
  readonly id?: string;
  readonly source?: string;
  readonly sequence?: string;
}

/** A log of some events, signed by its own key: what audit serves, in memory. */
export class LogOfEvents implements LogSource {
  signers: [NoteSigner, ...NoteSigner[]] = [newSigner()];
  /** The size of its newest checkpoint. */
  size: number;
  readonly leaves: Bytes[];

  constructor(readonly events: readonly LogEvent[]) {
    this.size = events.length;
    this.leaves = events.map((event) => leafOf(event).hash);
  }

  /** From now on another key signs too. */
  addKey(): void {
    this.signers = [...this.signers, newSigner()];
  }

  noteOf(size: number): string {
    return signCheckpoint(size, rootOf(this.leaves.slice(0, size)), ...this.signers);
  }

  checkpoint(): Promise<string> {
    return Promise.resolve(this.noteOf(this.size));
  }

  keys(): Promise<readonly string[]> {
    return Promise.resolve(this.signers.map(({ verifierKey }) => verifierKey));
  }

  bytes(path: string): Promise<Uint8Array> {
    const address = parseTilePath(path);
    if (address === undefined) return Promise.reject(new Error(`no tile ${path}`));
    const { level, index, width } = address;
    if (level === 'entries') {
      const held = this.events.slice(index * 256, index * 256 + width);
      return Promise.resolve(encodeEntryBundle(held.map((event) => Buffer.from(leafOf(event).json))));
    }
    const hashes = new GrowingTree().append(copyOf(Buffer.concat(this.leaves)));
    const tile = hashes.findLast((one) => one.level === level && one.index === index);
    return tile === undefined
      ? Promise.reject(new Error(`no tile ${path}`))
      : Promise.resolve(tile.hashes.subarray(0, width * 32));
  }

  /** An export of a run of events, in audit's format. */
  export(first: number, end: number): string {
    const cover = (from: number, to: number): object => ({
      from: String(from),
      hashes: coverOf({ first: from, end: to }).map((subtree) => {
        const span = spanOf(subtree);
        return toBase64(rootOf(this.leaves.slice(span.first, span.end)));
      }),
    });
    const note = this.noteOf(this.size);
    const start = {
      first_index: String(first),
      tree_size: String(this.size),
      checkpoint: note,
      filtered: false,
      passing: [],
      skipped: cover(0, first),
    };
    const lines = this.events.slice(first, end).map((event, at) => ({
      log_index: String(first + at),
      source: event.source,
      sequence: event.sequence,
      checkpoint: String(this.size),
      leaf_hash: toBase64(this.leaves[first + at] ?? rootOf([])),
      event,
    }));
    const rest = {
      events: end - first,
      complete: true,
      next_cursor: null,
      checkpoint: note,
      skipped: cover(end, this.size),
    };
    return [{ start }, ...lines, { end: rest }].map((line) => `${JSON.stringify(line)}\n`).join('');
  }
}

/** Events as payments records them. */
export function someEvents(count: number, note = 'paid'): readonly LogEvent[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `event-${String(at)}`,
    source: 'payments',
    sequence: String(at + 1),
    type: 'countersign.payments.payment.read.v1',
    time: new Date(1_790_000_000_000 + at * 1_000).toISOString(),
    data: { resource: `payment/${String(at)}`, note, amount: 100 + at, peer: 'ü' },
  }));
}
