import { type EventDeclaration } from '@countersign/audit-event';
import { type Kind } from './kinds.js';

/** Tokens: what is issued, refused, introspected, and revoked by the client that has it. */
export const tokenEvents = {
  'token.issued': {
    when: 'A token was issued or exchanged.',
    action: ['token:issue', 'token:exchange', 'token:refresh'],
    resource: 'audience',
    changes: {
      audience: 'who the token is for',
      scope: 'the scopes given',
      jti: "the token's id",
      expires_at: 'when it ends',
      bound_to: 'thumbprint of the key that it is bound to (DPoP)',
      exchanged_by: 'of an API key: the service that exchanged it',
      subject_token: "an outside issuer's name and the id of its token, by which the subject is known",
    },
  },
  'token.refused': {
    when: 'A request for a token was refused. Beyond a rate limit, the first refusal of a window.',
    action: ['token:issue', 'token:exchange', 'token:refresh'],
    resource: ['audience', 'endpoint'],
    changes: {
      audience: 'the audience asked for',
      scope: 'the scopes asked for',
      claimed_client_id: 'whom the caller claimed to be without proving it',
      api_key: 'id of an API key that was presented and is no longer accepted',
    },
  },
  'token.introspected': {
    when: 'A client asked about a token. Outcome `allowed`: it was shown the claims; else the answer was `{"active": false}`, and the reason says why.',
    action: 'token:introspect',
    resource: 'token',
  },
  'token.introspect_refused': {
    when: 'Introspection was refused: the client was not authenticated, or is beyond its rate limit (the first of a window).',
    action: 'token:introspect',
    resource: 'client',
  },
  'token.revoke_ignored': {
    when: 'A client asked to revoke what is not a token of this issuer, has expired or is revoked already; the answer is the same as for a token that was revoked (RFC 7009).',
    action: 'token:revoke',
    resource: 'token',
  },
  'token.revoke_refused': {
    when: "Revocation was refused: the client was not authenticated, is beyond its rate limit (the first of a window), or the token is another client's.",
    action: 'token:revoke',
    resource: ['client', 'token'],
  },
} as const satisfies Readonly<Record<string, EventDeclaration<Kind>>>;
