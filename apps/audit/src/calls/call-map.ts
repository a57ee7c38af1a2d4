import { timeBoundSchema } from '@countersign/service-host';
import { z } from 'zod';

const HOUR_MS = 3_600_000;
/** Maximum days of one map. */
export const MAP_DAYS = 400;
/** Maximum pairs of caller and service in one response: those with the most events. */
export const MAP_PAIRS = 500;
/** Maximum events, the newest of the period, used to compute the transactions' times. */
export const TIMED_EVENTS = 20_000;

/** `GET /events/calls`: whole hours; the last 24 by default. */
export const callMapSchema = z
  .strictObject({ from: timeBoundSchema.optional(), to: timeBoundSchema.optional() })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, {
    path: ['to'],
    message: 'must be after from',
  });
export type CallMapQuery = z.infer<typeof callMapSchema>;

/** From the start of one hour to the start of another. */
export interface Hours {
  readonly from: Date;
  readonly to: Date;
}

const floor = (time: number): Date => new Date(Math.floor(time / HOUR_MS) * HOUR_MS);
const ceiling = (time: number): Date => new Date(Math.ceil(time / HOUR_MS) * HOUR_MS);

/** The whole hours that a query covers. @returns undefined for more than {@link MAP_DAYS} */
export function hoursOf({ from, to }: CallMapQuery, now: Date): Hours | undefined {
  const end = ceiling((to ?? now).getTime());
  const begin = from === undefined ? new Date(end.getTime() - 24 * HOUR_MS) : floor(from.getTime());
  return end.getTime() - begin.getTime() > MAP_DAYS * 24 * HOUR_MS ? undefined : { from: begin, to: end };
}

/** What one caller did at one service. Counts are strings, because they may exceed the range of a JSON number. */
export interface Calls {
  /** The client that acted: the newest actor, else the client itself; null if no caller could be verified. */
  readonly caller: string | null;
  /** The service that recorded it. */
  readonly callee: string;
  readonly allowed: string;
  /** Refusals of unverified callers count by their number, not by the events that summarise them. */
  readonly denied: string;
  readonly failed: string;
  /** Transactions with more than one event here; null if there were none. */
  readonly times: CallTimes | null;
}

/**
 * How long transactions took: from the first to the last event that the service recorded for one. Events say when something was done, not how
 * long it took, so a transaction with a single event has no time.
 */
export interface CallTimes {
  readonly transactions: number;
  /** Milliseconds. */
  readonly median_ms: number;
  readonly p95_ms: number;
}

export interface CallMap {
  /** The first hour, and the end of the last hour. */
  readonly from: string;
  readonly to: string;
  /** The most events first. */
  readonly calls: readonly Calls[];
  /** Pairs that did not fit. */
  readonly left_out: number;
  /** The log index (exclusive) up to which events are counted. */
  readonly counted_through: string;
  /** Maximum newest events used to compute times. */
  readonly timed_events: number;
}
