import { isDeepStrictEqual } from 'node:util';
import { disabled, enabled, newRecord, withRegistration, type ClientRecord } from './client-record.js';
import { type Client } from './client.js';

/** What applying the declared file would do to one client. */
export interface DeclaredChange {
  readonly clientId: string;
  readonly kind: 'register' | 'change' | 'disable';
  readonly before: ClientRecord | null;
  readonly after: ClientRecord;
}

const known = (value: Client): unknown => JSON.parse(JSON.stringify(value));
const same = (one: Client, other: Client | null): boolean =>
  other !== null && isDeepStrictEqual(known(one), known(other));

function changeOf(wanted: Client, before: ClientRecord | undefined, now: Date): DeclaredChange | undefined {
  const clientId = wanted.client_id;
  if (before === undefined) return { clientId, kind: 'register', before: null, after: newRecord(wanted, wanted, now) };
  const back = before.disabledBy === 'declaration';
  if (same(wanted, before.declared) && !back) return undefined;
  const changed = same(wanted, before.declared) ? before : withRegistration(before, wanted, now);
  const after = { ...(back ? enabled(changed, now) : changed), declared: wanted };
  return { clientId, kind: 'change', before, after };
}

/**
 * What must change so that the declared file holds. A client whose declaration is as it was last applied is left alone: what the admin API
 * has since done to it (a rotated key) stays. One that the file no longer declares is disabled, never deleted. Clients that only the admin API
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

/** A change in words: which members differ, and how. */
export function describeChange({ clientId, kind, before, after }: DeclaredChange): string {
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
  return [`~ ${clientId}: changed`, ...back, ...lines].join('\n');
}
