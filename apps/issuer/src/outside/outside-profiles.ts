import { knownProfiles, type JsonObject, type ProfileName, type TokenProfile } from '@countersign/auth-core';
import { type OutsideIssuer, type OutsideTokenKind } from './outside-issuer.js';

/** What only other tokens than ID tokens say. */
const notOfIdTokens = ['scope', 'scp', 'scopes', 'client_id', 'cid', 'gty', 'events'];

/** ID tokens (OpenID Connect Core, sections 2 and 3.1.3.7): for one client, which is also who asked for it. An access token is not one. */
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

/** What ID tokens and access tokens say, and an assertion has no reason to. */
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

/** A plain authorization grant (RFC 7523, section 3), good once. */
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

/** Where a token's roles are, by the declaration. */
function withRoles(profile: TokenProfile, { roles_claim: path }: OutsideIssuer): TokenProfile {
  if (path === undefined) return profile;
  return { ...profile, roles: (claims) => path.reduce<unknown>(member, claims) };
}

/** Claims of a sign-in or a session: a service has neither. `acr` does not count: Keycloak puts it in tokens of services too. */
const saysPerson = (claims: JsonObject): boolean => ['sid', 'auth_time'].some((name) => claims[name] !== undefined);

/**
 * Whom an access token is about, where its profile has no claim that says so. A service must never be accepted as a person, so an unclear case is a
 * service's; people of such an issuer can show their ID token.
 */
const kinds: Partial<Record<ProfileName, TokenProfile['kind']>> = {
  rfc9068: (claims, subject) =>
    claims['kind'] === undefined && saysPerson(claims)
      ? 'person'
      : (knownProfiles.rfc9068.kind?.(claims, subject) ?? 'service'),
  // Spring gives a client that asks for itself its own name as subject; only a customizer makes it name the client.
  spring: ({ client_id: client }, subject) => (client === undefined || client === subject ? 'service' : 'person'),
  zitadel: (claims) => (saysPerson(claims) ? 'person' : 'service'),
};

function accessTokenProfile(name: ProfileName): TokenProfile {
  const kind = kinds[name];
  return kind === undefined ? knownProfiles[name] : { ...knownProfiles[name], kind };
}

/** How a token that is to be exchanged looks. */
export function subjectTokenProfile(issuer: OutsideIssuer, kind: Exclude<OutsideTokenKind, 'id-jag'>): TokenProfile {
  return withRoles(kind === 'id_token' ? idToken : accessTokenProfile(issuer.profile), issuer);
}

/** How an assertion looks. */
export function assertionProfile(issuer: OutsideIssuer, kind: 'jwt' | 'id-jag'): TokenProfile {
  return withRoles(kind === 'jwt' ? assertion : identityAssertion, issuer);
}
