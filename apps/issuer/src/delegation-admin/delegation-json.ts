import { z } from 'zod';
import { type Delegation, delegationIdSchema, type DelegationId } from '../delegations/delegation.js';
import { type DelegationUse } from '../delegations/delegation-use.js';
import { personIdSchema } from '../people/person.js';
import { type DelegationEnds } from '../refresh/delegation-ends.js';
import { clientIdSchema } from '../registry/client.js';

export const delegationsQuerySchema = z
  .strictObject({
    person_id: personIdSchema.optional(),
    client_id: clientIdSchema.optional(),
    /** The `next_cursor` of the previous page. */
    cursor: delegationIdSchema.optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
    /** Only those with `offline_access` that end before this time no matter how they are used, earliest first; one page. */
    ends_before: z.iso
      .datetime({ offset: true })
      .transform((text) => new Date(text))
      .optional(),
  })
  .refine(({ cursor, ends_before: before }) => cursor === undefined || before === undefined, {
    path: ['cursor'],
    message: 'must not be combined with ends_before, which returns a single page',
  });
export type DelegationsQuery = z.infer<typeof delegationsQuerySchema>;

/** What is shown with a delegation. */
export interface ShownBeside {
  readonly personName: string | undefined;
  readonly lastUsedAt: Date | undefined;
  /** Of one that has not ended. */
  readonly ends: DelegationEnds | undefined;
}

/** What a person allowed an application, as the admin API shows it. */
export function delegationJson(delegation: Delegation, { personName, lastUsedAt, ends }: ShownBeside) {
  const { id, personId, clientId, audience, scopes, sessionId, dpopKey, createdAt, endedAt } = delegation;
  return {
    id,
    person_id: personId,
    person_name: personName ?? null,
    client_id: clientId,
    audience,
    scope: scopes.join(' '),
    session_id: sessionId,
    bound: dpopKey !== undefined,
    created_at: createdAt.toISOString(),
    ...(lastUsedAt === undefined ? {} : { last_used_at: lastUsedAt.toISOString() }),
    ...(endedAt !== undefined || ends === undefined
      ? {}
      : { ends_at: ends.at.toISOString(), unused_ends_at: ends.unusedAt.toISOString() }),
    ...(endedAt === undefined ? {} : { ended_at: endedAt.toISOString() }),
  };
}
export type DelegationJson = ReturnType<typeof delegationJson>;

export interface DelegationPage {
  readonly delegations: readonly DelegationJson[];
  readonly next_cursor: string | null;
}

/** When each was last used, for any service. */
export function lastUses(uses: readonly DelegationUse[]): ReadonlyMap<DelegationId, Date> {
  const last = new Map<DelegationId, Date>();
  for (const { delegationId, lastAt } of uses) {
    const known = last.get(delegationId);
    if (known === undefined || known < lastAt) last.set(delegationId, lastAt);
  }
  return last;
}
