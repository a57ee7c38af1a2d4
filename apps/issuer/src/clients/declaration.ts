import { isDeepStrictEqual } from 'node:util';
import {
  disabled,
  enabled,
  newRecord,
  wasRemoved,
  withRegistration,
  type ClientRecord,
} from '../registry/client-record.js';
import { clientSchema, type Client } from '../registry/client.js';

/** What applying the declared file would do to one client. */
export interface DeclaredChange {
  readonly clientId: string;
  readonly kind: 'register' | 'change' | 'disable';
  readonly before: ClientRecord | null;
  readonly after: ClientRecord;
}

const known = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));
const same = (one: unknown, other: unknown): boolean => isDeepStrictEqual(known(one), known(other));

/** How a client authenticates. */
const credentialsOf = ({ token_endpoint_auth_method, jwks, jwks_uri, trusted_issuers, imported_secret }: Client) => ({
  token_endpoint_auth_method,
  ...(jwks === undefined ? {} : { jwks }),
  ...(jwks_uri === undefined ? {} : { jwks_uri }),
  trusted_issuers,
  ...(imported_secret === undefined ? {} : { imported_secret }),
});

/**
 * The client that results from a declaration. If it declares the same credentials as before, the client keeps its current ones, and a key that was
 * removed is never added again by a declaration, because it may have been removed after a leak.
 */
function registrationOf(wanted: Client, before: ClientRecord): Client {
  const none = { jwks: undefined, jwks_uri: undefined, imported_secret: undefined };
  const kept = clientSchema.parse({ ...wanted, ...none, ...credentialsOf(before.registration) });
  if (before.declared !== null && same(credentialsOf(wanted), credentialsOf(before.declared))) return kept;
  if (wanted.jwks === undefined) return wanted;
  const keys = wanted.jwks.keys.filter((key) => !wasRemoved(before, key));
  // A declaration with only removed keys does not say how the client authenticates now.
  return keys.length === 0 ? kept : { ...wanted, jwks: { keys } };
}

function changeOf(wanted: Client, before: ClientRecord | undefined, now: Date): DeclaredChange | undefined {
  const clientId = wanted.client_id;
  if (before === undefined) return { clientId, kind: 'register', before: null, after: newRecord(wanted, wanted, now) };
  const back = before.disabledBy === 'declaration';
  const asBefore = same(wanted, before.declared);
  if (asBefore && !back) return undefined;
  const changed = asBefore ? before : withRegistration(before, registrationOf(wanted, before), now);
  const after = { ...(back ? enabled(changed, now) : changed), declared: wanted };
  return { clientId, kind: 'change', before, after };
}

/** The declared keys that a client does not get, because they were removed before. */
function leftOut({ before, after: { declared, registration } }: DeclaredChange): readonly string[] {
  const held = new Set(registration.jwks?.keys.map(({ kid }) => kid));
  const keys = declared?.jwks?.keys.filter((key) => !held.has(key.kid) && before !== null && wasRemoved(before, key));
  return keys?.map(({ kid }) => kid) ?? [];
}

/**
 * What must change to match the declared file. A client whose declaration has not changed since it was last applied is left alone: what the admin API
 * has since done to it (a rotated key) stays; so do its credentials when only the rest of its declaration changed. One that the file no longer declares is disabled, never deleted. Clients that only the admin API
 * knows are not touched. Applying the same file twice changes nothing.
 */
export function differenceTo(
  wanted: readonly Client[],
  existing: ReadonlyMap<string, ClientRecord>,
  now: Date,
): readonly DeclaredChange[] {
  const changes = wanted.map((client) => changeOf(client, existing.get(client.client_id), now));
  const declared = new Set(wanted.map(({ client_id: id }) => id));
  for (const [clientId, before] of existing) {
    if (before.declared === null || declared.has(clientId)) continue;
    const after = { ...disabled(before, 'declaration', now) };
    if (before.disabledAt === null) changes.push({ clientId, kind: 'disable', before, after });
  }
  return changes.filter((change) => change !== undefined);
}

/** A change as text: which members differ, and how. */
export function describeChange(change: DeclaredChange): string {
  const { clientId, kind, before, after } = change;
  if (before === null) return `+ ${clientId}: registered`;
  if (kind === 'disable') return `- ${clientId}: no longer declared, disabled`;
  const members = new Set([...Object.keys(before.registration), ...Object.keys(after.registration)]);
  const from: Readonly<Record<string, unknown>> = before.registration;
  const to: Readonly<Record<string, unknown>> = after.registration;
  const differing = [...members].filter((member) => !isDeepStrictEqual(from[member], to[member]));
  const lines = differing.map((member) => {
    if (member === 'imported_secret') return `    ${member}: changed`;
    return `    ${member}: ${JSON.stringify(from[member] ?? null)} → ${JSON.stringify(to[member] ?? null)}`;
  });
  const back = before.disabledAt !== null && after.disabledAt === null ? ['    enabled again'] : [];
  const removed = leftOut(change).map(
    (kid) =>
      `    key ${kid}: was removed earlier, so it is not added again; to restore it, POST /admin/clients/${clientId}/keys`,
  );
  return [`~ ${clientId}: changed`, ...back, ...lines, ...removed].join('\n');
}
