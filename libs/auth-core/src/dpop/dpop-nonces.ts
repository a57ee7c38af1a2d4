import { createHmac, timingSafeEqual } from 'node:crypto';

/** The key of the nonces, and how long each is accepted. */
export interface DpopNoncesOptions {
  /** The secret that nonces are derived from, at least 32 bytes; the same at all replicas. */
  readonly key: Uint8Array;
  /** Minimum seconds for which a nonce is accepted; the maximum is twice that. 10 to 3,600, 300 by default. */
  readonly lifetimeSeconds?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Minimum bytes of a key. */
const KEY_BYTES = 32;
/** Maximum milliseconds by which the clocks of two replicas may differ. */
const SKEW_MS = 5_000;
const LENGTH = 32;

/**
 * The nonces that a server requires in DPoP proofs (RFC 9449, section 8), so that no proof can be made in advance. They are derived from a key and
 * the time only: nothing is stored, and every replica accepts the nonces of the others.
 */
export class DpopNonces {
  readonly #periodMs: number;
  readonly #now: () => number;
  #latest: { readonly period: number; readonly nonce: string } | undefined;

  /** @throws {RangeError} for a key that is too short, or a lifetime out of range */
  constructor(private readonly options: DpopNoncesOptions) {
    const { key, lifetimeSeconds = 300, now = Date.now } = options;
    if (key.length < KEY_BYTES)
      throw new RangeError(`the key of DPoP nonces must have at least ${String(KEY_BYTES)} bytes`);
    if (!(lifetimeSeconds >= 10 && lifetimeSeconds <= 3_600))
      throw new RangeError('lifetimeSeconds must be 10 to 3600');
    this.#periodMs = lifetimeSeconds * 1_000;
    this.#now = now;
  }

  /** The current value of `DPoP-Nonce`. */
  current(): string {
    const period = this.#periodAt(this.#now());
    if (this.#latest?.period !== period) this.#latest = { period, nonce: this.#nonceOf(period) };
    return this.#latest.nonce;
  }

  /** Whether a proof's nonce belongs to this period or the previous one, by the clock of any replica. */
  accepts(nonce: string | undefined): boolean {
    if (nonce?.length !== LENGTH) return false;
    const now = this.#now();
    const periods = new Set([this.#periodAt(now), this.#periodAt(now) - 1, this.#periodAt(now + SKEW_MS)]);
    const given = Buffer.from(nonce);
    return [...periods].some((period) => {
      const expected = Buffer.from(this.#nonceOf(period));
      return expected.length === given.length && timingSafeEqual(expected, given);
    });
  }

  #periodAt(ms: number): number {
    return Math.floor(ms / this.#periodMs);
  }

  #nonceOf(period: number): string {
    const made = createHmac('sha256', this.options.key).update(`countersign DPoP nonce ${String(period)}`);
    return made.digest('base64url').slice(0, LENGTH);
  }
}
