import { thumbprintOf } from '@countersign/auth-core';
import { type z } from 'zod';
import { clientSchema, type Client, type PublicJwk } from './client.js';
import { LIVE_SECRETS_LIMIT, type StoredSecret } from './stored-secret.js';

/** A client as the issuer stores it. */
export interface ClientRecord {
  readonly registration: Client;
  /** The declaration when it was last applied. */
  readonly declared: Client | null;
  readonly secrets: readonly StoredSecret[];
  /** Keys that were removed, as `kid:…` and `jkt:…` (RFC 7638); see {@link withRegistration}. */
  readonly removedKeys: readonly string[];
  readonly disabledAt: Date | null;
  readonly disabledBy: 'admin' | 'declaration' | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Why a change is refused. */
export interface ChangeRefused {
  readonly status: 404 | 409 | 422;
  readonly code:
    | 'CLIENT_UNKNOWN'
    | 'CLIENT_EXISTS'
    | 'KEY_UNKNOWN'
    | 'KEYS_NOT_INLINE'
    | 'CLIENT_HAS_NO_SECRETS'
    | 'SECRET_UNKNOWN'
    | 'REGISTRATION_INVALID';
  readonly detail: string;
}

export type Change =
  { readonly ok: true; readonly record: ClientRecord } | { readonly ok: false; readonly why: ChangeRefused };

const refuse = (status: ChangeRefused['status'], code: ChangeRefused['code'], detail: string): Change => ({
  ok: false,
  why: { status, code, detail },
});
const accept = (record: ClientRecord): Change => ({ ok: true, record });

/** A new client. */
export function newRecord(registration: Client, declared: Client | null, now: Date): ClientRecord {
  return {
    registration,
    declared,
    secrets: [],
    removedKeys: [],
    disabledAt: null,
    disabledBy: null,
    createdAt: now,
    updatedAt: now,
  };
}

/** How a removed key is identified: its `kid` and its thumbprint, so that it does not return under another `kid`. */
const namesOf = (key: PublicJwk): readonly string[] => [`kid:${key.kid}`, `jkt:${thumbprintOf(key)}`];

/** Whether a key was removed from a client. */
export function wasRemoved({ removedKeys }: ClientRecord, key: PublicJwk): boolean {
  return namesOf(key).some((name) => removedKeys.includes(name));
}

/**
 * A new registration for the same client; one that no longer authenticates with a secret loses its secrets. Keys that this removes are
 * remembered, those that it adds (again) are not.
 */
export function withRegistration(record: ClientRecord, registration: Client, now: Date): ClientRecord {
  const secrets = registration.token_endpoint_auth_method === 'client_secret_basic' ? record.secrets : [];
  const held = new Set((registration.jwks?.keys ?? []).flatMap(namesOf));
  const lost = (record.registration.jwks?.keys ?? []).flatMap(namesOf);
  const removedKeys = [...new Set([...record.removedKeys, ...lost])].filter((name) => !held.has(name));
  return { ...record, registration, secrets, removedKeys, updatedAt: now };
}

function withKeys(record: ClientRecord, keys: readonly PublicJwk[], now: Date): Change {
  const registration: z.input<typeof clientSchema> = { ...record.registration, jwks: { keys: [...keys] } };
  const parsed = clientSchema.safeParse(registration);
  if (parsed.success) return accept(withRegistration(record, parsed.data, now));
  return refuse(422, 'REGISTRATION_INVALID', parsed.error.issues.map(({ message }) => message).join('; '));
}

/** Adds a public key in front of the others; a key with the same `kid` is replaced. */
export function withKey(record: ClientRecord, key: PublicJwk, now: Date): Change {
  const { jwks } = record.registration;
  if (jwks === undefined) return refuse(409, 'KEYS_NOT_INLINE', "this client's keys are not part of its registration");
  return withKeys(record, [key, ...jwks.keys.filter(({ kid }) => kid !== key.kid)], now);
}

/** Removes a public key, but never the last one: a client without a key should be disabled instead. */
export function withoutKey(record: ClientRecord, keyId: string, now: Date): Change {
  const keys = record.registration.jwks?.keys;
  if (keys === undefined) return refuse(409, 'KEYS_NOT_INLINE', "this client's keys are not part of its registration");
  if (!keys.some(({ kid }) => kid === keyId)) return refuse(404, 'KEY_UNKNOWN', 'the client has no key with this kid');
  if (keys.length === 1)
    return refuse(
      422,
      'REGISTRATION_INVALID',
      'the last key cannot be removed; add another first, or disable the client',
    );
  return withKeys(
    record,
    keys.filter(({ kid }) => kid !== keyId),
    now,
  );
}

/** Adds a secret; the newest two are live. */
export function withSecret(record: ClientRecord, secret: StoredSecret, now: Date): Change {
  if (record.registration.token_endpoint_auth_method !== 'client_secret_basic') {
    return refuse(409, 'CLIENT_HAS_NO_SECRETS', 'this client does not authenticate with client_secret_basic');
  }
  return accept({ ...record, secrets: [secret, ...record.secrets].slice(0, LIVE_SECRETS_LIMIT), updatedAt: now });
}

export function withoutSecret(record: ClientRecord, id: string, now: Date): Change {
  const secrets = record.secrets.filter((secret) => secret.id !== id);
  if (secrets.length === record.secrets.length) return refuse(404, 'SECRET_UNKNOWN', 'the client has no such secret');
  return accept({ ...record, secrets, updatedAt: now });
}

/** If an administrator disabled it, it stays disabled, whatever the declared file says. */
export function disabled(record: ClientRecord, by: 'admin' | 'declaration', now: Date): ClientRecord {
  if (record.disabledBy === 'admin' || record.disabledBy === by) return record;
  return { ...record, disabledAt: record.disabledAt ?? now, disabledBy: by, updatedAt: now };
}

export function enabled(record: ClientRecord, now: Date): ClientRecord {
  return record.disabledAt === null ? record : { ...record, disabledAt: null, disabledBy: null, updatedAt: now };
}

/** A client as the admin API and the audit trail show it: no digest, no hash. */
export function clientJson(record: ClientRecord) {
  const { registration, secrets, disabledAt, disabledBy, declared, createdAt, updatedAt } = record;
  const { imported_secret: imported, ...shown } = registration;
  return {
    ...shown,
    ...(imported === undefined ? {} : { has_imported_secret: true }),
    status: disabledAt === null ? ('active' as const) : ('disabled' as const),
    ...(disabledAt === null ? {} : { disabled_at: disabledAt.toISOString(), disabled_by: disabledBy }),
    declared: declared !== null,
    secrets: secrets.map(({ id, created_at }) => ({ id, created_at })),
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
  };
}
export type ClientJson = ReturnType<typeof clientJson>;
