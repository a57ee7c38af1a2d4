import { type Finding } from './finding.js';

/** Milliseconds that two clocks may differ: validators tolerate five seconds, some of which must remain. */
const TOLERATED_MS = 2_000;
/** A `Date` header omits fractions of a second. */
const SECOND_MS = 1_000;

/** One reading of another machine's clock. */
export interface ClockReading {
  readonly where: string;
  /** Milliseconds since 1970 by this machine's clock, before the request and after the answer. */
  readonly begun: number;
  readonly ended: number;
  /** The answer's `Date`. */
  readonly date: string;
}

/** How far ahead of this machine a clock is: at least `least`, at most `most` milliseconds. */
interface Ahead {
  readonly where: string;
  readonly least: number;
  readonly most: number;
}

/** Names the two clocks that differ the most, if they certainly differ by more than is tolerated; a slow response proves nothing. */
export function clockDifference(readings: readonly ClockReading[]): readonly Finding[] {
  const clocks: readonly Ahead[] = [
    { where: 'this machine', least: 0, most: 0 },
    ...readings.flatMap(({ where, begun, ended, date }) => {
      const said = Date.parse(date);
      return Number.isNaN(said) ? [] : [{ where, least: said - ended, most: said + SECOND_MS - begun }];
    }),
  ];
  const fast = clocks.reduce((one, other) => (other.least > one.least ? other : one));
  const slow = clocks.reduce((one, other) => (other.most < one.most ? other : one));
  const apart = fast.least - slow.most;
  if (apart <= TOLERATED_MS) return [];
  return [
    {
      code: 'CLOCKS_DIFFER',
      where: fast.where,
      what: `its clock is at least ${(apart / SECOND_MS).toFixed(1)} s ahead of ${slow.where}`,
      to_do: 'Synchronise the clocks (NTP): beyond five seconds tokens are refused as not valid yet.',
    },
  ];
}
