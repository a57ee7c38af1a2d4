import { BoundedMap } from '../bounded-map.js';
import { apiKeyHash } from './api-key.js';

/** Milliseconds for which a reported key is not reported again. */
const REPORTED_MS = 3_600_000;
const REPORTED_LIMIT = 10_000;
/** Maximum keys that wait for their report; beyond that only keys that this service knows are added. */
const WAITING_LIMIT = 1_000;

export interface ExposedKeysOptions {
  /** Tells the issuer. */
  readonly report: (key: string) => Promise<void>;
  /** Whether the key was accepted here before. */
  readonly isKnown: (key: string) => boolean;
  /** Whether this network may have another unknown key reported. */
  readonly mayGuess: (address: string | undefined) => boolean;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
}

/**
 * Keys that were sent in a URL. Each is reported once an hour however often it is sent, and kept until the report has arrived. Anyone can make up keys with
 * a right checksum: they are reported one after another, and no network has more of them reported than it may guess.
 */
export class ExposedKeys {
  /** By the key's hash, when it was reported. */
  readonly #reported = new BoundedMap<string, number>(REPORTED_LIMIT);
  readonly #waiting = new Map<string, string>();
  #sending: Promise<void> | undefined;

  constructor(private readonly options: ExposedKeysOptions) {}

  /** Notes a key; it is reported in the background. @param address of the caller */
  seen(key: string, address: string | undefined): void {
    const { isKnown, mayGuess, monotonic } = this.options;
    const hash = apiKeyHash(key);
    const reportedAt = this.#reported.get(hash);
    if (this.#waiting.has(hash) || (reportedAt !== undefined && monotonic() - reportedAt < REPORTED_MS)) return;
    if (!isKnown(key) && (this.#waiting.size >= WAITING_LIMIT || !mayGuess(address))) return;
    this.#waiting.set(hash, key);
    this.send().catch(() => undefined);
  }

  /** Reports the waiting keys. @throws what `report` threw: they wait for the next call */
  send(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #send(): Promise<void> {
    for (const [hash, key] of this.#waiting) {
      try {
        await this.options.report(key);
      } catch (error) {
        // All of them, so that none that the issuer would accept waits behind one that it refuses.
        this.#waiting.delete(hash);
        this.#waiting.set(hash, key);
        throw error;
      }
      this.#waiting.delete(hash);
      this.#reported.set(hash, this.options.monotonic());
    }
  }
}
