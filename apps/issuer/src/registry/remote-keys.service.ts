import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { BoundedMap } from '@countersign/auth-core';
import { RemoteKeySet, type KeySource, type KnownAlgorithm, type VerificationKey } from '@countersign/auth-core/jws';
import { CLOCK } from '@countersign/service-host';

/** Maximum key sets of clients and outside issuers held; the least recently used is evicted. */
const SETS_LIMIT = 500;
const TIMEOUT_MS = 3_000;

const nameOf = (source: string | KeySource): string => (typeof source === 'string' ? source : source.name);

export type Candidates = readonly VerificationKey[];
const NONE: Candidates = Object.freeze([]);

/**
 * Keys that clients and outside issuers publish at a `jwks_uri`: no redirects, a size and a time limit, one fetch at a time per URL,
 * fetched on first use and refreshed in the background, with at most one fetch in ten seconds for unknown `kid`s, and none for
 * five minutes for one that was not found.
 */
@Injectable()
export class RemoteKeys implements OnApplicationShutdown {
  readonly #sets = new BoundedMap<string, RemoteKeySet>(SETS_LIMIT, (_, set) => {
    set.close();
  });

  constructor(@Inject(CLOCK) private readonly clock: () => Date) {}

  /** Starts holding the keys of a URL, or of a discovery, ahead of need, as long as there is capacity. */
  prepare(source: string | KeySource): void {
    if (this.#sets.has(nameOf(source)) || this.#sets.size >= SETS_LIMIT) return;
    void this.#setOf(source).refresh();
  }

  /**
   * The keys of a URL that may have made a signature: immediately if the `kid` is known, otherwise after a fetch if one is due.
   * @param keyId the `kid` that the signature names; without one, every key that matches the algorithm
   */
  candidates(
    source: string | KeySource,
    algorithm: KnownAlgorithm,
    keyId: string | undefined,
  ): Candidates | Promise<Candidates> {
    const set = this.#setOf(source);
    const held = (): Candidates => (set.usable ? set.keys.candidates(algorithm, keyId) : NONE);
    const found = held();
    const known = set.usable && keyId !== undefined && set.keys.withKeyId(keyId).length > 0;
    return known || found.length > 0 ? found : set.refreshForUnknownKey(keyId).then(held);
  }

  /**
   * Whether the keys of a URL are available at all: if no fetch has ever returned any, what they signed can be neither accepted nor
   * refused.
   */
  areThere(source: string | KeySource): boolean {
    return this.#sets.get(nameOf(source))?.usable === true;
  }

  #setOf(source: string | KeySource): RemoteKeySet {
    const name = nameOf(source);
    const known = this.#sets.get(name);
    const set =
      known ??
      new RemoteKeySet({
        source,
        fetch: (...request) => fetch(...request),
        now: () => this.clock().getTime(),
        timeoutMs: TIMEOUT_MS,
        refreshIntervalSeconds: 240,
        cooldownSeconds: 10,
        maxStaleSeconds: 3_600,
        onKeys: () => undefined,
      });
    this.#sets.set(name, set);
    return set;
  }

  onApplicationShutdown(): void {
    for (const set of this.#sets.values()) set.close();
  }
}
