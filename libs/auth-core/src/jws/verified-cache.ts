import { type Principal } from '../principal.js';

export interface Verified {
  readonly token: string;
  readonly principal: Principal;
  readonly keyId: string;
}

/**
 * Tokens that verified, bounded, oldest out first. Keyed by the signature's last characters and compared whole: hashing a short key is
 * several times cheaper than hashing the token, and only verified tokens enter, so a crafted ending can only miss.
 */
export class VerifiedCache {
  readonly #entries = new Map<string, Verified>();

  /** @param limit tokens kept at the most; 0 keeps none */
  constructor(private readonly limit: number) {}

  get(token: string): Verified | undefined {
    const entry = this.#entries.get(token.slice(-22));
    return entry?.token === token ? entry : undefined;
  }

  add(entry: Verified): void {
    if (this.limit === 0) return;
    if (this.#entries.size >= this.limit) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.#entries.set(entry.token.slice(-22), entry);
  }

  delete(token: string): void {
    this.#entries.delete(token.slice(-22));
  }

  /** Drops every token of a key that is no longer published. */
  keepKeys(keyIds: ReadonlySet<string>): void {
    for (const [key, { keyId }] of this.#entries) if (!keyIds.has(keyId)) this.#entries.delete(key);
  }
}
