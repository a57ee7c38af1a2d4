import { median } from './statistics.js';

/** What is compared: a name and one round of it, which answers its figure (microseconds an operation, requests a second, …). */
export interface Candidate<Name extends string = string> {
  readonly name: Name;
  /** @returns the figure of this round */
  round(): Promise<number> | number;
}

export interface InterleaveOptions {
  readonly rounds: number;
  /** Rounds that are run first and not counted; 1 by default. */
  readonly warmup?: number;
  /** Called before each round. */
  readonly onRound?: (round: number) => void;
}

/**
 * Runs every candidate once a round, in turn, and each round begins with another of them: what disturbs the machine disturbs all.
 * @returns each candidate's median
 */
export async function interleave<Name extends string>(
  candidates: readonly Candidate<Name>[],
  { rounds, warmup = 1, onRound }: InterleaveOptions,
): Promise<Readonly<Record<Name, number>>> {
  const figures = new Map<Name, number[]>(candidates.map(({ name }) => [name, []]));
  for (let round = -warmup; round < rounds; round += 1) {
    onRound?.(round);
    const first = (round + warmup) % candidates.length;
    for (const candidate of [...candidates.slice(first), ...candidates.slice(0, first)]) {
      const figure = await candidate.round();
      if (round >= 0) figures.get(candidate.name)?.push(figure);
    }
  }
  const medians = candidates.map(({ name }) => [name, median(figures.get(name) ?? [])] as const);
  return recordOf(medians);
}

function recordOf<Name extends string>(entries: readonly (readonly [Name, number])[]): Record<Name, number> {
  const record: Partial<Record<Name, number>> = {};
  for (const [name, value] of entries) record[name] = value;
  const isWhole = (one: Partial<Record<Name, number>>): one is Record<Name, number> =>
    entries.every(([name]) => name in one);
  if (!isWhole(record)) throw new Error('a candidate has no figure');
  return record;
}
