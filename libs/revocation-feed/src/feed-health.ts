import { messageOf, TOKEN_LIFE_LIMIT_SECONDS } from '@countersign/auth-core';
import { type FeedLogger, type RevocationFeedOptions, type RevocationFeedState } from './feed-options.js';

type Policies = Pick<RevocationFeedOptions, 'whenLost' | 'atStart' | 'graceSeconds' | 'quietStartMs'>;

/** Whether the list can be relied on, since when it cannot, and what that means for a request. */
export class FeedHealth {
  readonly #startedAt: number;
  /** Milliseconds since 1970. */
  #completeUntil: number | undefined;
  #lostAt: number | undefined;
  #unreadable = 0;
  #lagMs: number | null = null;
  #lastError: string | null = null;
  #warnedOf: string | undefined;
  #keepError: string | null = null;
  #keepKeysError: string | null = null;

  /** @param hasLoaded whether there has ever been a complete list */
  constructor(
    private readonly policies: Policies,
    private readonly logger: FeedLogger,
    private readonly now: () => number,
    private readonly hasLoaded: () => boolean,
  ) {
    this.#startedAt = now();
    this.#lostAt = this.#startedAt;
  }

  get isLost(): boolean {
    return this.#lostAt !== undefined;
  }

  get lastError(): string | null {
    return this.#lastError;
  }

  get isRefusing(): boolean {
    if (this.#lostAt === undefined) return false;
    const { whenLost = 'accept', atStart = 'refuse' } = this.policies;
    const policy = this.hasLoaded() ? whenLost : atStart;
    return policy === 'refuse' || this.isTooOld(this.#completeUntil ?? this.#startedAt);
  }

  /** @param at milliseconds since 1970 */
  isTooOld(at: number): boolean {
    return this.now() - at > (this.policies.graceSeconds ?? TOKEN_LIFE_LIMIT_SECONDS) * 1_000;
  }

  lost(error: unknown): void {
    const reason = messageOf(error);
    this.#lostAt ??= this.now();
    this.#lastError = reason;
    if (reason === this.#warnedOf || this.#startsQuietly) return;
    this.#warnedOf = reason;
    this.logger.warn({ reason }, 'the revocation feed is lost; trying again');
  }

  get #startsQuietly(): boolean {
    return !this.hasLoaded() && this.now() - this.#startedAt < (this.policies.quietStartMs ?? 0);
  }

  current(entries: number): void {
    if (this.#lostAt !== undefined) this.logger.info({ entries }, 'revocations are current');
    this.#lostAt = undefined;
    this.#lastError = null;
    this.#warnedOf = undefined;
  }

  /** @param at milliseconds since 1970 */
  completeUntil(at: number): void {
    this.#completeUntil = Math.min(this.now(), at);
  }

  /** @param error why the list could not be written to its file; undefined if it was */
  kept(error?: unknown): void {
    const reason = error === undefined ? null : messageOf(error);
    if (reason !== null && reason !== this.#keepError)
      this.logger.warn({ reason }, 'the revocation list cannot be stored; trying again');
    this.#keepError = reason;
  }

  /** @param reason why the keys cannot be written to their file; empty once they can be again */
  keptKeys(reason: string): void {
    this.#keepKeysError = reason === '' ? null : reason;
    if (reason !== '') this.logger.warn({ reason }, 'the keys of the revocations cannot be kept; trying again');
  }

  unreadable(): void {
    this.#unreadable += 1;
  }

  /** @returns milliseconds from the entry's creation at the issuer until it is in force here */
  pushed(madeAt: number): number {
    return (this.#lagMs = Math.max(0, this.now() - madeAt));
  }

  state(entries: number, number: number | undefined): RevocationFeedState {
    const time = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
    return {
      state: this.#lostAt === undefined ? 'current' : this.hasLoaded() ? 'lost' : 'loading',
      entries,
      number: this.#completeUntil === undefined ? null : (number ?? null),
      completeUntil: time(this.#completeUntil),
      lostSince: time(this.#lostAt),
      refusing: this.isRefusing,
      unreadable: this.#unreadable,
      lagMs: this.#lagMs,
      lastError: this.#lastError,
      keepError: this.#keepError ?? this.#keepKeysError,
    };
  }
}
