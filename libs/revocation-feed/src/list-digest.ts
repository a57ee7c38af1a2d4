import { createHash } from 'node:crypto';
import { type Revocation } from '@countersign/auth-core';
import { bucketKeyOf } from './revocation.js';

/** What the whole list is, as the issuer signs it. */
export interface SignedDigest {
  /** The last revocation that is counted. */
  readonly number: number;
  /** Seconds since 1970; entries that matter until then or longer are counted. */
  readonly at: number;
  readonly entries: number;
  /** SHA-256 in base64url. */
  readonly digest: string;
}

interface Held {
  readonly issuedBefore: number;
  readonly until: number;
  /** What it is, hashed; in hexadecimal digits. */
  readonly hash: string;
}

/** An entry that no statement has counted yet. */
interface Waiting {
  readonly number: number;
  readonly key: string;
  readonly revocation: Revocation;
}

/** Entries that end in the same second. They leave together, so that no clock but the statement's own decides which are counted. */
interface Bin {
  readonly hashes: Set<string>;
  digest: Buffer | undefined;
}

/** Seconds for which what has ended is remembered: replicas whose clocks differ may state the list for an earlier time once more. */
const REMEMBERED_SECONDS = 300;

const sha256 = (content: string): Buffer => createHash('sha256').update(content).digest();

/**
 * Tells whether a list is complete, by one hash over what it holds, whatever the order in which it came. Entries are added by their number,
 * and counted once a statement says that number; what is newer waits. An addition costs a hash, a comparison one for each second in which
 * entries have changed.
 */
export class ListDigest {
  readonly #held = new Map<string, Held>();
  readonly #bins = new Map<number, Bin>();
  #waiting: Waiting[] = [];

  /** @param number its place in the order of all revocations */
  add(revocation: Revocation, number: number): void {
    this.#waiting.push({ number, key: bucketKeyOf(revocation), revocation });
  }

  /**
   * The hash of what matters.
   * @param number the last revocation that is counted
   * @param at seconds; entries that end before it are not counted
   */
  of(number: number, at: number): SignedDigest {
    this.#count(number);
    this.#forget(at - REMEMBERED_SECONDS);
    const hash = createHash('sha256');
    let entries = 0;
    for (const until of [...this.#bins.keys()].filter((end) => end >= at).sort((one, other) => one - other)) {
      const bin = this.#bins.get(until);
      if (bin === undefined) continue;
      bin.digest ??= sha256([...bin.hashes].sort().join('\n'));
      entries += bin.hashes.size;
      hash.update(`${String(until)} ${String(bin.hashes.size)}\n`).update(bin.digest);
    }
    return { number, at, entries, digest: hash.digest('base64url') };
  }

  /** Whether the list is what the issuer says that it is. */
  agreesWith({ number, at, entries, digest }: SignedDigest): boolean {
    const own = this.of(number, at);
    return own.entries === entries && own.digest === digest;
  }

  #count(number: number): void {
    const later: Waiting[] = [];
    for (const one of this.#waiting) {
      if (one.number > number) later.push(one);
      else this.#take(one.key, one.revocation);
    }
    this.#waiting = later;
  }

  /** A second revocation of the same thing only extends the first, as the list itself does. */
  #take(key: string, revocation: Revocation): void {
    const known = this.#held.get(key);
    const until = Math.max(revocation.until, known?.until ?? 0);
    const issuedBefore = Math.max('issuedBefore' in revocation ? revocation.issuedBefore : 0, known?.issuedBefore ?? 0);
    if (known !== undefined) {
      if (known.until === until && known.issuedBefore === issuedBefore) return;
      this.#change(known.until, (hashes) => hashes.delete(known.hash));
    }
    const hash = sha256(`${key} ${String(issuedBefore)} ${String(until)}`).toString('hex');
    this.#held.set(key, { issuedBefore, until, hash });
    this.#change(until, (hashes) => hashes.add(hash));
  }

  #change(until: number, change: (hashes: Set<string>) => unknown): void {
    let bin = this.#bins.get(until);
    if (bin === undefined) this.#bins.set(until, (bin = { hashes: new Set(), digest: undefined }));
    change(bin.hashes);
    bin.digest = undefined;
    if (bin.hashes.size === 0) this.#bins.delete(until);
  }

  #forget(before: number): void {
    let isOver = false;
    for (const until of this.#bins.keys()) if (until < before) isOver = this.#bins.delete(until) || isOver;
    if (!isOver) return;
    for (const [key, { until }] of this.#held) if (until < before) this.#held.delete(key);
  }
}
