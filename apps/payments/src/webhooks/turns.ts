import { type EndpointId } from './endpoint.js';

/**
 * The lane of an attempt. `swift`: to endpoints that are not known to hang; `slow`: to those that are paused between attempts, and
 * every attempt that has taken longer than a second. No matter how many endpoints hang, they only fill the slow lane.
 */
export type Lane = 'swift' | 'slow';

/** Somebody's endpoint. */
export interface EndpointOf {
  readonly endpointId: EndpointId;
  readonly clientId: string;
  readonly subject: string;
}

/** An endpoint with something due. */
export interface Ready extends EndpointOf {
  readonly dueAt: Date;
  readonly lane: Lane;
}

/** Places that are free in each lane. */
export type Free = Readonly<Record<Lane, number>>;

class Counts {
  readonly #counts = new Map<string, number>();

  constructor(under: readonly EndpointOf[]) {
    for (const one of under) this.add(one);
  }

  add(one: EndpointOf): void {
    for (const key of keysOf(one)) this.#counts.set(key, this.of(key) + 1);
  }

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }
}

/** Client, owner, endpoint. */
function keysOf({ clientId, subject, endpointId }: EndpointOf): readonly [string, string, string] {
  return [JSON.stringify([clientId]), JSON.stringify([clientId, subject]), endpointId];
}

/**
 * Whose turn it is: of all endpoints with something due, always the one whose client has the fewest attempts in progress, then whose
 * owner has, then which endpoint has, then what has waited longest. Each endpoint gets one turn at a time.
 * @param underWay one for each attempt that is in progress
 */
export function nextInTurn(ready: readonly Ready[], underWay: readonly EndpointOf[], free: Free): readonly Ready[] {
  const counts = new Counts(underWay);
  const left = { ...free };
  const chosen: Ready[] = [];
  const waiting = new Set(ready);
  const before = (one: Ready, other: Ready): boolean => {
    const [ours, theirs] = [keysOf(one), keysOf(other)];
    for (const place of [0, 1, 2] as const) {
      const more = counts.of(ours[place]) - counts.of(theirs[place]);
      if (more !== 0) return more < 0;
    }
    return one.dueAt < other.dueAt;
  };
  for (;;) {
    let next: Ready | undefined;
    for (const one of waiting) {
      if (left[one.lane] > 0 && (next === undefined || before(one, next))) next = one;
    }
    if (next === undefined) return chosen;
    waiting.delete(next);
    counts.add(next);
    left[next.lane] -= 1;
    chosen.push(next);
  }
}
