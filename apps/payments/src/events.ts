import { defineEvents } from '@countersign/audit-event';

const status = '`from` and `to`';
const amount = 'minor units and currency';
const behalf = { on_behalf_of: 'on whose behalf it was started, if payments acts on its own' };
const paymentEnd = { status, transfer_id: 'the transfer at accounts', ...behalf };
const refundEnd = {
  payment_id: 'the payment',
  payment_status: status,
  amount,
  transfer_id: 'the transfer at accounts',
  ...behalf,
};
/** What ends a hold: a step that was requested, or one that recovery found done. */
const holdSteps = ['payments:capture', 'payments:cancel'] as const;

/** Everything that payments records: the only place where its event types, actions and kinds of resource are written. */
export const events = defineEvents({
  source: 'payments',
  kinds: {
    payment: 'UUIDv7',
    refund: 'UUIDv7',
    webhook: 'UUIDv7 of the endpoint',
    'idempotency-key': 'the key as its caller chose it',
  },
  events: {
    'payment.created': {
      when: 'A payment was accepted, before anything was sent.',
      action: 'payments:create',
      resource: 'payment',
      changes: { amount, from: 'account', to: 'account', capture: '`automatic` or `manual`' },
    },
    'payment.held': { when: 'Its money is held.', action: 'payments:create', resource: 'payment', changes: paymentEnd },
    'payment.settled': {
      when: 'Its money has moved.',
      action: ['payments:create', ...holdSteps],
      resource: 'payment',
      changes: { ...paymentEnd, captured: amount },
    },
    'payment.failed': {
      when: 'It was refused; `reason` says why.',
      action: 'payments:create',
      resource: 'payment',
      changes: paymentEnd,
    },
    'payment.cancelled': {
      when: 'Its hold was released.',
      action: holdSteps,
      resource: 'payment',
      changes: paymentEnd,
    },
    'payment.expired': {
      when: "Its hold expired: the ledger's doing.",
      action: 'payments:expire',
      resource: 'payment',
      changes: paymentEnd,
    },
    'payment.capture_begun': {
      when: 'A capture was accepted.',
      action: 'payments:capture',
      resource: 'payment',
      changes: { amount },
    },
    'payment.capture_refused': {
      when: 'A capture was refused, here or by accounts.',
      action: 'payments:capture',
      resource: 'payment',
      changes: { amount: 'what was requested, if refused here: minor units and currency', ...paymentEnd },
    },
    'payment.cancel_begun': { when: 'A cancellation was accepted.', action: 'payments:cancel', resource: 'payment' },
    'payment.cancel_refused': {
      when: 'A cancellation was refused, here or by accounts.',
      action: 'payments:cancel',
      resource: 'payment',
      changes: paymentEnd,
    },
    'payment.step_refused': {
      when: 'Accounts refused an order, but the payment is held by another order, or the refusal was recorded before: it stays held.',
      action: ['payments:create', ...holdSteps],
      resource: 'payment',
      changes: paymentEnd,
    },
    'payment.read': { when: 'A payment was read.', action: 'payments:read', resource: 'payment' },
    'payment.missed': {
      when: 'The caller named a payment that does not exist or is not theirs.',
      action: ['payments:read', 'payments:capture', 'payments:cancel', 'payments:refund'],
      resource: 'payment',
    },
    'payments.listed': {
      when: "The caller's payments were listed.",
      action: 'payments:read',
      resource: 'payment',
      changes: { shown: 'ids' },
    },
    'payments.reconciled': {
      when: 'Payments, refunds and transfers were compared.',
      action: 'payments:reconcile',
      resource: 'payment',
      changes: {
        ok: 'whether both sides agree',
        payments: 'how many',
        refunds: 'how many',
        transfers: 'how many',
        repaired: 'how many',
        differences: 'how many, by code',
      },
    },
    'payments.reconcile_refused': {
      when: 'A reconciliation was refused because another one was running.',
      action: 'payments:reconcile',
      resource: 'payment',
    },
    'payment.adopted': {
      when: 'A payment was recreated from its transfer, the only record left of it.',
      action: 'payments:reconcile',
      resource: 'payment',
      changes: {
        transfer_id: 'the transfer',
        status: 'what it is now',
        subject: 'its owner',
        client_id: "its owner's client",
      },
    },
    'refund.created': {
      when: 'A refund was accepted.',
      action: 'payments:refund',
      resource: 'refund',
      changes: { payment_id: 'the payment', amount },
    },
    'refund.refused': {
      when: 'A refund was refused before it was made.',
      action: 'payments:refund',
      resource: 'payment',
      changes: { payment_id: 'the payment', amount },
    },
    'refund.settled': {
      when: 'The money was returned.',
      action: 'payments:refund',
      resource: 'refund',
      changes: refundEnd,
    },
    'refund.failed': {
      when: 'Accounts refused it.',
      action: 'payments:refund',
      resource: 'refund',
      changes: refundEnd,
    },
    'refund.adopted': {
      when: 'A refund was recreated from its transfer.',
      action: 'payments:reconcile',
      resource: 'refund',
      changes: { transfer_id: 'the transfer', payment_id: 'the payment', status: 'what it is now' },
    },
    'refunds.listed': { when: "A payment's refunds were listed.", action: 'payments:read', resource: 'payment' },
    'webhook.registered': {
      when: 'An endpoint was registered.',
      action: 'webhooks:register',
      resource: 'webhook',
      changes: { url: 'where to', types: 'event types', reach: '`subject` or `client`' },
    },
    'webhook.registration_refused': {
      when: 'A registration was refused because of its URL, its reach, or the number of endpoints.',
      action: 'webhooks:register',
      resource: 'webhook',
    },
    'webhook.removed': { when: 'An endpoint was removed.', action: 'webhooks:remove', resource: 'webhook' },
    'webhook.missed': {
      when: 'The caller named an endpoint that does not exist or is not theirs.',
      action: ['webhooks:read', 'webhooks:remove', 'webhooks:replay'],
      resource: 'webhook',
    },
    'webhook.deliveries_listed': {
      when: 'The deliveries to an endpoint were read.',
      action: 'webhooks:read',
      resource: 'webhook',
    },
    'webhook.replayed': {
      when: 'Notices were sent again.',
      action: 'webhooks:replay',
      resource: 'webhook',
      changes: { event_id: 'one, or null', since: 'a time, or null' },
    },
    'webhook.replay_refused': {
      when: 'A replay was refused.',
      action: 'webhooks:replay',
      resource: 'webhook',
      changes: { event_id: 'one, or null', since: 'a time, or null' },
    },
    'webhooks.listed': { when: "The caller's endpoints were listed.", action: 'webhooks:read', resource: 'webhook' },
    'answer.replayed': {
      when: 'The stored response of an Idempotency-Key was returned again, or a result that another request or recovery had finished; it shows the whole object.',
      action: [
        'payments:create',
        'payments:capture',
        'payments:cancel',
        'payments:refund',
        'webhooks:register',
        'webhooks:replay',
      ],
      resource: ['payment', 'refund', 'webhook'],
      changes: { status: 'of the answer' },
    },
    'idempotency-key.refused': {
      when: 'A key was used with a different body (`IDEMPOTENCY_KEY_REUSED`), or while its first request was still running (`IDEMPOTENCY_IN_FLIGHT`).',
      action: [
        'payments:create',
        'payments:capture',
        'payments:cancel',
        'payments:refund',
        'webhooks:register',
        'webhooks:replay',
      ],
      resource: 'idempotency-key',
    },
  },
});
