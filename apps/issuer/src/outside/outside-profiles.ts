import { knownProfiles, type JsonObject, type ProfileName, type TokenProfile } from '@countersign/auth-core';
import { type OutsideIssuer, type OutsideTokenKind } from './outside-issuer.js';

/** Claims that ID tokens never have. */
const notOfIdTokens = ['scope', 'scp', 'scopes', 'client_id', 'cid', 'gty', 'events'];

/** ID tokens (OpenID Connect Core, sections 2 and 3.1.3.7): for one client, which is also the one that requested it. An access token is not accepted as one. */
const idToken: TokenProfile = {
  name: 'id_token',
  types: ['JWT'],
  untyped: true,
  notAccessToken: (claims, { audience }) => {
    const { typ, token_use: use, azp, aud, jti } = claims;
    const other = notOfIdTokens.find((name) => claims[name] !== undefined);
    if (other !== undefined) return other;
    if (typ !== undefined && typ !== 'ID') return 'typ';
    if (use !== undefined && use !== 'id') return 'token_use';
    if (typeof jti === 'string' && jti.startsWith('AT.')) return 'jti';
    const isForSeveral = Array.isArray(aud) && aud.length > 1;
    return azp === audience || (azp === undefined && !isForSeveral) ? undefined : 'azp';
  },
  client: ['azp', 'aud'],
  scopes: () => undefined,
  kind: () => 'person',
};

/** An assertion is for exactly one authorization server. */
function isForOnly({ aud }: JsonObject, audience: string): boolean {
  return aud === audience || (Array.isArray(aud) && aud.length === 1 && aud[0] === audience);
}

/** Claims of ID tokens and access tokens that an assertion has no reason to contain. */
const notOfAssertions = [
  'nonce',
  'at_hash',
  'c_hash',
  's_hash',
  'azp',
  'typ',
  'token_use',
  'scp',
  'cid',
  'sid',
  'events',
];

/** A plain authorization grant (RFC 7523, section 3), which works once. */
const assertion: TokenProfile = {
  name: 'jwt',
  types: ['JWT'],
  untyped: true,
  notAccessToken: (claims) => notOfAssertions.find((name) => claims[name] !== undefined),
  isFor: isForOnly,
  client: ['client_id', 'sub'],
  tokenIdRequired: true,
  kind: () => 'person',
};

/** An identity assertion (draft-ietf-oauth-identity-assertion-authz-grant): the company's provider says who the person is, to whom, for which client. */
export const identityAssertion: TokenProfile = {
  name: 'id-jag',
  types: ['oauth-id-jag+jwt'],
  isFor: isForOnly,
  client: ['client_id'],
  tokenIdRequired: true,
  kind: () => 'person',
};

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;

/** Where a token's roles are, according to the declaration. */
function withRoles(profile: TokenProfile, { roles_claim: path }: OutsideIssuer): TokenProfile {
  if (path === undefined) return profile;
  return { ...profile, roles: (claims) => path.reduce<unknown>(member, claims) };
}

/** Claims of a sign-in or a session, which a service has not. `acr` does not count: Keycloak also puts it in tokens of services. */
const saysPerson = (claims: JsonObject): boolean => ['sid', 'auth_time'].some((name) => claims[name] !== undefined);

/**
 * The kind of an access token's subject, if its profile has no claim for it. A service must never be accepted as a person, so an unclear case counts as a
 * service; people of such an issuer can present their ID token.
 */
const kinds: Partial<Record<ProfileName, TokenProfile['kind']>> = {
  rfc9068: (claims, subject) =>
    claims['kind'] === undefined && saysPerson(claims)
      ? 'person'
      : (knownProfiles.rfc9068.kind?.(claims, subject) ?? 'service'),
  // For a client's own token Spring uses the client's name as subject; only a customizer adds the client claim.
  spring: ({ client_id: client }, subject) => (client === undefined || client === subject ? 'service' : 'person'),
  zitadel: (claims) => (saysPerson(claims) ? 'person' : 'service'),
};

function accessTokenProfile(name: ProfileName): TokenProfile {
  const kind = kinds[name];
  return kind === undefined ? knownProfiles[name] : { ...knownProfiles[name], kind };
}

/** The form of a token for exchange. */
export function subjectTokenProfile(issuer: OutsideIssuer, kind: Exclude<OutsideTokenKind, 'id-jag'>): TokenProfile {
  return withRoles(kind === 'id_token' ? idToken : accessTokenProfile(issuer.profile), issuer);
}

/** How an assertion looks. */
export function assertionProfile(issuer: OutsideIssuer, kind: 'jwt' | 'id-jag'): TokenProfile {
  return withRoles(kind === 'jwt' ? assertion : identityAssertion, issuer);
}
