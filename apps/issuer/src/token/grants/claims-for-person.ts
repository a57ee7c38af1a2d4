import { type Delegation } from '../../delegations/delegation.js';
import { type AccessTokenClaims } from './access-token.js';
import { claimsForClient, type TokenParameters } from './token-parameters.js';

/** What a token needs to know of a delegation. */
export type Delegated = Pick<Delegation, 'id' | 'personId' | 'authTime' | 'amr' | 'roles'> & {
  readonly acr?: string | undefined;
};

/** The claims of a token with which an application acts for a person: the person is its subject, the delegation its `txn`. */
export function claimsForPerson(parameters: TokenParameters, delegation: Delegated): AccessTokenClaims {
  const { id, personId, authTime, acr, amr, roles } = delegation;
  return {
    ...claimsForClient(parameters),
    sub: personId,
    txn: id,
    kind: 'person',
    auth_time: Math.floor(authTime.getTime() / 1_000),
    ...(acr === undefined ? {} : { acr }),
    ...(amr.length === 0 ? {} : { amr }),
    ...(roles.length === 0 ? {} : { roles }),
  };
}
