import { defineEvents } from '@countersign/audit-event';
import { tokenEvents } from './catalogue/token-events.js';
import { revocationEvents } from './catalogue/revocation-events.js';
import { clientEvents } from './catalogue/client-events.js';
import { consentEvents } from './catalogue/consent-events.js';
import { apiKeyEvents } from './catalogue/api-key-events.js';
import { keyEvents } from './catalogue/key-events.js';
import { personEvents } from './catalogue/person-events.js';
import { kinds } from './catalogue/kinds.js';

/** What is done under an Idempotency-Key. */
const keyed = [
  'client:register',
  'client:declare',
  'client:disable',
  'client:enable',
  'client-key:add',
  'client-secret:add',
  'signing-key:rotate',
  'signing-key:revoke',
  'revocation-key:rotate',
  'revocation-key:revoke',
  'revocation:create',
  'delegation:end',
  'person:end-sessions',
  'person:disable',
  'person:enable',
  'session:end',
  'api-key:create',
  'api-key:rotate',
  'api-key:disable',
  'api-key:enable',
  'api-key:revoke',
] as const;

/** Everything that the issuer records: with its parts in `catalogue/`, the only place where its event types, actions and kinds of resource are written. */
export const events = defineEvents({
  source: 'issuer',
  kinds,
  events: {
    ...tokenEvents,
    ...revocationEvents,
    ...clientEvents,
    ...consentEvents,
    ...apiKeyEvents,
    ...keyEvents,
    ...personEvents,
    'answer.replayed': {
      when: 'The stored response of an Idempotency-Key was returned again; it shows what the first one showed, including secrets. The resource is what that was about.',
      action: keyed,
      resource: [
        'client',
        'api-key',
        'signing-key',
        'revocation-key',
        'person',
        'session',
        'delegation',
        'token',
        'transaction',
        'subject',
        'revocation',
      ],
    },
    'idempotency-key.refused': {
      when: 'A key was used with a different body (`IDEMPOTENCY_KEY_REUSED`), or while its first request was still running (`IDEMPOTENCY_IN_FLIGHT`).',
      action: keyed,
      resource: 'idempotency-key',
    },
  },
});
