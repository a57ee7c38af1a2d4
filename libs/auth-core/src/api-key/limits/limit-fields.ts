import { type ApiKeyLimit } from '../../principal.js';
import { type LimitState } from './api-key-limits.js';
import { burstOf } from './shared-bucket.js';

const DAY_SECONDS = 86_400;
/** Of the longest month. */
const MONTH_SECONDS = 31 * DAY_SECONDS;

const policies = new WeakMap<ApiKeyLimit, Map<string, string>>();

/** A bucket is a quota of its burst in the time in which it fills. */
function policyOf(name: string, limit: ApiKeyLimit): string {
  const { perMinute, perDay, perMonth } = limit;
  const known = policies.get(limit) ?? new Map<string, string>();
  policies.set(limit, known);
  const before = known.get(name);
  if (before !== undefined) return before;
  const burst = burstOf(limit);
  const members = [
    ...(perMinute === undefined
      ? []
      : [`"${name}";q=${String(burst)};w=${String(Math.ceil((burst / perMinute) * 60))}`]),
    ...(perDay === undefined ? [] : [`"${name}-day";q=${String(perDay)};w=${String(DAY_SECONDS)}`]),
    ...(perMonth === undefined ? [] : [`"${name}-month";q=${String(perMonth)};w=${String(MONTH_SECONDS)}`]),
  ];
  const policy = members.join(', ');
  known.set(name, policy);
  return policy;
}

const suffixes = { rate: '', day: '-day', month: '-month' } as const;

/**
 * What a caller is told of its limits (IETF draft-ietf-httpapi-ratelimit-headers-10): `RateLimit-Policy`, `RateLimit`, and `Retry-After` when it
 * must wait (RFC 9110, section 10.2.3).
 */
export function limitFields({
  name,
  limit,
  remaining,
  retryMs,
  exhausted,
}: LimitState): Readonly<Record<string, string>> {
  const of = name === '*' ? 'default' : name;
  const policy = policyOf(of, limit);
  const nearest = exhausted ?? (limit.perMinute !== undefined ? 'rate' : limit.perDay !== undefined ? 'day' : 'month');
  const item = `"${of}${suffixes[nearest]}"`;
  if (retryMs === undefined)
    return { 'ratelimit-policy': policy, ratelimit: `${item};r=${String(Math.floor(remaining))}` };
  const seconds = String(Math.max(1, Math.ceil(retryMs / 1_000)));
  return { 'ratelimit-policy': policy, ratelimit: `${item};r=0;t=${seconds}`, 'retry-after': seconds };
}
