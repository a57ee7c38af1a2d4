import { defineEvents, type AuditPrincipal, type NewAuditEvent } from '@countersign/audit-event';

/** The one place that defines the types, actions and resource kinds of this service's events. */
export const events = defineEvents({
  source: 'orders',
  prefix: 'com.acme', // types are com.acme.orders.order.cancelled.v1
  kinds: { order: 'UUID' },
  events: {
    'order.cancelled': { when: 'An order was cancelled.', action: 'orders:cancel', resource: 'order' },
  },
});

/** With Nest and `@countersign/auth`, `auditPrincipal(caller)` of `@countersign/audit-event` makes the principal. */
export const cancelled = (order: string, principal: AuditPrincipal): NewAuditEvent =>
  events.event('order.cancelled', { principal, txn: null }, { id: order });
