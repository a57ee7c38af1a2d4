import { type Principal } from '../principal.js';

export interface Verified {
  readonly token: string;
  readonly principal: Principal;
  readonly keyId: string;
}

/** Places in a set: a token has one set, and may be in any of its places. */
const WAYS = 8;
/** Room beyond the limit, so that sets overflow seldom before the whole is full. */
const SLACK = 1.5;

/**
 * The place of a token follows from characters of its signature: they are as good as random, and nobody can choose those of a token that
 * verifies. The very last character is left out, because it carries few bits.
 */
function hashOf(token: string): number {
  const end = token.length - 2;
  return (
    Math.imul(token.charCodeAt(end), 0x9e3779b1) ^
    Math.imul(token.charCodeAt(end - 1), 0x85ebca6b) ^
    Math.imul(token.charCodeAt(end - 2), 0xc2b2ae35) ^
    Math.imul(token.charCodeAt(end - 3), 0x27d4eb2f)
  );
}

/**
 * Tokens that verified, bounded: a set-associative table, as processors' caches are. A token's set is found by a few characters of its
 * signature and the token is compared whole; what leaves a full set is its least recently used. Against a list in order of use for the
 * whole cache, this costs a hit one number and an addition no move of others; what is in use stays through a flood of tokens seen once.
 */
export class VerifiedCache {
  readonly #entries: (Verified | undefined)[];
  /** The hash of each entry, apart from it: a miss then reads one line of memory. 0 for none. */
  readonly #hashes: Int32Array;
  /** The cache's count of hits and additions when each entry was last asked for. */
  readonly #usedAt: Float64Array;
  readonly #mask: number;
  #uses = 0;

  /** @param limit tokens that it is meant for: none is kept for 0, three times as many at the most otherwise */
  constructor(limit: number) {
    const sets = limit > 0 ? Math.max(1, 2 ** Math.ceil(Math.log2((limit * SLACK) / WAYS))) : 0;
    this.#entries = new Array<Verified | undefined>(sets * WAYS).fill(undefined);
    this.#hashes = new Int32Array(sets * WAYS);
    this.#usedAt = new Float64Array(sets * WAYS);
    this.#mask = sets - 1;
  }

  /** Tokens kept now. */
  get size(): number {
    return this.#entries.reduce((count, entry) => (entry === undefined ? count : count + 1), 0);
  }

  get(token: string): Verified | undefined {
    const place = this.#placeOf(token);
    if (place === -1) return undefined;
    this.#usedAt[place] = this.#uses += 1;
    return this.#entries[place];
  }

  add(token: string, principal: Principal, keyId: string): void {
    if (this.#entries.length === 0) return;
    const hash = hashOf(token);
    const first = ((hash >>> 8) & this.#mask) * WAYS;
    let place = first;
    for (let other = first + 1; other < first + WAYS; other += 1) {
      if ((this.#usedAt[other] ?? 0) < (this.#usedAt[place] ?? 0)) place = other;
    }
    this.#entries[place] = { token, principal, keyId };
    this.#hashes[place] = hash;
    this.#usedAt[place] = this.#uses += 1;
  }

  delete(token: string): void {
    const place = this.#placeOf(token);
    if (place !== -1) this.#clear(place);
  }

  /** Drops every token of a key that is no longer published. */
  keepKeys(keyIds: ReadonlySet<string>): void {
    this.deleteWhere(({ keyId }) => !keyIds.has(keyId));
  }

  /** Drops every token that `drop` names. */
  deleteWhere(drop: (verified: Verified) => boolean): void {
    for (const [place, entry] of this.#entries.entries()) if (entry !== undefined && drop(entry)) this.#clear(place);
  }

  #clear(place: number): void {
    this.#entries[place] = undefined;
    this.#hashes[place] = 0;
    this.#usedAt[place] = 0;
  }

  #placeOf(token: string): number {
    if (this.#entries.length === 0) return -1;
    const hash = hashOf(token);
    const first = ((hash >>> 8) & this.#mask) * WAYS;
    for (let place = first; place < first + WAYS; place += 1) {
      if (this.#hashes[place] === hash && this.#entries[place]?.token === token) return place;
    }
    return -1;
  }
}
