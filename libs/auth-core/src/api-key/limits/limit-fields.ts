import { type ApiKeyLimit } from '../../principal.js';
import { type LimitState } from './limit-store.js';
import { burstOf } from './shared-bucket.js';

const DAY_SECONDS = 86_400;
/** Days of the longest month. */
const MONTH_SECONDS = 31 * DAY_SECONDS;

/** What every answer for one limit of one route class shares. */
interface Rendered {
  readonly name: string;
  readonly policy: string;
  readonly items: Readonly<Record<'rate' | 'day' | 'month', string>>;
  /** The limit whose remainder is reported: the first that is set. */
  readonly nearest: 'rate' | 'day' | 'month';
  /** The fields of the last request that passed, and the remainder that they report. */
  left: number;
  fields: Readonly<Record<string, string>>;
}

const known = new WeakMap<ApiKeyLimit, Rendered>();

/** A bucket is reported as a quota of its burst per filling time. */
function policyOf(name: string, limit: ApiKeyLimit): string {
  const { perMinute, perDay, perMonth } = limit;
  const burst = burstOf(limit);
  const members = [
    ...(perMinute === undefined
      ? []
      : [`"${name}";q=${String(burst)};w=${String(Math.ceil((burst / perMinute) * 60))}`]),
    ...(perDay === undefined ? [] : [`"${name}-day";q=${String(perDay)};w=${String(DAY_SECONDS)}`]),
    ...(perMonth === undefined ? [] : [`"${name}-month";q=${String(perMonth)};w=${String(MONTH_SECONDS)}`]),
  ];
  return members.join(', ');
}

function renderedOf(of: string, limit: ApiKeyLimit): Rendered {
  const before = known.get(limit);
  if (before?.name === of) return before;
  const name = of === '*' ? 'default' : of;
  const items = { rate: `"${name}";r=`, day: `"${name}-day";r=`, month: `"${name}-month";r=` };
  const nearest = limit.perMinute !== undefined ? 'rate' : limit.perDay !== undefined ? 'day' : 'month';
  const made: Rendered = { name: of, policy: policyOf(name, limit), items, nearest, left: Number.NaN, fields: {} };
  known.set(limit, made);
  return made;
}

/** From this number the remainder is reported in three digits, so that the field does not change with each request. */
const EXACT_LIMIT = 1_000;

/** The remainder as reported, never more than there is. */
function roundedLeft(remaining: number): number {
  const left = Math.min(remaining, Number.MAX_SAFE_INTEGER);
  let step = 1;
  while (left >= step * EXACT_LIMIT) step *= 10;
  return Math.floor(left / step) * step;
}

/**
 * The fields that report a caller's limits (IETF draft-ietf-httpapi-ratelimit-headers-10): `RateLimit-Policy`, `RateLimit`, and `Retry-After` when it
 * must wait (RFC 9110, section 10.2.3). A remainder of 1,000 or more is rounded down to three digits.
 */
export function limitFields(state: LimitState): Readonly<Record<string, string>> {
  const { retryMs } = state;
  const rendered = renderedOf(state.name, state.limit);
  const { policy, items, nearest } = rendered;
  if (retryMs === undefined) {
    const left = roundedLeft(state.remaining);
    if (rendered.left === left) return rendered.fields;
    rendered.left = left;
    rendered.fields = { 'ratelimit-policy': policy, ratelimit: items[nearest] + String(left) };
    return rendered.fields;
  }
  const seconds = String(Math.max(1, Math.ceil(retryMs / 1_000)));
  const ratelimit = `${items[state.exhausted ?? nearest]}0;t=${seconds}`;
  return { 'ratelimit-policy': policy, ratelimit, 'retry-after': seconds };
}
