import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { RemoteKeySet, type Algorithm, type VerificationKey } from '@countersign/auth-core/jws';
import { CLOCK } from '@countersign/service-host';

/** Key sets of clients and outside issuers that are held at once; the one that was not asked for longest leaves. */
const SETS_LIMIT = 500;
const TIMEOUT_MS = 3_000;

export type Candidates = readonly VerificationKey[];
const NONE: Candidates = Object.freeze([]);

/**
 * Keys that clients and outside issuers publish by a `jwks_uri`: no redirects, a size and a time limit, one fetch at a time and address,
 * fetched when a client is first heard of and refreshed in the background, and at most one fetch in ten seconds for unknown `kid`s, none for
 * five minutes for one that was looked for without success.
 */
@Injectable()
export class RemoteKeys implements OnApplicationShutdown {
  readonly #sets = new Map<string, RemoteKeySet>();

  constructor(@Inject(CLOCK) private readonly clock: () => Date) {}

  /** Begins to hold the keys of an address, ahead of need, as long as there is room. */
  prepare(uri: string): void {
    if (this.#sets.has(uri) || this.#sets.size >= SETS_LIMIT) return;
    void this.#setOf(uri).refresh();
  }

  /**
   * The keys of an address that may have made a signature: at once when the `kid` is held, else after a fetch if one is due.
   * @param keyId the `kid` that the signature names; without one every key that fits the algorithm
   */
  candidates(uri: string, algorithm: Algorithm, keyId: string | undefined): Candidates | Promise<Candidates> {
    const set = this.#setOf(uri);
    const held = (): Candidates => (set.usable ? set.keys.candidates(algorithm, keyId) : NONE);
    const found = held();
    const known = set.usable && keyId !== undefined && set.keys.withKeyId(keyId).length > 0;
    return known || found.length > 0 ? found : set.refreshForUnknownKey(keyId).then(held);
  }

  #setOf(url: string): RemoteKeySet {
    const known = this.#sets.get(url);
    this.#sets.delete(url);
    const set =
      known ??
      new RemoteKeySet({
        source: url,
        fetch: (...request) => fetch(...request),
        now: () => this.clock().getTime(),
        timeoutMs: TIMEOUT_MS,
        refreshIntervalSeconds: 240,
        cooldownSeconds: 10,
        maxStaleSeconds: 3_600,
        onKeys: () => undefined,
      });
    this.#sets.set(url, set);
    const [oldest] = this.#sets.keys();
    if (this.#sets.size > SETS_LIMIT && oldest !== undefined) {
      this.#sets.get(oldest)?.close();
      this.#sets.delete(oldest);
    }
    return set;
  }

  onApplicationShutdown(): void {
    for (const set of this.#sets.values()) set.close();
  }
}
