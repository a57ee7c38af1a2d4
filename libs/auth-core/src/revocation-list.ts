import { type Principal } from './principal.js';

/** What a verifier asks on every request, repeats included; it must answer from memory. */
export interface RevocationList {
  /** @param keyId the `kid` that signed the token */
  isRevoked(principal: Principal, keyId: string): boolean;
}

/** Revocations held in memory: tokens by `jti`, clients' and subjects' tokens issued before a time, keys by `kid`. */
export class MemoryRevocationList implements RevocationList {
  readonly #tokens = new Map<string, number>();
  readonly #clients = new Map<string, number>();
  readonly #subjects = new Map<string, number>();
  readonly #keys = new Set<string>();

  /** @param expiresAt seconds; the entry may leave once the token itself has expired */
  revokeToken(tokenId: string, expiresAt: number): void {
    this.#tokens.set(tokenId, expiresAt);
  }

  /** @param issuedBefore seconds; tokens issued at or before it are refused */
  revokeClient(clientId: string, issuedBefore: number): void {
    this.#clients.set(clientId, Math.max(issuedBefore, this.#clients.get(clientId) ?? 0));
  }

  /** @param issuedBefore seconds; tokens issued at or before it are refused */
  revokeSubject(subject: string, issuedBefore: number): void {
    this.#subjects.set(subject, Math.max(issuedBefore, this.#subjects.get(subject) ?? 0));
  }

  revokeKey(keyId: string): void {
    this.#keys.add(keyId);
  }

  isRevoked(principal: Principal, keyId: string): boolean {
    return (
      (this.#tokens.size > 0 && this.#tokens.has(principal.tokenId)) ||
      (this.#keys.size > 0 && this.#keys.has(keyId)) ||
      (this.#clients.size > 0 && principal.issuedAt <= (this.#clients.get(principal.clientId) ?? -1)) ||
      (this.#subjects.size > 0 && principal.issuedAt <= (this.#subjects.get(principal.subject) ?? -1))
    );
  }

  /** Drops entries of tokens that have expired. @param now seconds */
  prune(now: number): void {
    for (const [tokenId, expiresAt] of this.#tokens) if (expiresAt < now) this.#tokens.delete(tokenId);
  }
}
