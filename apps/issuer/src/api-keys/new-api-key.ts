import { type KeyObject } from 'node:crypto';
import { apiKeyHash, makeApiKey } from '@countersign/auth-core';
import { uuidv7 } from '@countersign/audit-event';
import { digestOfHash } from './api-key-digest.js';
import { type ApiKeyRow } from './api-keys.tables.js';

const DAY_MS = 86_400_000;

/** Injection token of the {@link ApiKeySettings}. */
export const API_KEY_SETTINGS = Symbol('countersign.issuer.api-key-settings');
/** The configuration of API keys. */
export interface ApiKeySettings {
  readonly environment: string;
  readonly lifetimeDays: number;
  readonly lifetimeLimitDays: number;
  readonly warningDays: number;
  /** Live keys of one client. */
  readonly perClient: number;
}

/** A new key: its stored form, and the key itself, to be shown only once. */
export interface MadeApiKey {
  readonly row: ApiKeyRow;
  readonly key: string;
}

/** What the creator of a new key chooses. */
export type ApiKeyPurpose = Pick<
  ApiKeyRow,
  'clientId' | 'name' | 'audiences' | 'networks' | 'plan' | 'createdBy' | 'expiresAt'
>;

/** Creates a key. @param secret the issuer's own, under which it is digested */
export function newApiKey(
  purpose: ApiKeyPurpose,
  { environment }: ApiKeySettings,
  secret: KeyObject | Buffer,
  now: Date,
): MadeApiKey {
  const id = uuidv7(now.getTime());
  const key = makeApiKey(environment, id);
  const row: ApiKeyRow = {
    ...purpose,
    id,
    digest: digestOfHash(apiKeyHash(key), secret),
    createdAt: now,
    endsAt: null,
    successor: null,
    disabledAt: null,
    revokedAt: null,
    exposedAt: null,
    exposedAtService: null,
    warnedAt: null,
    lastUsedAt: null,
  };
  return { row, key };
}

/**
 * When a new key expires: as requested, within the limit, or after the default lifetime.
 * @param span lifetime in milliseconds if none is requested; the default lifetime when left out
 * @returns undefined for a time that is past, or beyond the limit
 */
export function expiryOf(
  asked: Date | undefined,
  now: Date,
  { lifetimeDays, lifetimeLimitDays }: ApiKeySettings,
  span = lifetimeDays * DAY_MS,
): Date | undefined {
  const limit = now.getTime() + lifetimeLimitDays * DAY_MS;
  if (asked === undefined) return new Date(Math.min(now.getTime() + span, limit));
  return asked > now && asked.getTime() <= limit ? asked : undefined;
}
