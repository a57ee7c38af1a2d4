import { type EventDeclaration } from '@countersign/audit-event';
import { type Kind } from './kinds.js';

const keyChanges = {
  state: 'before and after: `pending`, `active`, `retired` or `removed`; before is null for a new key',
};

/** The keys that the issuer signs with. */
export const keyEvents = {
  'signing-key.created': {
    when: 'A signing key was generated, or imported from a file.',
    action: 'signing-key:create',
    resource: 'signing-key',
    principal: 'never',
    changes: keyChanges,
  },
  'signing-key.activated': {
    when: 'The pending signing key took over on schedule.',
    action: 'signing-key:activate',
    resource: 'signing-key',
    principal: 'never',
    changes: { ...keyChanges, retired: '`kid` of the key before' },
  },
  'signing-key.rotated': {
    when: 'An administrator activated the pending signing key.',
    action: 'signing-key:rotate',
    resource: 'signing-key',
    changes: { ...keyChanges, retired: '`kid` of the key before' },
  },
  'signing-key.removed': {
    when: 'A retired signing key was removed from the JWKS.',
    action: 'signing-key:remove',
    resource: 'signing-key',
    principal: 'never',
    changes: keyChanges,
  },
  'signing-key.revoked': {
    when: 'An administrator immediately removed a signing key from the JWKS.',
    action: 'signing-key:revoke',
    resource: 'signing-key',
    changes: { ...keyChanges, revoked: 'before and after: before is true if it had already been revoked' },
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
    when: 'A key that signs revocations was generated.',
    action: 'revocation-key:create',
    resource: 'revocation-key',
    principal: 'never',
    changes: keyChanges,
  },
  'revocation-key.activated': {
    when: 'The pending revocation key took over on schedule.',
    action: 'revocation-key:activate',
    resource: 'revocation-key',
    principal: 'never',
    changes: { ...keyChanges, retired: '`kid` of the key before' },
  },
  'revocation-key.rotated': {
    when: 'An administrator activated the pending revocation key.',
    action: 'revocation-key:rotate',
    resource: 'revocation-key',
    changes: { ...keyChanges, retired: '`kid` of the key before' },
  },
  'revocation-key.removed': {
    when: 'A retired revocation key was removed from its JWKS.',
    action: 'revocation-key:remove',
    resource: 'revocation-key',
    principal: 'never',
    changes: keyChanges,
  },
  'revocation-key.revoked': {
    when: 'An administrator immediately removed a revocation key from its JWKS.',
    action: 'revocation-key:revoke',
    resource: 'revocation-key',
    changes: { ...keyChanges, revoked: 'before and after: before is true if it had already been revoked' },
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
