import { requireScopes } from '../bearer-token.js';
import { turnClock } from '../fast/turn-clock.js';
import { routeClassPattern } from '../jws/api-key-claim.js';
import { type ApiKeyIdentity, type Principal } from '../principal.js';
import { quiet, type Timer } from '../quiet-timer.js';
import { TokenError } from '../token-error.js';
import { API_KEY_PREFIX, findApiKeys } from './api-key.js';
import { ApiKeyTokens } from './api-key-tokens.js';
import { ExposedKeys } from './exposed-keys.js';
import { type ApiKeyRequest, type ApiKeysOptions } from './api-keys-options.js';
import { limitExceeded } from './limit-exceeded.js';
import { ApiKeyLimits } from './limits/api-key-limits.js';
import { type LimitState } from './limits/limit-store.js';
import { MemoryLimitStore } from './limits/memory-limit-store.js';
import { KeyNetworks, networkOf } from './networks.js';
import { ApiKeyUsage, type ApiKeyOutcome } from './usage.js';

/** Milliseconds between two rounds that return unused leases, and between two that report usage. */
const GIVE_BACK_MS = 25;
const REPORT_MS = 1_000;

/** The route class that declare none. */
export const DEFAULT_ROUTE_CLASS = 'default';

/** Everything that a service does with API keys: verify, limit, count. */
export class ApiKeys {
  readonly #tokens: ApiKeyTokens;
  readonly #networks = new KeyNetworks();
  readonly #limits: ApiKeyLimits;
  readonly #usage: ApiKeyUsage;
  readonly #exposed: ExposedKeys;
  readonly #timers: readonly Timer[];
  #flushing: Promise<void> | undefined;

  constructor(private readonly options: ApiKeysOptions) {
    const { now = turnClock.now, monotonic = turnClock.monotonic } = options;
    this.#tokens = new ApiKeyTokens({ ...options, now, monotonic });
    options.revocations?.onRevocation?.((revocation) => {
      if (revocation.kind === 'api-key') this.#tokens.forgetRefusal(revocation.apiKeyId);
    });
    const store = options.limitStore ?? new MemoryLimitStore(now);
    this.#limits = new ApiKeyLimits({ store, monotonic });
    this.#usage = new ApiKeyUsage(now, networkOf);
    this.#exposed = new ExposedKeys({
      report: (key) => options.onExposed?.(key) ?? Promise.resolve(),
      isKnown: (key) => this.#tokens.knows(key),
      mayGuess: (address) => this.#tokens.mayGuess(address),
      monotonic,
    });
    const every = (ms: number, work: () => Promise<void>): Timer =>
      quiet(
        setInterval(() => {
          work().catch(() => undefined);
        }, ms),
      );
    this.#timers = [
      every(GIVE_BACK_MS, () => this.#limits.giveBack()),
      every(REPORT_MS, () => this.#flushing ?? this.flush()),
      every(REPORT_MS, () => this.#exposed.send()),
    ];
  }

  /**
   * The caller of a repeated key, without waiting.
   * @returns undefined when {@link identify} is needed
   * @throws {TokenError}
   */
  recall(key: string, address: string | undefined): Principal | undefined {
    const principal = this.#tokens.cached(key);
    return principal === undefined ? undefined : this.#fromNetwork(principal, address);
  }

  /**
   * As {@link recall}, without a check of the caller's network: {@link passNow} and {@link refusedNow} check it.
   * @throws {TokenError}
   */
  recallAnywhere(key: string): Principal | undefined {
    return this.#tokens.cached(key);
  }

  /**
   * As {@link recallAnywhere}, for a whole `Authorization` header. This is the quickest answer to a repeated key.
   * @returns undefined also for any header other than `Bearer`, one space and a key
   * @throws {TokenError}
   */
  recallAuthorization(header: string): Principal | undefined {
    return this.#tokens.cachedAuthorization(header);
  }

  /**
   * The caller of a key.
   * @throws {TokenError} 401 `API_KEY_INVALID`, 403 `API_KEY_NETWORK`, 429 `API_KEYS_GUESSED`, 503 `API_KEYS_UNAVAILABLE`
   */
  async identify(key: string, address: string | undefined): Promise<Principal> {
    const [principal] = await Promise.all([this.#tokens.verify(key, address), this.#networks.load()]);
    return this.#fromNetwork(principal, address);
  }

  /** Spends one request. @returns undefined for a key without a limit; a promise only if a share of the limit must be requested first */
  spend(key: ApiKeyIdentity, routeClass: string): LimitState | undefined | Promise<LimitState> {
    return this.#limits.spend(key, routeClass);
  }

  /**
   * Spends and counts one request from local shares only.
   * @returns undefined when a share must be requested, or the request may not pass: then call {@link identify} and {@link spend}
   */
  passNow(key: ApiKeyIdentity, routeClass: string, address: string | undefined): LimitState | 'unlimited' | undefined {
    if (!this.#networks.allow(key, address)) return undefined;
    const state = this.#limits.spendNow(key, routeClass);
    if (state !== undefined) this.#usage.count(key, routeClass, 'allowed', address);
    return state;
  }

  /**
   * Whether a request would be refused for its limit, as far as this process knows. Nothing is spent or counted.
   * @returns undefined also for a request from outside the key's networks, which is refused for that
   */
  refusedNow(key: ApiKeyIdentity, routeClass: string, address: string | undefined): LimitState | undefined {
    return this.#networks.allow(key, address) ? this.#limits.refusedNow(key, routeClass) : undefined;
  }

  /** Counts one request. */
  count(key: ApiKeyIdentity, routeClass: string, outcome: ApiKeyOutcome, address: string | undefined): void {
    this.#usage.count(key, routeClass, outcome, address);
  }

  /** Requests that were never counted, because reports failed for so long that the buffer filled up. */
  get lostUses(): number {
    return this.#usage.lost;
  }

  /**
   * All in one, for a service without the guard: identifies the caller, checks limit and scopes, counts the request. A request that lacks the scopes
   * also spends from the limit.
   * @returns the caller, and the state of its limit to send back ({@link limitFields})
   * @throws {TokenError} also 400 `API_KEY_IN_URL`, 403 `SCOPE_MISSING`, 429 `RATE_LIMITED`, `QUOTA_EXHAUSTED`; send its `headers()` with the answer
   * @throws {TypeError} for a route class that no plan can name
   */
  async verify(
    text: string,
    { address, url, routeClass = DEFAULT_ROUTE_CLASS, scopes = [] }: ApiKeyRequest = {},
  ): Promise<{ readonly principal: Principal; readonly limit: LimitState | undefined }> {
    if (!routeClassPattern.test(routeClass))
      throw new TypeError('the route class must consist of a-z, 0-9, _ and -, and start with a letter');
    if (url?.includes(API_KEY_PREFIX) === true) this.refuseExposed(url, address);
    const principal = this.#recalled(text, address) ?? (await this.identify(text, address));
    const { apiKey } = principal;
    if (apiKey === undefined) throw new TokenError('API_KEY_INVALID', 'the token does not name a key');
    try {
      const limit = await this.spend(apiKey, routeClass);
      if (limit?.retryMs !== undefined) throw limitExceeded(limit);
      requireScopes(principal, ...scopes);
      this.count(apiKey, routeClass, 'allowed', address);
      return { principal, limit };
    } catch (error) {
      if (error instanceof TokenError)
        this.count(apiKey, routeClass, error.status === 429 ? 'limited' : 'denied', address);
      throw error;
    }
  }

  #recalled(key: string, address: string | undefined): Principal | undefined {
    try {
      return this.recall(key, address);
    } catch {
      return undefined;
    }
  }

  /**
   * Refuses a request with keys in its URL. Each is reported in the background, once, until the report arrives; of made-up ones only as many as the
   * caller's network may guess.
   * @param address of the caller
   * @throws {TokenError} `API_KEY_IN_URL`
   */
  refuseExposed(url: string, address?: string): void {
    const exposed = findApiKeys(url);
    for (const key of exposed) this.#exposed.seen(key, address);
    if (exposed.length > 0) throw new TokenError('API_KEY_IN_URL');
  }

  /** Reports usage now. @throws what `onUsage` threw; the counts are then kept for the next report */
  async flush(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing.catch(() => undefined);
    this.#flushing = this.#flush();
    try {
      await this.#flushing;
    } finally {
      this.#flushing = undefined;
    }
  }

  async #flush(): Promise<void> {
    const { onUsage } = this.options;
    for (let report = this.#usage.take(); report !== undefined; report = this.#usage.take()) {
      if (onUsage === undefined) continue;
      try {
        await onUsage(report);
      } catch (error) {
        this.#usage.giveBack(report);
        throw error;
      }
    }
  }

  #fromNetwork(principal: Principal, address: string | undefined): Principal {
    if (principal.apiKey !== undefined && !this.#networks.allow(principal.apiKey, address)) {
      throw new TokenError('API_KEY_NETWORK', principal.apiKey.id);
    }
    return principal;
  }

  /** Ends the background work, and reports the remaining counts. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.allSettled([this.#limits.giveBack(), this.flush(), this.#exposed.send()]);
  }
}
