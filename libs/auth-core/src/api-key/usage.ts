/** What became of a request with a key. */
export type ApiKeyOutcome = 'allowed' | 'denied' | 'limited';

/** How often a key was used in one hour. */
export interface ApiKeyUse {
  readonly api_key_id: string;
  /** The hour's beginning, RFC 3339 UTC. */
  readonly hour: string;
  readonly route_class: string;
  readonly outcome: ApiKeyOutcome;
  readonly count: number;
}

/** A network from which a key came. */
export interface ApiKeyNetworkSeen {
  readonly api_key_id: string;
  /** An IPv4 address, or the first half of an IPv6 address. */
  readonly network: string;
}

export interface ApiKeyUsageReport {
  readonly uses: readonly ApiKeyUse[];
  readonly networks: readonly ApiKeyNetworkSeen[];
}

const HOUR_MS = 3_600_000;
/** Networks that are remembered for one key. */
const NETWORKS_LIMIT = 64;
/** Keys whose networks are remembered; then all are told again. */
const KEYS_LIMIT = 100_000;

interface Counter {
  readonly use: Omit<ApiKeyUse, 'count' | 'hour'>;
  readonly hour: number;
  count: number;
}

interface Networks {
  last: string;
  readonly known: Set<string>;
}

/** Counts uses in memory: a request costs an addition. What was taken and could not be kept is given back. */
export class ApiKeyUsage {
  #counters = new Map<string, Counter>();
  readonly #networks = new Map<string, Networks>();
  #seen: ApiKeyNetworkSeen[] = [];

  /**
   * @param now milliseconds since 1970
   * @param networkOf the network of an address
   */
  constructor(
    private readonly now: () => number,
    private readonly networkOf: (address: string) => string,
  ) {}

  count(id: string, routeClass: string, outcome: ApiKeyOutcome, address: string | undefined): void {
    const hour = Math.floor(this.now() / HOUR_MS);
    const name = `${id} ${routeClass} ${outcome}`;
    const known = this.#counters.get(name);
    if (known?.hour === hour) known.count += 1;
    else this.#begin(name, known, { use: { api_key_id: id, route_class: routeClass, outcome }, hour, count: 1 });
    if (address !== undefined) this.#see(id, address);
  }

  /** What of the hour before was not told yet is told under a name of its own. */
  #begin(name: string, before: Counter | undefined, counter: Counter): void {
    if (before !== undefined) this.#counters.set(`${name} ${String(before.hour)}`, before);
    this.#counters.set(name, counter);
  }

  #see(id: string, address: string): void {
    const networks = this.#networks.get(id);
    if (networks?.last === address) return;
    const network = this.networkOf(address);
    if (networks === undefined) {
      if (this.#networks.size >= KEYS_LIMIT) this.#networks.clear();
      this.#networks.set(id, { last: address, known: new Set([network]) });
    } else {
      networks.last = address;
      if (networks.known.has(network) || networks.known.size >= NETWORKS_LIMIT) return;
      networks.known.add(network);
    }
    this.#seen.push({ api_key_id: id, network });
  }

  /** What was counted since the last time. @returns nothing when nothing was */
  take(): ApiKeyUsageReport | undefined {
    if (this.#counters.size === 0 && this.#seen.length === 0) return undefined;
    const uses = [...this.#counters.values()].map(({ use, hour, count }) => ({
      ...use,
      hour: new Date(hour * HOUR_MS).toISOString(),
      count,
    }));
    const networks = this.#seen;
    this.#counters = new Map();
    this.#seen = [];
    return { uses, networks };
  }

  /** Counts again what could not be kept. */
  giveBack({ uses, networks }: ApiKeyUsageReport): void {
    for (const { hour: text, count, ...use } of uses) {
      const hour = Date.parse(text) / HOUR_MS;
      const name = `${use.api_key_id} ${use.route_class} ${use.outcome} ${String(hour)}`;
      const known = this.#counters.get(name);
      if (known === undefined) this.#counters.set(name, { use, hour, count });
      else known.count += count;
    }
    this.#seen.push(...networks);
  }
}
