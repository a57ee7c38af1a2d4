import { MemoryRevocationList, type Principal } from '@countersign/auth-core';
import { type KeySet } from '@countersign/auth-core/jws';
import { DIGEST_KEY } from './bucket-reader.js';
import { ListDigest } from './list-digest.js';
import { bucketKeyOf } from './revocation.js';
import { readDigest, readStatement, StatementError } from './read-statement.js';
import { type SignedDigest, type Statement } from './statement.js';

/** Seconds after its expiry from which an entry refuses nothing: no clock is off by that much. */
const PAST_SECONDS = 60;

export interface HeldListOptions {
  readonly issuer: string;
  readonly keys: () => KeySet;
  readonly entryLimit: number | undefined;
  /** Whether the signed entries themselves are kept, to be written to a file. */
  readonly keepsTexts: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A validator's list: entries that the issuer signed, and the issuer's last statement of what the whole list is. */
export class HeldList {
  readonly #list: MemoryRevocationList;
  readonly #digest = new ListDigest();
  readonly #texts = new Map<string, { readonly text: string; readonly until: number }>();
  #stated: SignedDigest | undefined;
  #statedText = '';

  constructor(private readonly options: HeldListOptions) {
    this.#list = new MemoryRevocationList(options.entryLimit);
  }

  /** Entries held. */
  get size(): number {
    return this.#list.size;
  }

  /** The issuer's last statement of the whole list. */
  get stated(): SignedDigest | undefined {
    return this.#stated;
  }

  /** The signed entries by their key, and the statement of the whole list. */
  get texts(): { readonly digest: string; readonly entries: ReadonlyMap<string, string> } {
    return { digest: this.#statedText, entries: new Map([...this.#texts].map(([key, { text }]) => [key, text])) };
  }

  isRevoked(principal: Principal, keyId: string): boolean {
    return this.#list.isRevoked(principal, keyId);
  }

  /**
   * Puts an entry in force.
   * @returns its content; undefined for the statement of the whole list
   * @throws {StatementError} for an entry that cannot be trusted; the previous one under its key stays in force
   * @throws {RangeError} when the list is full
   */
  take(key: string, text: string): Statement | undefined {
    const { issuer, keys, now } = this.options;
    if (key === DIGEST_KEY) {
      if (text !== this.#statedText) this.#takeDigest(text, readDigest(text, issuer, keys(), now()));
      return undefined;
    }
    const statement = readStatement(text, issuer, keys(), now());
    const { revocation } = statement;
    if (bucketKeyOf(revocation) !== key) throw new StatementError('it is stored under the wrong name in the bucket');
    if (revocation.until >= now() / 1_000 - PAST_SECONDS) this.#list.add(revocation);
    this.#digest.add(statement);
    if (this.options.keepsTexts) this.#texts.set(key, { text, until: revocation.until });
    return statement;
  }

  /** Whether it is everything that the issuer last stated. */
  get isComplete(): boolean {
    return this.#stated !== undefined && this.#digest.agreesWith(this.#stated);
  }

  /** Deletes entries that no longer matter. */
  prune(): void {
    const now = this.options.now() / 1_000;
    this.#list.prune(now);
    for (const [key, { until }] of this.#texts) {
      if (until < Math.min(now, this.#stated?.at ?? now) - PAST_SECONDS) this.#texts.delete(key);
    }
  }

  /** A statement older than the last one says nothing new, however it arrived. */
  #takeDigest(text: string, stated: SignedDigest): void {
    const known = this.#stated;
    if (known !== undefined && (stated.number < known.number || stated.at < known.at - PAST_SECONDS)) return;
    if (known !== undefined && stated.number === known.number && stated.at < known.at) return;
    this.#stated = stated;
    this.#statedText = text;
  }
}
