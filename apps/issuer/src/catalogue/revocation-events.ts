import { type EventDeclaration } from '@countersign/audit-event';
import { type Kind } from './kinds.js';

const revocationChanges = {
  until: 'when the entry is removed from the list, because everything it refuses has expired by then',
  issued_before: 'of a client or a subject: tokens issued until then are refused',
  reason: 'as given, for people',
  configuration: 'the variable that caused it, if nobody requested it',
};

/** What is revoked, and who requested it. */
export const revocationEvents = {
  'token.revoked': {
    when: 'A token was revoked.',
    action: 'token:revoke',
    resource: 'token',
    changes: revocationChanges,
  },
  'transaction.revoked': {
    when: 'A transaction was revoked: a token and everything exchanged for it.',
    action: 'transaction:revoke',
    resource: 'transaction',
    principal: 'sometimes',
    changes: revocationChanges,
  },
  'client.revoked': {
    when: 'Everything that names a client was revoked: by an administrator, with the client when it was disabled, or because its tokens filled the list.',
    action: 'client:revoke',
    resource: 'client',
    principal: 'sometimes',
    changes: revocationChanges,
  },
  'subject.revoked': {
    when: 'Everything that names a subject was revoked.',
    action: 'subject:revoke',
    resource: 'subject',
    changes: revocationChanges,
  },
  'api-key.tokens-revoked': {
    when: 'The tokens that an API key was exchanged for were revoked: because the key was revoked, disabled, or replaced with a short grace period; or again when it was enabled, so that services ask about it again.',
    action: 'api-key:revoke-tokens',
    resource: 'api-key',
    changes: revocationChanges,
  },
  'key.revoked': {
    when: 'Everything that a signing key signed was revoked.',
    action: 'key:revoke',
    resource: 'signing-key',
    changes: revocationChanges,
  },
  'revocation.refused': {
    when: 'An administrator requested a revocation that is not possible.',
    action: ['token:revoke', 'transaction:revoke', 'client:revoke', 'subject:revoke', 'api-key:revoke', 'key:revoke'],
    resource: ['token', 'transaction', 'client', 'subject', 'api-key', 'signing-key'],
  },
  'revocation.previewed': {
    when: 'An administrator previewed what a revocation would refuse; nothing was revoked.',
    action: 'revocation:preview',
    resource: ['token', 'transaction', 'client', 'subject', 'api-key', 'signing-key', 'session'],
    changes: {
      tokens: 'how many live ones it would refuse; null if that is unknown',
      delegations: 'how many would end or be refused',
      sessions: 'how many would end',
      api_keys: 'how many would be refused',
    },
  },
  'revocations.listed': {
    when: 'The list of revocations was shown.',
    action: 'revocation:list',
    resource: 'revocation',
  },
  'database.restored': {
    when: 'The issuer noticed that its database is older than what it has published: it was restored from a backup.',
    action: 'database:restore',
    resource: 'database',
    principal: 'never',
    changes: {
      stated_number: 'the number of the last list that the issuer published',
      revocations_taken_back: 'number of revocations in force that the database lacked',
    },
  },
  'database.acknowledged': {
    when: 'An administrator confirmed that the changes missing from the backup have been dealt with.',
    action: 'database:acknowledge',
    resource: 'database',
    changes: { restored_at: 'when it was noticed' },
  },
} as const satisfies Readonly<Record<string, EventDeclaration<Kind>>>;
