import { defineEvents } from '@countersign/audit-event';

const money = 'minor units and currency';
const change = '`from` and `to`';
const moved = {
  legs: 'accounts and amounts, if there are several',
  debit_account: 'of a single leg',
  credit_account: 'of a single leg',
  amount: 'of a single leg: minor units and currency',
  reference: "the client's",
  status: 'current state of the transfer',
  corrects: 'the transfer that it reverses',
};

/** Everything that accounts records: the only place where its event types, actions and kinds of resource are written. */
export const events = defineEvents({
  source: 'accounts',
  kinds: {
    account: 'UUIDv7',
    transfer: 'UUID that its client chose',
    ledger: 'always `*`: the whole ledger',
    'idempotency-key': 'the key as its caller chose it',
  },
  events: {
    'account.opened': {
      when: 'An account was opened, or refused: `denied` if the caller may not choose this owner or overdraft rule.',
      action: 'accounts:open',
      resource: 'account',
      changes: {
        kind: 'of the account',
        currency: 'ISO 4217',
        overdraft: 'the rule',
        overdraft_limit: money,
        owner: 'subject',
      },
    },
    'account.repeated': {
      when: 'The stored response of an Idempotency-Key was returned again; it shows the whole account.',
      action: 'accounts:open',
      resource: 'account',
    },
    'idempotency-key.refused': {
      when: 'A key was used with a different body (`IDEMPOTENCY_KEY_REUSED`), or while its first request was still running (`IDEMPOTENCY_IN_FLIGHT`).',
      action: 'accounts:open',
      resource: 'idempotency-key',
    },
    'account.read': {
      when: 'An account was requested, whether or not it exists.',
      action: 'accounts:read',
      resource: 'account',
    },
    'accounts.listed': {
      when: "An owner's accounts were listed.",
      action: 'accounts:list',
      resource: 'account',
      changes: { owner: 'subject', shown: 'ids' },
    },
    'balance.read': {
      when: 'A past balance was requested.',
      action: 'accounts:read-balance',
      resource: 'account',
    },
    'statement.read': { when: 'A statement was read.', action: 'accounts:read-statement', resource: 'account' },
    'account.changed': {
      when: 'The metadata or the overdraft rule was changed, or the change was refused.',
      action: 'accounts:change',
      resource: 'account',
      changes: {
        overdraft: change,
        overdraft_limit: change,
        granted_by: change,
        metadata: 'each changed member with `from` and `to`',
      },
    },
    'account.status-changed': {
      when: 'An account was frozen, reopened or closed, or the change was refused.',
      action: 'accounts:change-status',
      resource: 'account',
      changes: { status: change },
    },
    'transfer.held': {
      when: 'Its money was reserved.',
      action: 'transfers:create',
      resource: 'transfer',
      changes: { ...moved, expires_at: 'when the hold expires' },
    },
    'transfer.posted': {
      when: 'Its money moved, directly or from a hold.',
      action: ['transfers:create', 'transfers:post'],
      resource: 'transfer',
      changes: { ...moved, posted_amount: money },
    },
    'transfer.voided': {
      when: 'Its hold was released.',
      action: 'transfers:void',
      resource: 'transfer',
      changes: moved,
    },
    'transfer.expired': {
      when: 'Its hold expired: recorded by the ledger itself, with the `txn` of the request that made it.',
      action: 'transfers:expire',
      resource: 'transfer',
      principal: 'never',
      changes: moved,
    },
    'transfer.repeated': {
      when: 'A command was repeated after it had been executed.',
      action: ['transfers:create', 'transfers:post', 'transfers:void'],
      resource: 'transfer',
    },
    'transfer.refused': {
      when: 'A command or a read was refused; `reason` says why, even if the caller sees less.',
      action: ['transfers:create', 'transfers:post', 'transfers:void', 'transfers:read'],
      resource: 'transfer',
    },
    'transfer.read': { when: 'A transfer was read.', action: 'transfers:read', resource: 'transfer' },
    'transfers.listed': {
      when: 'Transfers that the caller may see were listed.',
      action: 'transfers:list',
      resource: 'transfer',
      changes: { shown: 'how many', first: 'id', last: 'id' },
    },
    'invariants.checked': {
      when: "The ledger's invariants were checked.",
      action: 'ledger:check',
      resource: 'ledger',
      changes: { ok: 'whether all of them hold', broken: 'names of those that do not hold' },
    },
  },
});
