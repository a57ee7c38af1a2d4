import { EVERY } from '@countersign/audit-event';
import { by, type Caller, type KeyedEvents, type KeyedRoute } from '@countersign/service-host';
import { events } from '../events.js';

/** A route that takes an Idempotency-Key, in the words of the catalogue. */
export interface IssuerRoute extends KeyedRoute {
  readonly action: NonNullable<Parameters<typeof events.event>[2]['action']>;
  readonly kind: keyof typeof events.kinds;
}

const revocable = ['token', 'transaction', 'client', 'subject', 'signing-key'] as const;

/** What an answer is about. Of a revocation that is what it revokes, of whatever kind: it is kept as `<kind>/<id>`. */
function aboutOf({ kind }: IssuerRoute, id: string) {
  if (kind !== 'revocation') return { kind, id };
  const revoked = revocable.find((one) => id.startsWith(`${one}/`));
  // Versions before 0.2 kept no kind.
  return revoked === undefined ? { kind, id: EVERY } : { kind: revoked, id: id.slice(revoked.length + 1) };
}

/** What is recorded of Idempotency-Keys. */
export const keyedEvents: KeyedEvents = {
  replayed(caller: Caller, route: IssuerRoute, id: string) {
    return events.event('answer.replayed', by(caller), { ...aboutOf(route, id), action: route.action });
  },
  refused(caller: Caller, { action }: IssuerRoute, key: string, reason: string) {
    return events.event('idempotency-key.refused', by(caller), { id: key, action, outcome: 'failed', reason });
  },
};
