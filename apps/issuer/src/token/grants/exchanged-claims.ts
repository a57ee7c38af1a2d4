import { claimOfApiKey, type Principal } from '@countersign/auth-core';
import { refused } from '../../registry/refused.js';
import { type AccessTokenClaims, type ActorClaim } from './access-token.js';
import { type GrantDecision } from './grant.js';
import { LEAST_LIFETIME } from './least-lifetime.js';
import { claimsForClient, type TokenParameters } from './token-parameters.js';

/** Refuses what ends before anything could be done with it. @param now milliseconds */
export function tooShort({ expiresAt }: Principal, now: number): GrantDecision | undefined {
  if (expiresAt * 1_000 - now >= LEAST_LIFETIME * 1_000) return undefined;
  const least = String(LEAST_LIFETIME);
  return refused(
    'invalid_grant',
    `the subject token expires in less than ${least} seconds; exchange one that is valid longer`,
  );
}

function actorChain(subjects: readonly string[]): ActorClaim | undefined {
  return subjects.reduceRight<ActorClaim | undefined>(
    (act, sub) => (act === undefined ? { sub } : { sub, act }),
    undefined,
  );
}

/** What a token says about its subject, no matter who acts for it. */
function aboutSubject({
  kind,
  roles,
  authTime,
  acr,
  amr,
}: Principal): Pick<AccessTokenClaims, 'kind' | 'roles' | 'auth_time' | 'acr' | 'amr'> {
  return {
    kind,
    ...(roles.length === 0 ? {} : { roles }),
    ...(authTime === undefined ? {} : { auth_time: authTime }),
    ...(acr === undefined ? {} : { acr }),
    ...(amr.length === 0 ? {} : { amr }),
  };
}

/** The subject, its roles and its `txn` stay; the client becomes the newest actor; never longer than the subject token. */
export function claimsForExchange(parameters: TokenParameters, subject: Principal): AccessTokenClaims {
  const act = actorChain([parameters.clientId, ...subject.actors.map((actor) => actor.subject)]);
  return {
    ...claimsForClient(parameters),
    sub: subject.subject,
    exp: Math.min(parameters.issuedAt + parameters.lifetime, subject.expiresAt),
    txn: subject.txn,
    ...(act === undefined ? {} : { act }),
    ...aboutSubject(subject),
    // Beyond the first service only its identity matters: limits and networks apply at the first service.
    ...(subject.apiKey === undefined
      ? {}
      : { api_key: claimOfApiKey({ ...subject.apiKey, networks: [], limits: undefined }) }),
  };
}

/**
 * Like {@link claimsForExchange}, for somebody of an outside issuer. What that issuer calls a transaction is nothing here, so that nobody outside
 * chooses an id of ours: a new one starts.
 */
export function claimsForOutside(parameters: TokenParameters, subject: Principal): AccessTokenClaims {
  return { ...claimsForExchange(parameters, subject), txn: parameters.tokenId, kind: subject.kind };
}
