import { type EventDeclaration } from '@countersign/audit-event';
import { type Kind } from './kinds.js';

/** Registered clients, and the words that people read of a service. */
export const clientEvents = {
  'client.registered': {
    when: 'A client was registered.',
    action: 'client:register',
    resource: 'client',
    changes: { before: 'null', after: 'the registration, without secrets' },
  },
  'client.replaced': {
    when: "A client's registration was replaced.",
    action: 'client:replace',
    resource: 'client',
    changes: { before: 'the registration', after: 'the registration' },
  },
  'client.disabled': {
    when: 'A client was disabled.',
    action: 'client:disable',
    resource: 'client',
    changes: { before: 'the registration', after: 'the registration' },
  },
  'client.enabled': {
    when: 'A client was enabled again.',
    action: 'client:enable',
    resource: 'client',
    changes: { before: 'the registration', after: 'the registration' },
  },
  'client.declared': {
    when: 'The declared file, or a call that applied one, registered, changed or disabled a client.',
    action: 'client:declare',
    resource: 'client',
    principal: 'sometimes',
    changes: { before: 'the registration, or null', after: 'the registration' },
  },
  'client.compared': {
    when: 'An administrator compared declared clients with the registered ones, and nothing was changed: it was a dry run, or there was no difference.',
    action: 'client:declare',
    resource: 'client',
    changes: { dry_run: 'whether it was a dry run', differing: 'number of clients that differ' },
  },
  'client-key.added': {
    when: 'A public key was added to a client.',
    action: 'client-key:add',
    resource: 'client',
    changes: { before: 'the registration', after: 'the registration' },
  },
  'client-key.removed': {
    when: 'A public key of a client was removed.',
    action: 'client-key:remove',
    resource: 'client',
    changes: { before: 'the registration', after: 'the registration' },
  },
  'client-secret.added': {
    when: 'A secret was created for a client.',
    action: 'client-secret:add',
    resource: 'client',
    changes: { before: 'the registration', after: 'the registration' },
  },
  'client-secret.removed': {
    when: 'A secret of a client was removed.',
    action: 'client-secret:remove',
    resource: 'client',
    changes: { before: 'the registration', after: 'the registration' },
  },
  'client.change_refused': {
    when: 'A requested change of a client was refused.',
    action: [
      'client:register',
      'client:replace',
      'client:disable',
      'client:enable',
      'client-key:add',
      'client-key:remove',
      'client-secret:add',
      'client-secret:remove',
    ],
    resource: 'client',
  },
  'client.looked-at': {
    when: 'A client, or a page of all of them, was shown; `failed` where there is no such client.',
    action: ['client:read', 'client:list'],
    resource: 'client',
    changes: { cursor: 'of a list: where the page starts', limit: 'of a list: how many were requested' },
  },
  'audience.declared': {
    when: 'The texts that people read about a service and its scopes were declared.',
    action: 'audience:declare',
    resource: 'audience',
    principal: 'sometimes',
    changes: { before: 'the words, or null', after: 'the words, or null' },
  },
} as const satisfies Readonly<Record<string, EventDeclaration<Kind>>>;
