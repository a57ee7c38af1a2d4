import { requireScopes } from '../bearer-token.js';
import { type ApiKeyIdentity, type Principal } from '../principal.js';
import { quiet, type Timer } from '../quiet-timer.js';
import { type RevocationList } from '../revocation-list.js';
import { TokenError } from '../token-error.js';
import { ApiKeyTokens, type ApiKeyExchangeOptions } from './api-key-tokens.js';
import { limitExceeded } from './limit-exceeded.js';
import { ApiKeyLimits } from './limits/api-key-limits.js';
import { type LimitState, type LimitStore } from './limits/limit-store.js';
import { MemoryLimitStore } from './limits/memory-limit-store.js';
import { loadNetworks, mayBeUsedFrom, networkOf } from './networks.js';
import { ApiKeyUsage, type ApiKeyOutcome, type ApiKeyUsageReport } from './usage.js';

/** Milliseconds between two rounds that give back what leases left over, and between two that hand on what was counted. */
const GIVE_BACK_MS = 25;
const TELL_MS = 1_000;

export interface ApiKeysOptions extends ApiKeyExchangeOptions {
  /** Where replicas share the limits; in this process by default, so give a shared one where a service has replicas. */
  readonly limitStore?: LimitStore | undefined;
  /**
   * Keeps what was counted, once a second, at most 200 uses a report: what a crash loses is what it has not kept. What it does not keep (it
   * throws) is counted on.
   */
  readonly onUsage?: ((report: ApiKeyUsageReport) => Promise<void>) | undefined;
  /** What is revoked: whatever it says of a key, the issuer is asked about that key again, so that an enabled one works at once. */
  readonly revocations?: RevocationList;
  /** Tells the issuer of a key that was sent in an address, where anybody may read it. */
  readonly onExposed?: ((key: string) => Promise<void>) | undefined;
}

/** What one request with a key is. */
export interface ApiKeyRequest {
  /** Of the caller, as the service knows it: for the key's networks, and for the penalty of floods. */
  readonly address?: string | undefined;
  /** The class of routes by whose limit it counts; `default` when left out. */
  readonly routeClass?: string | undefined;
  /** All of which the key must have. */
  readonly scopes?: readonly string[] | undefined;
}

/** The class of routes that name none. */
export const DEFAULT_ROUTE_CLASS = 'default';

/** Everything that a service does with API keys: verify, limit, count. */
export class ApiKeys {
  readonly #tokens: ApiKeyTokens;
  readonly #limits: ApiKeyLimits;
  readonly #usage: ApiKeyUsage;
  readonly #timers: readonly Timer[];
  #telling: Promise<void> | undefined;

  constructor(private readonly options: ApiKeysOptions) {
    const { now = Date.now, monotonic } = options;
    this.#tokens = new ApiKeyTokens(options);
    options.revocations?.onRevocation?.((revocation) => {
      if (revocation.kind === 'api-key') this.#tokens.forgetRefusal(revocation.apiKeyId);
    });
    const store = options.limitStore ?? new MemoryLimitStore(now);
    this.#limits = new ApiKeyLimits({ store, ...(monotonic === undefined ? {} : { monotonic }) });
    this.#usage = new ApiKeyUsage(now, networkOf);
    const every = (ms: number, work: () => Promise<void>): Timer =>
      quiet(
        setInterval(() => {
          work().catch(() => undefined);
        }, ms),
      );
    this.#timers = [
      every(GIVE_BACK_MS, () => this.#limits.giveBack()),
      every(TELL_MS, () => this.#telling ?? this.tell()),
    ];
  }

  /**
   * The caller of a repeated key, at once.
   * @returns nothing when {@link identify} must look
   * @throws {TokenError}
   */
  recall(key: string, address: string | undefined): Principal | undefined {
    const principal = this.#tokens.cached(key);
    return principal === undefined ? undefined : fromNetwork(principal, address);
  }

  /**
   * The caller of a key.
   * @throws {TokenError} 401 `API_KEY_INVALID`, 403 `API_KEY_NETWORK`, 429 `API_KEYS_GUESSED`, 503 `API_KEYS_UNAVAILABLE`
   */
  async identify(key: string, address: string | undefined): Promise<Principal> {
    const [principal] = await Promise.all([this.#tokens.verify(key, address), loadNetworks()]);
    return fromNetwork(principal, address);
  }

  /** Spends one request. @returns nothing for a key without a limit; a promise only where the shares of the limit must be asked for first */
  spend(key: ApiKeyIdentity, routeClass: string): LimitState | undefined | Promise<LimitState> {
    return this.#limits.spend(key, routeClass);
  }

  /** Spends and counts one request, only from what is here. @returns nothing when it must be asked for, or may not pass: then `spend` says */
  passNow(key: ApiKeyIdentity, routeClass: string, address: string | undefined): LimitState | 'unlimited' | undefined {
    const state = this.#limits.spendNow(key, routeClass);
    if (state !== undefined) this.#usage.count(key, routeClass, 'allowed', address);
    return state;
  }

  /** Whether a request would be refused for its limit, as far as it is known here. Nothing is spent or counted. */
  refusedNow(key: ApiKeyIdentity, routeClass: string): LimitState | undefined {
    return this.#limits.refusedNow(key, routeClass);
  }

  /** Counts one request. */
  count(key: ApiKeyIdentity, routeClass: string, outcome: ApiKeyOutcome, address: string | undefined): void {
    this.#usage.count(key, routeClass, outcome, address);
  }

  /** Requests that were never counted, because what was counted could not be kept for long and filled its room. */
  get lostUses(): number {
    return this.#usage.lost;
  }

  /**
   * All in one, for a service that has no guard: the caller, within the limit, whose scopes are there, counted. A request without the scopes
   * spends of the limit too.
   * @returns the caller, and what to tell it of its limit ({@link limitFields})
   * @throws {TokenError} also 403 `SCOPE_MISSING`, 429 `RATE_LIMITED`, `QUOTA_EXHAUSTED`; its `headers()` are the answer's
   */
  async verify(
    text: string,
    { address, routeClass = DEFAULT_ROUTE_CLASS, scopes = [] }: ApiKeyRequest = {},
  ): Promise<{ readonly principal: Principal; readonly limit: LimitState | undefined }> {
    const principal = this.#recalled(text, address) ?? (await this.identify(text, address));
    const { apiKey } = principal;
    if (apiKey === undefined) throw new TokenError('API_KEY_INVALID', 'the token names no key');
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

  /** Marks a key that came in an address. Failures are left alone: the caller is refused in any case. */
  async exposed(key: string): Promise<void> {
    await this.options.onExposed?.(key);
  }

  /** Hands on what was counted, now. @throws what `onUsage` threw; then it is counted on */
  async tell(): Promise<void> {
    while (this.#telling !== undefined) await this.#telling.catch(() => undefined);
    this.#telling = this.#tell();
    try {
      await this.#telling;
    } finally {
      this.#telling = undefined;
    }
  }

  async #tell(): Promise<void> {
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

  /** Ends the background work, and hands on what is left. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.allSettled([this.#limits.giveBack(), this.tell()]);
  }
}

function fromNetwork(principal: Principal, address: string | undefined): Principal {
  if (principal.apiKey !== undefined && !mayBeUsedFrom(principal.apiKey, address)) {
    throw new TokenError('API_KEY_NETWORK', principal.apiKey.id);
  }
  return principal;
}
