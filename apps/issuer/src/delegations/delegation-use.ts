import { type NewAuditEvent } from '@countersign/audit-event';
import { events } from '../events.js';
import { delegationIdSchema, type DelegationId } from './delegation.js';

/** What a delegation was used for: tokens for a service, obtained by the application itself or by a service that exchanged its token. */
export interface DelegationUse {
  readonly delegationId: DelegationId;
  readonly clientId: string;
  readonly audience: string;
  /** Of the last token. */
  readonly scope: string;
  readonly times: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/** A use waiting to be written; times in milliseconds since 1970. */
export interface NotedUse extends Omit<DelegationUse, 'times' | 'firstAt' | 'lastAt'> {
  readonly times: number;
  readonly first: number;
  readonly last: number;
}

const issued = events.typeOf('token.issued');

/** A token that was issued under a delegation. @returns undefined for any other event */
export function useOf({
  type,
  data,
}: NewAuditEvent): Pick<DelegationUse, 'delegationId' | 'clientId' | 'audience' | 'scope'> | undefined {
  const { principal, txn, changes } = data;
  if (type !== issued || txn === null || principal === null || !principal.subject.startsWith('person:'))
    return undefined;
  const id = delegationIdSchema.safeParse(txn);
  const audience = changes?.['audience'];
  if (!id.success || typeof audience !== 'string') return undefined;
  return { delegationId: id.data, clientId: principal.client_id, audience, scope: principal.scopes.join(' ') };
}
