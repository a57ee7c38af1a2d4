import { by, type Caller, type KeyedEvents, type KeyedRoute } from '@countersign/service-host';
import { events } from '../events.js';

interface IssuerRoute extends KeyedRoute {
  readonly kind: keyof typeof events.kinds;
}

/** What is recorded of Idempotency-Keys. */
export const keyedEvents: KeyedEvents = {
  replayed(caller: Caller, { action, kind }: IssuerRoute, id: string) {
    return events.event('answer.replayed', by(caller), { kind, id, action });
  },
  refused(caller: Caller, { action }: IssuerRoute, key: string, reason: string) {
    return events.event('idempotency-key.refused', by(caller), { id: key, action, outcome: 'failed', reason });
  },
};
