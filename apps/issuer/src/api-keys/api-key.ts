import { type Policy } from '../registry/client.js';
import { type ApiKeyRow } from './api-keys.tables.js';

/** Maximum live keys with the same name, so that a rotation needs no outage. */
export const LIVE_KEYS_OF_A_NAME = 2;
/** Maximum seconds for which a rotated key keeps working alongside its successor: 30 days. */
export const GRACE_LIMIT_SECONDS = 30 * 86_400;
/** The default number of those seconds: a day. */
export const GRACE_SECONDS = 86_400;

export type ApiKeyStatus = 'live' | 'rotated' | 'disabled' | 'expired' | 'revoked';

/** When a key expires: its own expiry, or the end of its grace period. */
export function endOf({ expiresAt, endsAt }: Pick<ApiKeyRow, 'expiresAt' | 'endsAt'>): Date {
  return endsAt !== null && endsAt < expiresAt ? endsAt : expiresAt;
}

/** `rotated` is live for the rest of its grace period. */
export function statusOf(
  key: Pick<ApiKeyRow, 'expiresAt' | 'endsAt' | 'disabledAt' | 'revokedAt'>,
  now: Date,
): ApiKeyStatus {
  if (key.revokedAt !== null) return 'revoked';
  if (endOf(key) <= now) return 'expired';
  if (key.disabledAt !== null) return 'disabled';
  return key.endsAt === null ? 'live' : 'rotated';
}

/** Whether a key counts against the limits: a disabled one can be enabled again. */
export function holdsPlace(key: Pick<ApiKeyRow, 'expiresAt' | 'endsAt' | 'revokedAt'>, now: Date): boolean {
  return key.revokedAt === null && endOf(key) > now;
}

/**
 * What a key requests beyond its client's policy: an audience, or `audience scope`.
 * @returns undefined when all is within
 */
export function beyondPolicy(audiences: ApiKeyRow['audiences'], policy: Policy): string | undefined {
  for (const [audience, scopes] of Object.entries(audiences)) {
    const allowed = Object.hasOwn(policy.audiences, audience) ? policy.audiences[audience] : undefined;
    if (allowed === undefined) return audience;
    const other = scopes.find((scope) => !allowed.includes(scope));
    if (other !== undefined) return `${audience} ${other}`;
  }
  return undefined;
}

/** The scopes that a key has at an audience now: its own, as far as its client's policy still includes them. */
export function scopesAt(key: Pick<ApiKeyRow, 'audiences'>, policy: Policy, audience: string): readonly string[] {
  const own = Object.hasOwn(key.audiences, audience) ? key.audiences[audience] : undefined;
  const allowed = Object.hasOwn(policy.audiences, audience) ? policy.audiences[audience] : undefined;
  return own === undefined || allowed === undefined ? [] : own.filter((scope) => allowed.includes(scope));
}

/** A key as the admin API and the audit trail show it: no digest. */
export function apiKeyJson(key: ApiKeyRow, now: Date) {
  const time = (name: string, date: Date | null) => (date === null ? {} : { [name]: date.toISOString() });
  return {
    id: key.id,
    client_id: key.clientId,
    name: key.name,
    status: statusOf(key, now),
    audiences: key.audiences,
    networks: key.networks,
    plan: key.plan,
    created_at: key.createdAt.toISOString(),
    created_by: key.createdBy,
    expires_at: key.expiresAt.toISOString(),
    ...time('ends_at', key.endsAt),
    ...(key.successor === null ? {} : { successor: key.successor }),
    ...time('disabled_at', key.disabledAt),
    ...time('revoked_at', key.revokedAt),
    ...time('exposed_at', key.exposedAt),
    ...(key.exposedAtService === null ? {} : { exposed_at_service: key.exposedAtService }),
    ...time('last_used_at', key.lastUsedAt),
  };
}
export type ApiKeyJson = ReturnType<typeof apiKeyJson>;
