import { type ApiKeyLimit } from '../../principal.js';

/** The state of one limit of one key that all replicas share. Times are milliseconds since 1970, by the store's clock. */
export interface SharedBucket {
  /** Requests that are not leased, as a fraction; for a limit per minute. */
  readonly level: number;
  readonly at: number;
  /** Requests that were leased and not returned, in the day and the month of `at`. */
  readonly day: number;
  readonly month: number;
  /** By replica. */
  readonly leases: Readonly<Record<string, Lease>>;
}

/** Requests that a replica may let pass without asking. */
interface Lease {
  readonly count: number;
  /** Until then its replica uses it. */
  readonly until: number;
}

/** What a replica sends: how much of its last lease it used, and what it wants. */
export interface LeaseRequest {
  readonly replica: string;
  /** Requests of its lease that it let pass; the rest is returned. */
  readonly used: number;
  /** 0 to only return. */
  readonly wanted: number;
}

/** What a replica may let pass, and for how long. */
export interface LeaseAnswer {
  /** Requests that it may let pass; 0 when none are left. */
  readonly granted: number;
  /** Milliseconds for which the lease is valid. */
  readonly lastsMs: number;
  /** Milliseconds until the next request may pass; 0 when some were granted. */
  readonly retryMs: number;
  /** Requests that other replicas hold and may return, and the milliseconds until then. */
  readonly elsewhere: number;
  readonly settledMs: number;
  /** What else is left: in the bucket, and of the quota with the least left. */
  readonly remaining: number;
  /** The exhausted limit, when no requests are left. */
  readonly exhausted?: 'rate' | 'day' | 'month';
}

/** Maximum and minimum milliseconds of a lease: what a replica does not use in that time is returned. */
const LEASE_MS = 1_000;
const SHORTEST_LEASE_MS = 25;
/** Leases per filling time of a bucket: use that is not reported yet delays the filling by as much. */
const LEASES_A_FILL = 50;
/** Milliseconds of grace after a lease expires before it counts as used up: its replica may have crashed. */
export const SETTLE_MS = 1_000;
/** Milliseconds, and fraction of the burst, to wait before a refused replica asks again. */
const GATHER_MS = 100;
const GATHER_SHARE = 0.01;
/** Milliseconds after the end of a lease within which its replica returns the rest, unless it crashed. */
const GIVEN_BACK_MS = 75;
/** Fraction of the capacity below which leases are small, so that what other replicas hold does not matter. */
const SCARCE_SHARE = 0.25;
const LAST_SHARE = 0.01;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Requests at once. */
export function burstOf({ burst, perMinute }: ApiKeyLimit): number {
  return burst ?? perMinute ?? Infinity;
}

/** Requests before the first of its limits is reached. */
export function capacityOf(limit: ApiKeyLimit): number {
  return Math.min(burstOf(limit), limit.perDay ?? Infinity, limit.perMonth ?? Infinity);
}

const ratePerMs = ({ perMinute }: ApiKeyLimit): number => (perMinute ?? Infinity) / MINUTE_MS;

/**
 * A lease lasts a fraction of the bucket's filling time, so that unused shares are returned soon, and ends with the day where a quota counts: what it
 * lets pass then belongs to the day, and the month, in which it was granted.
 */
function leaseMsOf(limit: ApiKeyLimit, at: number): number {
  const untilNextDay = dayStart(at) + DAY_MS - at;
  const longest =
    limit.perDay === undefined && limit.perMonth === undefined ? LEASE_MS : Math.min(LEASE_MS, untilNextDay);
  if (limit.perMinute === undefined) return longest;
  const fraction = Math.max(SHORTEST_LEASE_MS, burstOf(limit) / ratePerMs(limit) / LEASES_A_FILL);
  return Math.min(longest, fraction);
}

const dayStart = (ms: number): number => ms - (ms % DAY_MS);

function monthStart(ms: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

/** Milliseconds until the next month, UTC. */
function monthEnd(ms: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1) - ms;
}

/** A bucket that nobody has used. */
function fullBucket(limit: ApiKeyLimit, now: number): SharedBucket {
  return { level: limit.perMinute === undefined ? 0 : burstOf(limit), at: now, day: 0, month: 0, leases: {} };
}

/** Settles a replica's lease, and those that nobody settled in time. */
function settled(bucket: SharedBucket, { replica, used }: LeaseRequest, now: number): SharedBucket {
  const own = bucket.leases[replica];
  const back = own === undefined ? 0 : Math.max(0, own.count - used);
  const held = Object.entries(bucket.leases).filter(([name, { until }]) => name !== replica && until + SETTLE_MS > now);
  const { level, day, month, at } = bucket;
  /** To the counts of a day or month only what was taken from them. */
  const backSince = (start: number): number => (own !== undefined && own.until > start ? back : 0);
  return {
    ...bucket,
    level: level + back,
    day: day - backSince(dayStart(at)),
    month: month - backSince(monthStart(at)),
    leases: Object.fromEntries(held),
  };
}

/** Requests that are leased. @param since only those of leases that last beyond this time */
function heldIn({ leases }: SharedBucket, since = -Infinity): number {
  return Object.values(leases).reduce((sum, { count, until }) => sum + (until > since ? count : 0), 0);
}

/** Leased requests count as still in the bucket, so that all replicas together never let more pass at once than the burst. */
function refilled(bucket: SharedBucket, limit: ApiKeyLimit, now: number): SharedBucket {
  const passed = Math.max(0, now - bucket.at);
  const at = Math.max(now, bucket.at);
  const [today, thisMonth] = [dayStart(at), monthStart(at)];
  const day = today === dayStart(bucket.at) ? bucket.day : heldIn(bucket, today);
  const month = thisMonth === monthStart(bucket.at) ? bucket.month : heldIn(bucket, thisMonth);
  if (limit.perMinute === undefined) return { ...bucket, at, day, month };
  const free = Math.max(bucket.level, burstOf(limit) - heldIn(bucket));
  const level = Math.min(free, bucket.level + passed * ratePerMs(limit));
  return { ...bucket, level: Math.min(level, burstOf(limit)), at, day, month };
}

interface Left {
  readonly rate: number;
  readonly day: number;
  readonly month: number;
}

function leftOf({ level, day, month }: SharedBucket, limit: ApiKeyLimit): Left {
  return {
    rate: limit.perMinute === undefined ? Infinity : level,
    day: (limit.perDay ?? Infinity) - day,
    month: (limit.perMonth ?? Infinity) - month,
  };
}

function waitFor(left: Left, limit: ApiKeyLimit, now: number): Pick<LeaseAnswer, 'retryMs' | 'exhausted'> {
  if (left.month < 1) return { retryMs: monthEnd(now), exhausted: 'month' };
  if (left.day < 1) return { retryMs: DAY_MS - (now % DAY_MS), exhausted: 'day' };
  // A bucket that fills quickly is asked again after it has gathered a few requests, not for each one.
  const gathered = Math.min(GATHER_MS, (burstOf(limit) * GATHER_SHARE) / ratePerMs(limit));
  return { retryMs: Math.max(gathered, (1 - left.rate) / ratePerMs(limit)), exhausted: 'rate' };
}

/**
 * Settles a replica's last lease and gives it the next. Nothing is granted twice, and what is granted and not returned counts as used, so the limit
 * is never exceeded even when replicas crash. A share of the rest is granted, so that the last requests go where they are needed.
 */
export function leaseFrom(
  before: SharedBucket | undefined,
  limit: ApiKeyLimit,
  request: LeaseRequest,
  now: number,
): { readonly bucket: SharedBucket; readonly answer: LeaseAnswer } {
  const bucket = refilled(settled(before ?? fullBucket(limit, now), request, now), limit, now);
  const left = leftOf(bucket, limit);
  const available = Math.max(0, Math.floor(Math.min(left.rate, left.day, left.month)));
  const others = Object.values(bucket.leases);
  const share =
    available < capacityOf(limit) * SCARCE_SHARE
      ? Math.max(1, Math.floor(capacityOf(limit) * LAST_SHARE))
      : Math.ceil(available / (2 + others.length));
  const granted = Math.min(request.wanted, share, available);
  const lastsMs = leaseMsOf(limit, bucket.at);
  const isOut = request.wanted > 0 && granted === 0;
  const after: SharedBucket =
    granted === 0
      ? bucket
      : {
          level: bucket.level - (limit.perMinute === undefined ? 0 : granted),
          at: bucket.at,
          day: bucket.day + granted,
          month: bucket.month + granted,
          leases: { ...bucket.leases, [request.replica]: { count: granted, until: bucket.at + lastsMs } },
        };
  const ends = others.map(({ until }) => until - now);
  return {
    bucket: after,
    answer: {
      granted,
      lastsMs,
      ...(isOut ? waitFor(left, limit, now) : { retryMs: 0 }),
      elsewhere: others.reduce((sum, { count }) => sum + count, 0),
      settledMs: ends.length === 0 ? 0 : Math.max(1, Math.max(...ends) + GIVEN_BACK_MS),
      remaining: Math.max(0, available - granted),
    },
  };
}
