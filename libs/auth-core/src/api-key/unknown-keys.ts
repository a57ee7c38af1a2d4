import { BoundedMap } from '../bounded-map.js';
import { TokenError } from '../token-error.js';
import { apiKeyHash, parseApiKey } from './api-key.js';
import { LimitExceeded } from './limit-exceeded.js';
import { networkOf } from './networks.js';

/** Milliseconds for which a key that the issuer rejected is refused without asking again. */
const REMEMBERED_MS = 10_000;
const WINDOW_MS = 60_000;
/** Maximum keys, and networks, that are remembered; the oldest is evicted for a new one. */ const KEPT_LIMIT = 10_000;

/** Keys that the issuer rejected, and the networks that sent them, so that a flood of made-up keys does not reach the issuer. */
export class UnknownKeys {
  /** By the key's hash, when the issuer was asked. */
  readonly #refused = new BoundedMap<string, number>(KEPT_LIMIT);
  /** By the key's id: the time after which the issuer may answer differently. */
  readonly #changed = new BoundedMap<string, number>(KEPT_LIMIT);
  readonly #shown = new BoundedMap<string, { readonly endsAt: number; count: number }>(KEPT_LIMIT);

  /** @param perMinute of one network */
  constructor(
    private readonly perMinute: number,
    private readonly monotonic: () => number,
  ) {}

  /** @throws {TokenError} for a key that was just refused, and for a network that sent too many */
  check(key: string, address: string | undefined): void {
    const now = this.monotonic();
    const refused = this.#refused.get(apiKeyHash(key));
    if (refused !== undefined && refused + REMEMBERED_MS > now && refused > this.#changedAt(key))
      throw new TokenError('API_KEY_INVALID', 'refused a moment ago');
    const endsAt = address === undefined ? undefined : this.#exhaustedUntil(networkOf(address), now);
    if (endsAt === undefined) return;
    const retryAfterSeconds = Math.ceil((endsAt - now) / 1_000);
    throw new LimitExceeded('API_KEYS_GUESSED', undefined, { 'retry-after': String(retryAfterSeconds) });
  }

  /** Makes the next request ask the issuer about a key again, because it changed. @param id of the key */
  forget(id: string): void {
    this.#changed.set(id, this.monotonic());
  }

  #changedAt(key: string): number {
    return (this.#changed.size === 0 ? undefined : this.#changed.get(parseApiKey(key)?.id ?? '')) ?? -Infinity;
  }

  /** @param askedAt when the issuer was asked, by the same clock: its answer does not include later changes */
  add(key: string, address: string | undefined, askedAt: number): void {
    this.#refused.set(apiKeyHash(key), askedAt);
    if (address !== undefined) this.#countGuess(networkOf(address), this.monotonic());
  }

  /**
   * Counts an unknown key that is about to cost the issuer something.
   * @param address of the caller; callers without one count as one network
   * @returns false for a network that sent too many; then nothing is counted
   */
  mayGuess(address: string | undefined): boolean {
    const now = this.monotonic();
    const network = address === undefined ? '' : networkOf(address);
    if (this.#exhaustedUntil(network, now) !== undefined) return false;
    this.#countGuess(network, now);
    return true;
  }

  /** @returns when the network may guess again; undefined if it may now */
  #exhaustedUntil(network: string, now: number): number | undefined {
    const shown = this.#shown.get(network);
    return shown === undefined || shown.endsAt <= now || shown.count < this.perMinute ? undefined : shown.endsAt;
  }

  #countGuess(network: string, now: number): void {
    const shown = this.#shown.get(network);
    if (shown !== undefined && shown.endsAt > now) {
      shown.count += 1;
      return;
    }
    this.#shown.set(network, { endsAt: now + WINDOW_MS, count: 1 });
  }
}
