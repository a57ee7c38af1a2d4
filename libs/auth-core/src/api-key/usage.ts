/** The outcome of a request with a key. */
export type ApiKeyOutcome = 'allowed' | 'denied' | 'limited';

/** How often a key was used in one hour. */
export interface ApiKeyUse {
  readonly api_key_id: string;
  /** The start of the hour, RFC 3339 UTC. */
  readonly hour: string;
  readonly route_class: string;
  readonly outcome: ApiKeyOutcome;
  readonly count: number;
  /** The time of the last of them, RFC 3339 UTC to the minute: a report may arrive much later. Missing in a report that an older version stored. */
  readonly last_at?: string | undefined;
}

/** A network from which a key came. */
export interface ApiKeyNetworkSeen {
  readonly api_key_id: string;
  /** An IPv4 address, or the first half of an IPv6 address. */
  readonly network: string;
}

/** How often keys were used, and from which networks, since the previous report. */
export interface ApiKeyUsageReport {
  readonly uses: readonly ApiKeyUse[];
  readonly networks: readonly ApiKeyNetworkSeen[];
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Maximum entries of one report: it must fit into a request to the issuer. */
export const USES_OF_A_REPORT = 200;
/** Maximum networks of one report. */
export const NETWORKS_OF_A_REPORT = 100;
/** Characters of a network in a report: anything that is not an address is not reported. */
export const NETWORK_CHARACTERS = { min: 2, max: 64 } as const;
/** Maximum counters, and networks, that wait for a report: some 10 MB. */
const WAITING_LIMIT = 50_000;
/** Networks that are remembered for one key. */
const NETWORKS_LIMIT = 64;
/** Maximum keys whose networks are remembered; beyond that all are reported again. */
const KEYS_LIMIT = 100_000;

interface Counter {
  readonly use: Omit<ApiKeyUse, 'count' | 'hour' | 'last_at'>;
  readonly hour: number;
  count: number;
  /** Milliseconds since 1970. */
  lastAt: number;
  /** Whether it is in a report: then no more uses are added to it. */
  isTaken: boolean;
}

/** The last counter and address of a key, so that a repeated key needs no lookup by text. */
interface Last {
  counter: Counter | undefined;
  address: string | undefined;
}

/** One key, as described by its token: the same object for the token's life. */
interface CountedKey {
  readonly id: string;
}

const minuteOf = (ms: number): string => new Date(Math.floor(ms / MINUTE_MS) * MINUTE_MS).toISOString();

const nameOf = ({ api_key_id: id, route_class: routeClass, outcome }: Counter['use'], hour: number): string =>
  `${id} ${routeClass} ${outcome} ${String(hour)}`;

/** Counts uses in memory: a request costs one addition. Counts that were taken and could not be stored are put back. */
export class ApiKeyUsage {
  readonly #counters = new Map<string, Counter>();
  readonly #last = new WeakMap<CountedKey, Last>();
  readonly #networks = new Map<string, Set<string>>();
  #seen: ApiKeyNetworkSeen[] = [];
  #lost = 0;

  /**
   * @param now milliseconds since 1970
   * @param networkOf the network of an address
   */
  constructor(
    private readonly now: () => number,
    private readonly networkOf: (address: string) => string,
    private readonly limit = WAITING_LIMIT,
  ) {}

  /** Requests that were not counted, because too many keys were waiting for a report. */
  get lost(): number {
    return this.#lost;
  }

  count(key: CountedKey, routeClass: string, outcome: ApiKeyOutcome, address: string | undefined): void {
    const now = this.now();
    const hour = Math.floor(now / HOUR_MS);
    let last = this.#last.get(key);
    if (last === undefined) this.#last.set(key, (last = { counter: undefined, address: undefined }));
    const { counter } = last;
    if (
      counter !== undefined &&
      !counter.isTaken &&
      counter.hour === hour &&
      counter.use.route_class === routeClass &&
      counter.use.outcome === outcome
    ) {
      counter.count += 1;
      counter.lastAt = now;
    } else {
      const use = { api_key_id: key.id, route_class: routeClass, outcome };
      last.counter = this.#counterOf({ use, hour, count: 1, lastAt: now });
    }
    if (address === undefined || address === last.address) return;
    last.address = address;
    this.#see(key.id, address);
  }

  /** @returns undefined if there was no space, and the count is lost */
  #counterOf({ use, hour, count, lastAt }: Omit<Counter, 'isTaken'>): Counter | undefined {
    const name = nameOf(use, hour);
    const known = this.#counters.get(name);
    if (known !== undefined) {
      known.count += count;
      known.lastAt = Math.max(known.lastAt, lastAt);
      return known;
    }
    if (this.#counters.size >= this.limit) {
      this.#lost += count;
      return undefined;
    }
    const counter = { use, hour, count, lastAt, isTaken: false };
    this.#counters.set(name, counter);
    return counter;
  }

  #see(id: string, address: string): void {
    const known = this.#networks.get(id);
    const network = this.networkOf(address);
    if (network.length < NETWORK_CHARACTERS.min || network.length > NETWORK_CHARACTERS.max) return;
    if (known === undefined) {
      if (this.#networks.size >= KEYS_LIMIT) this.#networks.clear();
      this.#networks.set(id, new Set([network]));
    } else {
      if (known.has(network) || known.size >= NETWORKS_LIMIT) return;
      known.add(network);
    }
    if (this.#seen.length < this.limit) this.#seen.push({ api_key_id: id, network });
  }

  /** Takes what was counted and not taken yet, up to the size of a report. @returns undefined if there is nothing */
  take(): ApiKeyUsageReport | undefined {
    if (this.#counters.size === 0 && this.#seen.length === 0) return undefined;
    const uses: ApiKeyUse[] = [];
    for (const [name, counter] of this.#counters) {
      if (uses.length === USES_OF_A_REPORT) break;
      const { use, hour, count, lastAt } = counter;
      uses.push({ ...use, hour: new Date(hour * HOUR_MS).toISOString(), count, last_at: minuteOf(lastAt) });
      counter.isTaken = true;
      this.#counters.delete(name);
    }
    return { uses, networks: this.#seen.splice(0, NETWORKS_OF_A_REPORT) };
  }

  /** Puts back what could not be stored. */
  giveBack({ uses, networks }: ApiKeyUsageReport): void {
    for (const { hour, count, last_at: last = hour, ...use } of uses)
      this.#counterOf({ use, hour: Date.parse(hour) / HOUR_MS, count, lastAt: Date.parse(last) });
    this.#seen.push(...networks.slice(0, Math.max(0, this.limit - this.#seen.length)));
  }
}
