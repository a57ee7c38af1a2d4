import { type Principal } from '@countersign/auth-core';
import { type AccessTokenClaims, type ActorClaim } from './access-token.js';

export interface Grant {
  readonly issuer: string;
  readonly clientId: string;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly tokenId: string;
  /** Seconds. */
  readonly issuedAt: number;
  /** Seconds. */
  readonly lifetime: number;
  /** Thumbprint of the key that the token is bound to; nothing for a bearer token. */
  readonly boundTo?: string | undefined;
}

/** `client_credentials`: the client is its own subject, and begins a new `txn`. */
export function claimsForClient(grant: Grant): AccessTokenClaims {
  return {
    iss: grant.issuer,
    sub: grant.clientId,
    aud: grant.audience,
    exp: grant.issuedAt + grant.lifetime,
    iat: grant.issuedAt,
    jti: grant.tokenId,
    client_id: grant.clientId,
    scope: grant.scopes.join(' '),
    txn: grant.tokenId,
    ...(grant.boundTo === undefined ? {} : { cnf: { jkt: grant.boundTo } }),
  };
}

function actorChain(subjects: readonly string[]): ActorClaim | undefined {
  return subjects.reduceRight<ActorClaim | undefined>(
    (act, sub) => (act === undefined ? { sub } : { sub, act }),
    undefined,
  );
}

/** Seconds that a subject token must still have: an exchanged token with less is of no use on its way. */
export const LEAST_EXCHANGED_LIFETIME = 5;

/** Whether nothing useful is left of a subject token. @param now milliseconds */
export function endsTooSoon({ expiresAt }: Pick<Principal, 'expiresAt'>, now: number): boolean {
  return expiresAt * 1_000 - now < LEAST_EXCHANGED_LIFETIME * 1_000;
}

/** Token exchange: the subject, its roles and its `txn` stay; the client becomes the newest actor; never longer than the subject token. */
export function claimsForExchange(grant: Grant, subject: Principal): AccessTokenClaims {
  const act = actorChain([grant.clientId, ...subject.actors.map((actor) => actor.subject)]);
  return {
    ...claimsForClient(grant),
    sub: subject.subject,
    exp: Math.min(grant.issuedAt + grant.lifetime, subject.expiresAt),
    txn: subject.txn,
    ...(act === undefined ? {} : { act }),
    ...(subject.roles.length === 0 ? {} : { roles: subject.roles }),
  };
}
