import { originatorOf, type Originator } from '@countersign/auth-core';
import { type EventDetails, type NewAuditEvent } from '@countersign/audit-event';
import { by, byItself, type Caller, type Unattended } from '@countersign/service-host';
import { events } from './events.js';

/** On whose behalf a caller starts a payment or a refund, as its row has it. */
export function startedBy({ principal }: Caller): Originator & { readonly actors: string[] } {
  const originator = originatorOf(principal);
  return { ...originator, actors: [...originator.actors] };
}

export type EventName = keyof typeof events.events;
export type Kind = keyof typeof events.kinds;
export type Action = NonNullable<Parameters<typeof events.event>[2]['action']>;

/** An event's content; a `failure` is its reason, and its outcome is then `failed`. */
export interface Details extends Pick<EventDetails<Kind, Action>, 'id' | 'kind' | 'action' | 'changes'> {
  readonly failure?: string | undefined;
}

/**
 * An audit event of payments.
 * @param who advances the payment: its caller, or payments itself when it finishes interrupted work
 */
export function eventBy(
  who: Caller | Unattended,
  name: EventName,
  { failure, changes, ...details }: Details,
  behalf?: Originator,
): NewAuditEvent {
  const isRequested = 'principal' in who;
  const onBehalf = isRequested || behalf === undefined ? {} : { on_behalf_of: behalfJson(behalf) };
  const all = { ...changes, ...onBehalf };
  return events.event(name, isRequested ? by(who) : byItself({ ...who, txn: behalf?.txn ?? null }), {
    ...details,
    ...(failure === undefined ? {} : { outcome: 'failed', reason: failure }),
    ...(Object.keys(all).length === 0 ? {} : { changes: all }),
  });
}

function behalfJson({ subject, clientId, actors }: Originator): object {
  return { subject, client_id: clientId, actors };
}
