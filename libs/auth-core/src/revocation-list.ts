import { type Principal } from './principal.js';
import { revokedName, type Revocation, type Revoked } from './revocation.js';

/** Called by a verifier for every request, repeated tokens included; it must answer from memory, in constant time. */
export interface RevocationList {
  /**
   * @param keyId the `kid` that signed the token
   * @throws {TokenError} `REVOCATIONS_UNAVAILABLE`, from a list that is configured to refuse when it has lost its feed
   */
  isRevoked(principal: Principal, keyId: string): boolean;
  /**
   * Calls the listener for each revocation once it is in force, and again if it arrives again. Optional.
   * @param listener must not throw
   */
  onRevocation?(listener: (revocation: Revocation) => void): void;
}

interface Entry {
  /** Tokens issued at or before it are refused; for a kind without such a time, all tokens. */
  readonly issuedBefore: number;
  readonly until: number;
}

/** Seconds for which an entry is kept beyond its expiry: more than any clock tolerance. */
const MARGIN_SECONDS = 60;
/**
 * Maximum seconds by which the time in a `jti` may be later than `iat`: an issuer moves it past a revocation, by the clock tolerance of its replicas.
 */
const JTI_AFTER_IAT_SECONDS = 15;
const uuidv7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * When a token was issued, as precisely as it states: by the milliseconds of a `jti` that is a UUIDv7 (RFC 9562, section 5.7) and agrees with `iat`,
 * else by `iat`, which counts seconds. The token's signature covers both.
 * @returns seconds since 1970
 */
export function issuedAtOf({ tokenId, issuedAt }: Principal): number {
  if (!uuidv7.test(tokenId)) return issuedAt;
  const seconds = Number.parseInt(tokenId.slice(0, 8) + tokenId.slice(9, 13), 16) / 1_000;
  return seconds >= issuedAt && seconds <= issuedAt + JTI_AFTER_IAT_SECONDS ? seconds : issuedAt;
}

/** Revocations in memory. Each entry only adds a refusal, so the order of the calls does not matter. All times are seconds since 1970. */
export class MemoryRevocationList implements RevocationList {
  readonly #entries = {
    token: new Map<string, Entry>(),
    transaction: new Map<string, Entry>(),
    client: new Map<string, Entry>(),
    subject: new Map<string, Entry>(),
    'api-key': new Map<string, Entry>(),
    key: new Map<string, Entry>(),
  } as const satisfies Readonly<Record<Revoked['kind'], Map<string, Entry>>>;
  readonly #listeners: ((revocation: Revocation) => void)[] = [];
  #size = 0;

  /**
   * @param limit maximum entries; 1,000,000 by default, some 200 MB. None can be dropped without accepting a revoked token, so an entry beyond it
   * throws a RangeError, after expired ones have been dropped by {@link prune}
   */
  constructor(private readonly limit = 1_000_000) {}

  /** Entries held. */
  get size(): number {
    return this.#size;
  }

  /**
   * Puts a revocation in force, or extends an existing one. With `until` Infinity it is kept forever.
   * @throws {RangeError} when the list is full
   */
  add(revocation: Revocation): void {
    const entries = this.#entries[revocation.kind];
    const name = revokedName(revocation);
    const known = entries.get(name);
    if (known === undefined) {
      if (this.#size >= this.limit) {
        throw new RangeError(`the revocation list is full: it holds ${String(this.limit)} entries`);
      }
      this.#size += 1;
    }
    const issuedBefore = 'issuedBefore' in revocation ? revocation.issuedBefore : Infinity;
    entries.set(name, {
      issuedBefore: Math.max(issuedBefore, known?.issuedBefore ?? -Infinity),
      until: Math.max(revocation.until, known?.until ?? -Infinity),
    });
    for (const listener of this.#listeners) listener(revocation);
  }

  onRevocation(listener: (revocation: Revocation) => void): void {
    this.#listeners.push(listener);
  }

  isRevoked(principal: Principal, keyId: string): boolean {
    if (this.#size === 0) return false;
    const { token, transaction, client, subject, 'api-key': apiKey, key } = this.#entries;
    return (
      (token.size > 0 && token.has(principal.tokenId)) ||
      (transaction.size > 0 && transaction.has(principal.txn)) ||
      (key.size > 0 && key.has(keyId)) ||
      (apiKey.size > 0 && principal.apiKey !== undefined && isBefore(apiKey.get(principal.apiKey.id), principal)) ||
      (client.size + subject.size > 0 && this.#names(principal))
    );
  }

  /** Drops expired entries. @param now seconds */
  prune(now: number): void {
    const past = now - MARGIN_SECONDS;
    for (const entries of Object.values(this.#entries)) {
      for (const [name, { until }] of entries) if (until < past && entries.delete(name)) this.#size -= 1;
    }
  }

  /** Whether the token names a revoked client or subject. */
  #names(principal: Principal): boolean {
    const { client, subject } = this.#entries;
    if (
      isBefore(client.get(principal.clientId), principal) ||
      isBefore(client.get(principal.subject), principal) ||
      isBefore(subject.get(principal.subject), principal)
    )
      return true;
    for (const actor of principal.actors) {
      if (isBefore(client.get(actor.subject), principal) || isBefore(subject.get(actor.subject), principal))
        return true;
      if (actor.clientId !== undefined && isBefore(client.get(actor.clientId), principal)) return true;
    }
    return false;
  }
}

function isBefore(entry: Entry | undefined, principal: Principal): boolean {
  return entry !== undefined && principal.issuedAt <= entry.issuedBefore && issuedAtOf(principal) <= entry.issuedBefore;
}
