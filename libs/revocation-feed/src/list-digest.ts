import { createHash } from 'node:crypto';
import { bucketKeyOf } from './revocation.js';
import { type ListedRevocation, type SignedDigest } from './statement.js';

interface Held {
  readonly number: number;
  readonly holder: string | undefined;
  readonly issuedBefore: number;
  readonly until: number;
  /** The hash of its content; hexadecimal. */
  readonly hash: string;
}

/** Entries that expire in the same second. They are removed together, so that only the statement's own clock decides which are counted. */
interface Bin {
  readonly hashes: Set<string>;
  digest: Buffer | undefined;
}

/** Seconds for which expired entries are remembered: replicas whose clocks differ may state the list for an earlier time again. */
const REMEMBERED_SECONDS = 300;

const sha256 = (content: string): Buffer => createHash('sha256').update(content).digest();

/**
 * Checks whether a list is complete, by one hash over its content, independent of the order of arrival. Entries are added by number, and
 * counted once a statement covers that number; newer ones wait. An addition costs a hash, a comparison one for each second in which entries have
 * changed.
 */
export class ListDigest {
  readonly #held = new Map<string, Held>();
  readonly #bins = new Map<number, Bin>();
  /** Clients whose own entry has replaced those of their tokens, up to a number. */
  readonly #replaced = new Map<string, { readonly number: number; readonly until: number }>();
  /** Entries that no statement has counted yet. */
  #waiting: ListedRevocation[] = [];

  add(listed: ListedRevocation): void {
    this.#waiting.push(listed);
  }

  /**
   * The hash of the current entries.
   * @param number the last revocation that is counted
   * @param at seconds; entries that expire before it are not counted
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

  /** Whether the list matches the issuer's statement. */
  agreesWith({ number, at, entries, digest }: SignedDigest): boolean {
    const own = this.of(number, at);
    return own.entries === entries && own.digest === digest;
  }

  #count(number: number): void {
    const counted = this.#waiting.filter((one) => one.number <= number);
    this.#waiting = this.#waiting.filter((one) => one.number > number);
    counted.sort((one, other) => one.number - other.number);
    for (const one of counted) this.#take(one);
  }

  /** A second revocation of the same thing only extends the first, as the list itself does. */
  #take({ revocation, number, holder, replaces }: ListedRevocation): void {
    if (holder !== undefined && number <= (this.#replaced.get(holder)?.number ?? -1)) return;
    const key = bucketKeyOf(revocation);
    const known = this.#held.get(key);
    const until = Math.max(revocation.until, known?.until ?? 0);
    const issuedBefore = Math.max('issuedBefore' in revocation ? revocation.issuedBefore : 0, known?.issuedBefore ?? 0);
    const latest = Math.max(number, known?.number ?? 0);
    const hash = sha256(`${key} ${String(issuedBefore)} ${String(until)}`).toString('hex');
    if (known !== undefined) this.#leave(key, known);
    this.#held.set(key, { number: latest, holder, issuedBefore, until, hash });
    this.#change(until, (hashes) => hashes.add(hash));
    if (revocation.kind === 'client' && replaces !== undefined) this.#replace(revocation.clientId, replaces, until);
  }

  #replace(clientId: string, number: number, until: number): void {
    const known = this.#replaced.get(clientId);
    this.#replaced.set(clientId, { number: Math.max(number, known?.number ?? 0), until });
    if (known !== undefined && known.number >= number) return;
    for (const [key, held] of this.#held) if (held.holder === clientId && held.number <= number) this.#leave(key, held);
  }

  #leave(key: string, { until, hash }: Held): void {
    this.#held.delete(key);
    this.#change(until, (hashes) => hashes.delete(hash));
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
    for (const entries of [this.#held, this.#replaced]) {
      for (const [key, { until }] of entries) if (until < before) entries.delete(key);
    }
  }
}
