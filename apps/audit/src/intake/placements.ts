import { type Place, type Placement } from '@countersign/audit-client';

/** The salts of an event's masked fields, base64url, by path. */
export type Salts = Readonly<Record<string, string>>;

/** Where one event stands. */
export interface Placed {
  readonly source: string;
  readonly sequence: bigint;
  /** Its log index; null for a dead letter, which has only a number. */
  readonly index: bigint | null;
  readonly salts?: Salts | undefined;
}

interface Run {
  readonly first: bigint;
  readonly index: bigint | null;
  last: bigint;
  readonly salts: Record<string, Salts>;
}

function follows({ sequence, index }: Placed, { first, last, index: begin }: Run): boolean {
  if (sequence !== last + 1n) return false;
  return index === null || begin === null ? index === begin : index === begin + (sequence - first);
}

function placeOf({ first, last, index, salts }: Run): Place {
  return {
    first: first.toString(),
    last: last.toString(),
    index: index === null ? null : index.toString(),
    ...(Object.keys(salts).length === 0 ? {} : { salts }),
  };
}

/** The log indices of its events, for each source: consecutive events with consecutive indices are one entry. */
export function placementsOf(placed: readonly Placed[]): readonly Placement[] {
  return [...Map.groupBy(placed, ({ source }) => source)].map(([source, events]) => {
    const runs: Run[] = [];
    const inOrder = events.toSorted((one, other) => Number(one.sequence - other.sequence));
    for (const event of inOrder) {
      const { sequence, index, salts } = event;
      let run = runs.at(-1);
      if (run?.last === sequence) continue;
      if (run !== undefined && follows(event, run)) run.last = sequence;
      else {
        run = { first: sequence, last: sequence, index, salts: {} };
        runs.push(run);
      }
      if (salts !== undefined) run.salts[sequence.toString()] = salts;
    }
    return { source, places: runs.map(placeOf) };
  });
}
