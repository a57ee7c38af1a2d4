import { z } from 'zod';
import { type Delegation } from '../delegations/delegation.js';
import { type PersonRow } from '../people/people.tables.js';
import { personIdSchema } from '../people/person.js';
import { type SessionRow } from '../sessions/sessions.tables.js';

/** Maximum sessions and delegations shown for one person. */
export const PERSON_DETAIL_LIMIT = 200;

export const peopleQuerySchema = z.strictObject({
  /** The `next_cursor` of the previous page. */
  cursor: personIdSchema.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Only those with this role. */
  role: z.string().min(1).max(128).optional(),
  status: z.enum(['active', 'disabled']).optional(),
});
export type PeopleQuery = z.infer<typeof peopleQuerySchema>;

/** A person as the admin API shows them. */
export function personJson(row: PersonRow) {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    provider: row.provider,
    roles: row.roles,
    status: row.disabledAt === null ? ('active' as const) : ('disabled' as const),
    ...(row.disabledAt === null ? {} : { disabled_at: row.disabledAt.toISOString(), disabled_by: row.disabledBy }),
    created_at: row.createdAt.toISOString(),
    signed_in_at: row.signedInAt.toISOString(),
  };
}
export type PersonJson = ReturnType<typeof personJson>;

/** A person's session: never its secret. */
function sessionJson(row: SessionRow) {
  return {
    id: row.id,
    device: row.device,
    network: row.network,
    authenticated_at: row.authenticatedAt.toISOString(),
    acr: row.acr,
    amr: row.amr,
    created_at: row.createdAt.toISOString(),
    seen_at: row.seenAt.toISOString(),
  };
}

function delegationJson({ id, clientId, audience, scopes, sessionId, createdAt }: Delegation) {
  const created = createdAt.toISOString();
  return { id, client_id: clientId, audience, scope: scopes.join(' '), session_id: sessionId, created_at: created };
}

/**
 * A person with live sessions, the last used first, and delegations, newest first.
 * @param sessions one more than is shown, if there are more; the same for delegations
 */
export function personDetailJson(row: PersonRow, sessions: readonly SessionRow[], delegations: readonly Delegation[]) {
  return {
    ...personJson(row),
    sessions: sessions.slice(0, PERSON_DETAIL_LIMIT).map(sessionJson),
    more_sessions: sessions.length > PERSON_DETAIL_LIMIT,
    delegations: delegations.slice(0, PERSON_DETAIL_LIMIT).map(delegationJson),
    more_delegations: delegations.length > PERSON_DETAIL_LIMIT,
  };
}
export type PersonDetailJson = ReturnType<typeof personDetailJson>;

export interface PeoplePage {
  readonly people: readonly PersonJson[];
  readonly next_cursor: string | null;
}
