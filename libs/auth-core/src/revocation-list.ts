import { type Principal } from './principal.js';

/** What a verifier asks on every request, repeats included; it must answer from memory, in constant time. */
export interface RevocationList {
  /**
   * @param keyId the `kid` that signed the token
   * @throws {TokenError} `REVOCATIONS_UNAVAILABLE`, from a list that refuses when it no longer knows what is revoked
   */
  isRevoked(principal: Principal, keyId: string): boolean;
}

interface Before {
  readonly issuedBefore: number;
  readonly until: number;
}

/** Seconds for which an entry is kept beyond its time: more than any clock tolerance. */
const MARGIN_SECONDS = 60;

function extend(entries: Map<string, Before>, name: string, issuedBefore: number, until: number): void {
  const known = entries.get(name);
  entries.set(name, {
    issuedBefore: Math.max(issuedBefore, known?.issuedBefore ?? 0),
    until: Math.max(until, known?.until ?? 0),
  });
}

/**
 * Revocations held in memory: tokens by `jti`, clients' and subjects' tokens issued before a time, keys by `kid`. Each entry only adds a
 * refusal, so that the order of the calls makes no difference. All times are seconds since 1970.
 */
export class MemoryRevocationList implements RevocationList {
  readonly #tokens = new Map<string, number>();
  readonly #clients = new Map<string, Before>();
  readonly #subjects = new Map<string, Before>();
  readonly #keys = new Map<string, number>();

  /**
   * @param limit entries held at the most; 1,000,000 by default, some 200 MB. None can be left out without letting a revoked token pass, so
   * a further one throws a RangeError, once what no longer matters has been dropped by {@link prune}
   */
  constructor(private readonly limit = 1_000_000) {}

  /** Entries held. */
  get size(): number {
    return this.#tokens.size + this.#clients.size + this.#subjects.size + this.#keys.size;
  }

  /** @param expiresAt the entry may leave once the token itself has expired */
  revokeToken(tokenId: string, expiresAt: number): void {
    this.#admit(this.#tokens, tokenId);
    this.#tokens.set(tokenId, Math.max(expiresAt, this.#tokens.get(tokenId) ?? 0));
  }

  /**
   * @param issuedBefore tokens issued at or before it are refused
   * @param until the entry may leave once the last of these tokens has expired; kept for ever by default
   */
  revokeClient(clientId: string, issuedBefore: number, until = Infinity): void {
    this.#admit(this.#clients, clientId);
    extend(this.#clients, clientId, issuedBefore, until);
  }

  /**
   * @param issuedBefore tokens issued at or before it are refused
   * @param until the entry may leave once the last of these tokens has expired; kept for ever by default
   */
  revokeSubject(subject: string, issuedBefore: number, until = Infinity): void {
    this.#admit(this.#subjects, subject);
    extend(this.#subjects, subject, issuedBefore, until);
  }

  /** @param until the entry may leave once no validator can still hold the key; kept for ever by default */
  revokeKey(keyId: string, until = Infinity): void {
    this.#admit(this.#keys, keyId);
    this.#keys.set(keyId, Math.max(until, this.#keys.get(keyId) ?? 0));
  }

  isRevoked(principal: Principal, keyId: string): boolean {
    return (
      (this.#tokens.size > 0 && this.#tokens.has(principal.tokenId)) ||
      (this.#keys.size > 0 && this.#keys.has(keyId)) ||
      (this.#clients.size > 0 && principal.issuedAt <= (this.#clients.get(principal.clientId)?.issuedBefore ?? -1)) ||
      (this.#subjects.size > 0 && principal.issuedAt <= (this.#subjects.get(principal.subject)?.issuedBefore ?? -1))
    );
  }

  /** Drops entries that no longer matter. @param now seconds */
  prune(now: number): void {
    const past = now - MARGIN_SECONDS;
    for (const [tokenId, expiresAt] of this.#tokens) if (expiresAt < past) this.#tokens.delete(tokenId);
    for (const [keyId, until] of this.#keys) if (until < past) this.#keys.delete(keyId);
    for (const entries of [this.#clients, this.#subjects])
      for (const [name, { until }] of entries) if (until < past) entries.delete(name);
  }

  #admit(entries: ReadonlyMap<string, unknown>, name: string): void {
    if (this.size >= this.limit && !entries.has(name)) {
      throw new RangeError(`the revocation list is full: it holds ${String(this.limit)} entries`);
    }
  }
}
