/** What distinguishes refusals of unverified callers. */
export interface RefusalKind {
  /** Why: the refusal's stable code. */
  readonly code: string;
  readonly method: string;
  /** The route's pattern. */
  readonly route: string;
  /** Where they came from: an IPv4 address, an IPv6 /64. */
  readonly network: string;
  /** The id of an API key that was used too often. */
  readonly apiKey?: string | undefined;
}

/** Refusals of one kind that have no event yet. */
export interface CountedRefusals extends RefusalKind {
  readonly count: number;
  readonly first: Date;
  readonly last: Date;
}

interface Count {
  readonly kind: RefusalKind;
  count: number;
  first: Date;
  last: Date;
}

/** Maximum kinds that are counted separately; beyond that, networks are combined. */
const KIND_LIMIT = 512;

/** The network of refusals that are not counted by network. */
export const OTHER_NETWORKS = 'others';

/**
 * Counts refusals, so that a flood of them becomes a few events and not one each. Its memory is bounded: beyond {@link KIND_LIMIT}
 * kinds the networks are not distinguished, and the number of codes and routes is limited.
 */
export class RefusalTally {
  readonly #counts = new Map<string, Count>();

  constructor(private readonly limit = KIND_LIMIT) {}

  /**
   * Counts a refusal.
   * @returns the refusal itself when it is the first of its kind, to be recorded immediately; undefined when it is recorded with later ones
   */
  add(kind: RefusalKind, now: Date): CountedRefusals | undefined {
    const own = this.#counts.get(keyOf(kind));
    const counted = own === undefined && this.#counts.size >= this.limit ? { ...kind, network: OTHER_NETWORKS } : kind;
    const key = keyOf(counted);
    const count = own ?? this.#counts.get(key);
    if (count === undefined) {
      this.#counts.set(key, { kind: counted, count: 0, first: now, last: now });
      return { ...counted, count: 1, first: now, last: now };
    }
    if (count.count === 0) count.first = now;
    count.count += 1;
    count.last = now;
    return undefined;
  }

  /** What was counted since the last call, each kind once. A kind without further refusals is dropped: its next refusal is a first one. */
  take(): readonly CountedRefusals[] {
    const taken: CountedRefusals[] = [];
    for (const [key, counted] of this.#counts) {
      const { kind, count, first, last } = counted;
      if (count === 0) this.#counts.delete(key);
      else taken.push({ ...kind, count, first, last });
      counted.count = 0;
    }
    return taken;
  }

  /** Counts again what could not be recorded. */
  giveBack({ count, first, last, ...kind }: CountedRefusals): void {
    const key = keyOf(kind);
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { kind, count, first, last });
    else {
      if (known.count === 0) known.last = last;
      known.count += count;
      known.first = first;
    }
  }
}

function keyOf({ code, method, route, network, apiKey }: RefusalKind): string {
  return JSON.stringify([code, method, route, network, apiKey]);
}
