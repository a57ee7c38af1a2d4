import { type EventDeclaration } from '@countersign/audit-event';
import { type Kind } from './kinds.js';

/** Tokens: issued, refused, introspected, and revoked by the client that holds them. */
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
      subject_token: "an outside issuer's name and the id of its token, which identified the subject",
    },
  },
  'token.refused': {
    when: 'A request for a token was refused. For a rate limit, only the first refusal of a window.',
    action: ['token:issue', 'token:exchange', 'token:refresh'],
    resource: ['audience', 'endpoint'],
    principal: 'sometimes',
    changes: {
      audience: 'the requested audience',
      scope: 'the requested scopes',
      claimed_client_id: 'the unproven identity that the caller claimed',
      api_key: 'id of an API key that was presented and is no longer accepted',
    },
  },
  'token.introspected': {
    when: 'A client introspected a token. With the outcome `allowed` it saw the claims; otherwise the response was `{"active": false}`, and the reason says why.',
    action: 'token:introspect',
    resource: 'token',
  },
  'token.introspect_refused': {
    when: 'Introspection was refused: the client was not authenticated, or is over its rate limit (the first refusal of a window).',
    action: 'token:introspect',
    resource: 'client',
    principal: 'sometimes',
  },
  'token.revoke_ignored': {
    when: 'A client asked to revoke something that is not a token of this issuer, has expired, or was already revoked; the response is the same as for a revoked token (RFC 7009). A refresh token is named by its delegation.',
    action: 'token:revoke',
    resource: ['token', 'delegation'],
  },
  'token.revoke_refused': {
    when: 'Revocation was refused: the client was not authenticated, is over its rate limit (the first refusal of a window), or the token belongs to another client. A refresh token is named by its delegation.',
    action: 'token:revoke',
    resource: ['client', 'token', 'delegation'],
    principal: 'sometimes',
  },
} as const satisfies Readonly<Record<string, EventDeclaration<Kind>>>;
