import { type EventDeclaration } from '@countersign/audit-event';
import { type Kind } from './kinds.js';

const keyChanges = {
  state: 'before and after: `pending`, `active`, `retired` or `removed`; before is null for a new key',
};

/** The keys that the issuer signs with. */
export const keyEvents = {
  'signing-key.created': {
    when: 'A signing key was made, or taken from a file.',
    action: 'signing-key:create',
    resource: 'signing-key',
    changes: keyChanges,
  },
  'signing-key.activated': {
    when: 'The schedule let the pending signing key take over.',
    action: 'signing-key:activate',
    resource: 'signing-key',
    changes: { ...keyChanges, retired: '`kid` of the key before' },
  },
  'signing-key.rotated': {
    when: 'An administrator let the pending signing key take over.',
    action: 'signing-key:rotate',
    resource: 'signing-key',
    changes: { ...keyChanges, retired: '`kid` of the key before' },
  },
  'signing-key.removed': {
    when: 'A retired signing key left the JWKS.',
    action: 'signing-key:remove',
    resource: 'signing-key',
    changes: keyChanges,
  },
  'signing-key.revoked': {
    when: 'An administrator took a signing key out of the JWKS at once.',
    action: 'signing-key:revoke',
    resource: 'signing-key',
    changes: { ...keyChanges, revoked: 'before and after: before is true where it had been revoked already' },
  },
  'signing-key.change_refused': {
    when: 'A requested change of the signing keys was refused.',
    action: ['signing-key:rotate', 'signing-key:revoke'],
    resource: 'signing-key',
  },
  'signing-key.looked-at': {
    when: 'The signing keys were shown.',
    action: 'signing-key:list',
    resource: 'signing-key',
  },
  'revocation-key.created': {
    when: 'A key that signs what is revoked was made.',
    action: 'revocation-key:create',
    resource: 'revocation-key',
    changes: keyChanges,
  },
  'revocation-key.activated': {
    when: 'The schedule let the pending revocation key take over.',
    action: 'revocation-key:activate',
    resource: 'revocation-key',
    changes: { ...keyChanges, retired: '`kid` of the key before' },
  },
  'revocation-key.rotated': {
    when: 'An administrator let the pending revocation key take over.',
    action: 'revocation-key:rotate',
    resource: 'revocation-key',
    changes: { ...keyChanges, retired: '`kid` of the key before' },
  },
  'revocation-key.removed': {
    when: 'A retired revocation key left its JWKS.',
    action: 'revocation-key:remove',
    resource: 'revocation-key',
    changes: keyChanges,
  },
  'revocation-key.revoked': {
    when: 'An administrator took a revocation key out of its JWKS at once.',
    action: 'revocation-key:revoke',
    resource: 'revocation-key',
    changes: { ...keyChanges, revoked: 'before and after: before is true where it had been revoked already' },
  },
  'revocation-key.change_refused': {
    when: 'A requested change of the revocation keys was refused.',
    action: ['revocation-key:rotate', 'revocation-key:revoke'],
    resource: 'revocation-key',
  },
  'revocation-key.looked-at': {
    when: 'The revocation keys were shown.',
    action: 'revocation-key:list',
    resource: 'revocation-key',
  },
} as const satisfies Readonly<Record<string, EventDeclaration<Kind>>>;
