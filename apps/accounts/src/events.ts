import { defineEvents } from '@countersign/audit-event';

const money = 'minor units and currency';
const change = '`from` and `to`';
const moved = {
  legs: 'accounts and amounts; for a single leg `debit_account`, `credit_account`, `amount` instead',
  reference: "the client's",
  status: 'where the transfer stands now',
  corrects: 'the transfer that it gives back',
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
      when: 'An account was opened, or was not: `denied` when its owner or its overdraft rule is not for the caller to choose.',
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
      when: 'The stored answer of an Idempotency-Key was given again: it shows the whole account.',
      action: 'accounts:open',
      resource: 'account',
    },
    'idempotency-key.refused': {
      when: 'A key was used with another body (`IDEMPOTENCY_KEY_REUSED`), or while its first request runs (`IDEMPOTENCY_IN_FLIGHT`).',
      action: 'accounts:open',
      resource: 'idempotency-key',
    },
    'account.read': {
      when: 'Somebody looked at one, or was told that there is none.',
      action: 'accounts:read',
      resource: 'account',
    },
    'accounts.listed': {
      when: "Somebody listed an owner's accounts.",
      action: 'accounts:list',
      resource: 'account',
      changes: { owner: 'subject', shown: 'ids' },
    },
    'balance.read': {
      when: 'Somebody asked for a balance of the past.',
      action: 'accounts:read-balance',
      resource: 'account',
    },
    'statement.read': { when: 'Somebody read a statement.', action: 'accounts:read-statement', resource: 'account' },
    'account.changed': {
      when: 'Metadata or overdraft rule became another, or was refused.',
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
      when: 'An account was frozen, opened again or closed, or was refused.',
      action: 'accounts:change-status',
      resource: 'account',
      changes: { status: change },
    },
    'transfer.held': {
      when: 'Its money was reserved.',
      action: 'transfers:create',
      resource: 'transfer',
      changes: { ...moved, expires_at: 'when the hold runs out' },
    },
    'transfer.posted': {
      when: 'Its money moved, at once or from a hold.',
      action: ['transfers:create', 'transfers:post'],
      resource: 'transfer',
      changes: { ...moved, posted_amount: money },
    },
    'transfer.voided': {
      when: 'Its hold was given free.',
      action: 'transfers:void',
      resource: 'transfer',
      changes: moved,
    },
    'transfer.expired': {
      when: 'Its hold ran out: recorded by the ledger itself, with the `txn` of who made it.',
      action: 'transfers:expire',
      resource: 'transfer',
      changes: moved,
    },
    'transfer.repeated': {
      when: 'A command was sent again after it had been carried out.',
      action: ['transfers:create', 'transfers:post', 'transfers:void'],
      resource: 'transfer',
    },
    'transfer.refused': {
      when: 'A command or a look was refused; `reason` says why, also where its caller is told less.',
      action: ['transfers:create', 'transfers:post', 'transfers:void', 'transfers:read'],
      resource: 'transfer',
    },
    'transfer.read': { when: 'Somebody looked at one.', action: 'transfers:read', resource: 'transfer' },
    'transfers.listed': {
      when: 'Somebody listed those within reach.',
      action: 'transfers:list',
      resource: 'transfer',
      changes: { shown: 'how many', first: 'id', last: 'id' },
    },
    'invariants.checked': {
      when: 'Somebody asked whether the ledger is whole.',
      action: 'ledger:check',
      resource: 'ledger',
      changes: { ok: 'whether all hold', broken: 'names of those that do not' },
    },
  },
});
