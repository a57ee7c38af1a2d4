import { type EventDetails, type NewAuditEvent } from '@countersign/audit-event';
import { by, byItself, type Caller, type Unattended } from '@countersign/service-host';
import { events } from './events.js';

/** Who advances a payment: its caller, or payments itself when it finishes interrupted work. */
export type Author = Caller | Unattended;

/** On whose behalf a payment or a refund was started. */
export interface OnBehalf {
  readonly subject: string;
  readonly clientId: string;
  readonly actors: readonly string[];
  readonly txn: string;
}

/** The party on whose behalf a caller starts one. */
export function startedBy({ principal }: Caller): OnBehalf & { readonly actors: string[] } {
  const { subject, clientId, actors, txn } = principal;
  return { subject, clientId, actors: actors.map((actor) => actor.subject), txn };
}

export type EventName = keyof typeof events.events;
export type Kind = keyof typeof events.kinds;

/** An event's content; a `failure` is its reason, and its outcome is then `failed`. */
export interface Details extends Pick<EventDetails<Kind>, 'id' | 'kind' | 'action' | 'changes'> {
  readonly failure?: string | undefined;
}

/** An audit event of payments, in the name of its author. */
export function eventBy(
  author: Author,
  name: EventName,
  { failure, changes, ...details }: Details,
  behalf?: OnBehalf,
): NewAuditEvent {
  const isRequested = 'principal' in author;
  const onBehalf = isRequested || behalf === undefined ? {} : { on_behalf_of: behalfJson(behalf) };
  const all = { ...changes, ...onBehalf };
  return events.event(name, isRequested ? by(author) : byItself({ ...author, txn: behalf?.txn ?? null }), {
    ...details,
    ...(failure === undefined ? {} : { outcome: 'failed', reason: failure }),
    ...(Object.keys(all).length === 0 ? {} : { changes: all }),
  });
}

function behalfJson({ subject, clientId, actors }: OnBehalf): object {
  return { subject, client_id: clientId, actors };
}
