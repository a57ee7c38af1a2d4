import { type EventDeclaration } from '@countersign/audit-event';
import { type Kind } from './kinds.js';

/** What applications and devices ask of a person, and what the person allows them. */
export const consentEvents = {
  'authorization-request.pushed': {
    when: 'An application pushed its authorization request (RFC 9126).',
    action: 'authorization-request:push',
    resource: 'authorization-request',
    changes: { client_id: 'which application', audience: 'at which service', scope: 'which rights it requests' },
  },
  'authorization-request.push_refused': {
    when: 'A pushed request was refused: the client was not authenticated, is over its rate limit (the first refusal of a window), or requested what it may not have.',
    action: 'authorization-request:push',
    resource: 'client',
    principal: 'sometimes',
  },
  'authorization-request.shown': {
    when: "A browser delivered an application's authorization request, which now waits for the person to sign in or to decide.",
    action: 'authorization-request:show',
    resource: 'authorization-request',
    principal: 'sometimes',
    changes: {
      client_id: 'which application',
      audience: 'at which service',
      scope: 'which rights it requests',
      waits_for: '`sign-in` or `consent`',
    },
  },
  'authorization-request.refused': {
    when: "An application's authorization request was refused.",
    action: 'authorization-request:answer',
    resource: 'client',
    principal: 'sometimes',
    changes: { audience: 'at which service', scope: 'which rights it requested' },
  },
  'authorization-request.granted': {
    when: 'An application was given a code, which starts its delegation when it is redeemed.',
    action: 'authorization-request:answer',
    resource: 'delegation',
    changes: { client_id: 'which application', audience: 'at which service', scope: 'with which rights' },
  },
  'consent.given': {
    when: 'A person allowed an application what the page had described.',
    action: 'consent:give',
    resource: 'consent',
    changes: {
      client_id: 'which application',
      audience: 'at which service',
      scope: 'which rights',
      version: 'how many times the person has allowed more, including this time',
    },
  },
  'consent.withdrawn': {
    when: 'A person withdrew what an application was allowed.',
    action: 'consent:withdraw',
    resource: 'consent',
    changes: {
      client_id: 'which application',
      audience: 'at which service',
      scope: 'which rights',
      version: 'the newest that counted',
    },
  },
  'consent.form_refused': {
    when: 'A decision came from a page that this issuer had not shown in this browser (CSRF).',
    action: 'consent:give',
    resource: 'endpoint',
    principal: 'never',
  },
  'delegation.begun': {
    when: "A person's application redeemed a code, or a device was approved: from then on it may act for the person.",
    action: 'delegation:begin',
    resource: 'delegation',
    changes: {
      person: 'for whom',
      client_id: 'which application',
      audience: 'at which service',
      scope: 'with which rights',
      bound_to: 'thumbprint of the key that its tokens are bound to (DPoP)',
    },
  },
  'delegation.ended': {
    when: 'A delegation from a person to an application ended, and its tokens are refused everywhere.',
    action: 'delegation:end',
    resource: 'delegation',
    principal: 'sometimes',
    changes: {
      person: 'for whom it was',
      client_id: 'which application had it',
      because:
        '`BY_PERSON`, `SESSION_ENDED`, `BY_CLIENT`, `BY_ADMIN`, `CODE_REPLAYED`, `REFRESH_REPLAYED` or `EXPIRED`',
    },
  },
  'delegations.listed': {
    when: 'An administrator was shown what people allowed applications.',
    action: 'delegation:list',
    resource: 'delegation',
    changes: {
      person: 'only of this one; null for all',
      client_id: 'only of this one; null for all',
      shown: 'how many',
    },
  },
  'delegation.end_refused': {
    when: 'An administrator tried to end a delegation that does not exist, or one that had already ended (`DELEGATION_ENDED`), which was shown.',
    action: 'delegation:end',
    resource: 'delegation',
  },
  'device.begun': {
    when: 'A device without a browser asked to act for a person, and was given a code to show (RFC 8628).',
    action: 'device:begin',
    resource: 'device',
    changes: { client_id: 'which application', audience: 'at which service', scope: 'which rights it requests' },
  },
  'device.refused': {
    when: 'A device was given no code: its client was not authenticated, is over its rate limit (the first refusal of a window), or requested what it may not have.',
    action: 'device:begin',
    resource: 'client',
    principal: 'sometimes',
  },
  'device.shown': {
    when: 'A person entered the code of a device, and was asked whether it may act for them.',
    action: 'device:show',
    resource: 'device',
    changes: { client_id: 'which application', audience: 'at which service', scope: 'which rights it requests' },
  },
  'device.decided': {
    when: 'A person allowed a device to act for them (the `txn` is that of the delegation), or refused.',
    action: 'device:decide',
    resource: 'device',
    changes: { client_id: 'which application', audience: 'at which service', scope: 'with which rights' },
  },
  'device.code_refused': {
    when: 'A person entered a code that no device is waiting for, or whose device requests rights that they do not have; or they entered too many wrong codes (`CODES_TOO_MANY`, once in ten minutes).',
    action: 'device:show',
    resource: 'endpoint',
  },
  'refresh-token.replayed': {
    when: 'An alert: a used refresh token was presented again after its window, so somebody else may have it. Its delegation was ended.',
    action: 'refresh-token:replay',
    resource: 'delegation',
    changes: {
      person: 'who is signed out',
      client_id: 'of which application',
      generation: 'which of the tokens it was: 0 is the first',
    },
  },
} as const satisfies Readonly<Record<string, EventDeclaration<Kind>>>;
