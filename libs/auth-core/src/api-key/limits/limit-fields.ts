import { type ApiKeyLimit } from '../../principal.js';
import { type LimitState } from './limit-store.js';
import { burstOf } from './shared-bucket.js';

const DAY_SECONDS = 86_400;
/** Days of the longest month. */
const MONTH_SECONDS = 31 * DAY_SECONDS;

/** What every answer for one limit of one class of routes shares. */
interface Told {
  readonly name: string;
  readonly policy: string;
  readonly items: Readonly<Record<'rate' | 'day' | 'month', string>>;
  /** The limit whose remainder is reported: the first that is set. */
  readonly nearest: 'rate' | 'day' | 'month';
}

const told = new WeakMap<ApiKeyLimit, Told>();

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

function toldOf(of: string, limit: ApiKeyLimit): Told {
  const before = told.get(limit);
  if (before?.name === of) return before;
  const name = of === '*' ? 'default' : of;
  const items = { rate: `"${name}";r=`, day: `"${name}-day";r=`, month: `"${name}-month";r=` };
  const nearest = limit.perMinute !== undefined ? 'rate' : limit.perDay !== undefined ? 'day' : 'month';
  const made: Told = { name: of, policy: policyOf(name, limit), items, nearest };
  told.set(limit, made);
  return made;
}

/**
 * The fields that report a caller's limits (IETF draft-ietf-httpapi-ratelimit-headers-10): `RateLimit-Policy`, `RateLimit`, and `Retry-After` when it
 * must wait (RFC 9110, section 10.2.3).
 */
export function limitFields(state: LimitState): Readonly<Record<string, string>> {
  const { retryMs } = state;
  const { policy, items, nearest } = toldOf(state.name, state.limit);
  if (retryMs === undefined)
    return { 'ratelimit-policy': policy, ratelimit: items[nearest] + String(Math.floor(state.remaining)) };
  const seconds = String(Math.max(1, Math.ceil(retryMs / 1_000)));
  const ratelimit = `${items[state.exhausted ?? nearest]}0;t=${seconds}`;
  return { 'ratelimit-policy': policy, ratelimit, 'retry-after': seconds };
}
