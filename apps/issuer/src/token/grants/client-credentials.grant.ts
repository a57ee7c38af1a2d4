import { decideClientCredentials } from '../../registry/policy.js';
import { type GrantBasis, type TokenGrant } from './grant.js';
import { claimsForClient } from './token-parameters.js';

const itself: GrantBasis = {
  subject: undefined,
  decide: (policy, { audience, scopes }) => decideClientCredentials(policy, audience, scopes),
  claims: claimsForClient,
};

/** `client_credentials` (RFC 6749, section 4.4): the client acts for itself, and needs only its credentials. */
export const clientCredentials: TokenGrant = {
  type: 'client_credentials',
  action: 'token:issue',
  read: () => itself,
};
