import { type EventDeclaration } from '@countersign/audit-event';
import { type Kind } from './kinds.js';

const apiKeyChanges = {
  before: 'the key as it was, without its digest; null for a new one',
  after: 'the key as it is now',
  reason: 'as given, for people',
};

/** API keys: their lifecycle, their use, and unusual use. */
export const apiKeyEvents = {
  'api-key.created': {
    when: 'An API key was created for a client. The key itself was shown once and appears in no event.',
    action: 'api-key:create',
    resource: 'api-key',
    changes: apiKeyChanges,
  },
  'api-key.rotated': {
    when: 'An API key got a successor; it expires after its grace period.',
    action: 'api-key:rotate',
    resource: 'api-key',
    changes: { ...apiKeyChanges, successor: 'id of the key that replaces it' },
  },
  'api-key.disabled': {
    when: 'An API key was disabled: it is refused until it is enabled again.',
    action: 'api-key:disable',
    resource: 'api-key',
    changes: apiKeyChanges,
  },
  'api-key.enabled': {
    when: 'An API key was enabled again.',
    action: 'api-key:enable',
    resource: 'api-key',
    changes: apiKeyChanges,
  },
  'api-key.revoked': {
    when: 'An API key was revoked permanently.',
    action: 'api-key:revoke',
    resource: 'api-key',
    changes: apiKeyChanges,
  },
  'api-key.change_refused': {
    when: 'A requested change of an API key was refused; of one that was to be made, the resource is its client.',
    action: ['api-key:create', 'api-key:rotate', 'api-key:disable', 'api-key:enable', 'api-key:revoke'],
    resource: ['api-key', 'client'],
  },
  'api-key.looked-at': {
    when: 'An API key, its usage or a page of keys was shown, or keys found somewhere were compared with the existing ones; `failed` if there is no such key.',
    action: ['api-key:read', 'api-key:list', 'api-key:usage', 'api-key:lookup'],
    resource: 'api-key',
    changes: { count: 'how many were shown, or how many of those found are live' },
  },
  'api-key.exposed': {
    when: 'A service saw an API key in a URL, where anybody may read it; `failed` if this issuer has no such key.',
    action: 'api-key:expose',
    resource: 'api-key',
    changes: { client_id: 'whose it is', name: 'its name', service: 'which service saw it' },
  },
  'api-key.new-network': {
    when: 'An API key was used from a new network, after it had been used from others, as a service reported.',
    action: 'api-key:use',
    resource: 'api-key',
    principal: 'never',
    changes: { network: 'an IPv4 address, or the first half of an IPv6 address', service: 'which service saw it' },
  },
  'api-key.unusual': {
    when: 'An API key was used at least 100 times in an hour, and ten times as often as in an average hour of the week before (or since its first use in that week); at most once an hour.',
    action: 'api-key:use',
    resource: 'api-key',
    principal: 'never',
    changes: {
      client_id: 'whose it is',
      name: 'its name',
      hour: 'when the hour started',
      count: 'requests in it so far',
      usual: 'requests in an average hour',
    },
  },
  'api-key.expiring': {
    when: 'An API key expires soon and has no successor; once per key.',
    action: 'api-key:warn',
    resource: 'api-key',
    principal: 'never',
    changes: { client_id: 'whose it is', name: 'its name', expires_at: 'when it ends' },
  },
} as const satisfies Readonly<Record<string, EventDeclaration<Kind>>>;
