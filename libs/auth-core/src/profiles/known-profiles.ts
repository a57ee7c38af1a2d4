import { ACCESS_TOKEN_TYP } from '../oauth.js';
import { isObject, type JsonObject } from '../json-object.js';
import { kindOf } from '../jws/principal-kind.js';
import { type PrincipalKind } from '../principal.js';
import { audiencesOf, type TokenProfile } from './token-profile.js';

/** Claims that only ID tokens have (OpenID Connect Core, sections 2 and 3.3.2.11). */
const idTokenClaim = (claims: JsonObject): string | undefined =>
  ['nonce', 'at_hash', 'c_hash', 's_hash'].find((name) => claims[name] !== undefined);

const NO_ENTRIES: readonly unknown[] = [];
const entries = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : NO_ENTRIES);

/** `{ "roles": […] }`, as Keycloak has them in several places. */
const rolesIn = (value: unknown): readonly unknown[] => entries(isObject(value) ? value['roles'] : undefined);

/** Returns the claim's name unless it is a string. */
const lacks = (claims: JsonObject, name: string): string | undefined =>
  typeof claims[name] === 'string' && claims[name] !== '' ? undefined : name;

const personIf = (isPerson: boolean): PrincipalKind => (isPerson ? 'person' : 'service');

/** RFC 9068 in full: `aud` may be a list that contains this service, and `scope` may be absent. */
const rfc9068: TokenProfile = {
  name: 'rfc9068',
  types: [ACCESS_TOKEN_TYP],
  client: ['client_id'],
  tokenIdRequired: true,
  kind: ({ kind }, subject) => kindOf(kind, subject),
  roles: ({ roles }) => roles,
};

/**
 * Keycloak states the kind of a token in a claim: `Bearer`, or `ID`, `Refresh`, `Logout`. The roles are those of the realm, and of this service as a
 * client.
 */
const keycloak: TokenProfile = {
  name: 'keycloak',
  types: ['JWT', ACCESS_TOKEN_TYP],
  notAccessToken: ({ typ }) => (typ === 'Bearer' || typ === 'DPoP' ? undefined : 'typ'),
  client: ['azp', 'client_id'],
  tokenIdRequired: true,
  // A client's own token belongs to its service account, a user with a reserved name; a token of a session belongs to a person.
  kind: ({ sid, preferred_username: name }) =>
    personIf(sid !== undefined && !String(name).startsWith('service-account-')),
  roles: ({ realm_access, resource_access }, audience) => {
    const ofRealm = rolesIn(realm_access);
    const ofService = rolesIn(isObject(resource_access) ? resource_access[audience] : undefined);
    return ofService.length === 0 ? ofRealm : ofRealm.concat(ofService);
  },
};

/** Auth0, both of its profiles. An ID token is for the client itself; permissions (RBAC) are treated as scopes. */
const auth0: TokenProfile = {
  name: 'auth0',
  types: ['JWT', ACCESS_TOKEN_TYP],
  notAccessToken: (claims, { audience }) =>
    idTokenClaim(claims) ?? (audience === (claims['azp'] ?? claims['client_id']) ? 'azp' : undefined),
  client: ['client_id', 'azp'],
  scopes: ({ scope, permissions }) => {
    const listed = typeof scope === 'string' ? scope.split(' ').filter((one) => one !== '') : entries(scope);
    return [...new Set([...listed, ...entries(permissions)])];
  },
};

/** Okta's custom authorization servers: only access tokens have `cid`, and ids that begin with `AT.`. */
const okta: TokenProfile = {
  name: 'okta',
  types: ['JWT', ACCESS_TOKEN_TYP],
  untyped: true,
  notAccessToken: (claims) => {
    const { jti } = claims;
    return idTokenClaim(claims) ?? lacks(claims, 'cid') ?? (String(jti).startsWith('AT.') ? undefined : 'jti');
  },
  client: ['cid'],
  tokenIdRequired: true,
  kind: ({ uid }) => personIf(uid !== undefined),
  scopes: ({ scp }) => scp,
  roles: ({ groups }) => groups,
};

/**
 * Microsoft Entra ID, tokens of version 2. Both the issuer and the token name the tenant, so a token of another tenant is never accepted. ID tokens
 * may have the same audience; they have neither `azp` nor `scp`. Application permissions are in `roles`, and are treated as scopes if there is no
 * `scp`.
 */
const entra: TokenProfile = {
  name: 'entra',
  types: ['JWT'],
  notAccessToken: (claims, { issuer }) => {
    const { ver, tid, scp, roles } = claims;
    if (ver !== '2.0') return 'ver';
    if (typeof tid !== 'string' || !issuer.split('/').includes(tid)) return 'tid';
    return (
      idTokenClaim(claims) ?? lacks(claims, 'azp') ?? (scp === undefined && roles === undefined ? 'scp' : undefined)
    );
  },
  client: ['azp'],
  tokenId: ['uti'],
  tokenIdRequired: true,
  kind: ({ scp }) => personIf(scp !== undefined),
  scopes: ({ scp, roles }) => scp ?? roles,
  roles: ({ roles }) => roles,
};

/** Amazon Cognito: access tokens have no `aud`, so a token is for this service if one of its scopes belongs to this resource server. */
const cognito: TokenProfile = {
  name: 'cognito',
  types: ['JWT'],
  untyped: true,
  notAccessToken: ({ token_use }) => (token_use === 'access' ? undefined : 'token_use'),
  isFor: ({ aud, scope }, audience) =>
    aud === undefined
      ? typeof scope === 'string' && scope.split(' ').some((one) => one.startsWith(`${audience}/`))
      : audiencesOf({ aud }).includes(audience),
  client: ['client_id'],
  tokenIdRequired: true,
  kind: ({ username }) => personIf(username !== undefined),
  roles: (claims) => claims['cognito:groups'],
};

/**
 * Zitadel's JWT access tokens: only these name `client_id`, and have an id. Roles are those of the project that this service is: the claim without
 * a project's id holds the roles of the caller's own project, in which it may have given itself any.
 */
const zitadel: TokenProfile = {
  name: 'zitadel',
  types: ['JWT', ACCESS_TOKEN_TYP],
  notAccessToken: (claims) => idTokenClaim(claims) ?? lacks(claims, 'client_id'),
  client: ['client_id'],
  tokenIdRequired: true,
  roles: (claims, audience) => {
    const roles = claims[`urn:zitadel:iam:org:project:${audience}:roles`];
    return isObject(roles) ? Object.keys(roles) : undefined;
  },
};

/** Spring Authorization Server: `scope` is a list, which ID tokens lack; the client is the audience unless the token is customised. */
const spring: TokenProfile = {
  name: 'spring',
  types: ['JWT', ACCESS_TOKEN_TYP],
  untyped: true,
  notAccessToken: (claims) =>
    idTokenClaim(claims) ??
    (claims['sid'] === undefined ? undefined : 'sid') ??
    (Array.isArray(claims['scope']) ? undefined : 'scope'),
  client: ['client_id', 'aud'],
  tokenIdRequired: true,
};

/** Google's identity tokens of service accounts, as Cloud Run sends them. A person's ID token is refused. */
const google: TokenProfile = {
  name: 'google',
  types: ['JWT'],
  notAccessToken: (claims) => {
    const { email, email_verified: verified } = claims;
    const isService = typeof email === 'string' && email.endsWith('.gserviceaccount.com') && verified === true;
    return idTokenClaim(claims) ?? (isService ? undefined : 'email');
  },
  client: ['azp'],
  scopes: () => undefined,
};

/**
 * A person's ID token of Google that an application sends to its own backend: the audience must be exactly that application, and the email address
 * verified. It is not an access token: anyone who obtains it can present it, and it grants no rights.
 */
const googleSignIn: TokenProfile = {
  name: 'google-sign-in',
  types: ['JWT'],
  notAccessToken: (claims, { audience }) => {
    if (claims['aud'] !== audience) return 'aud';
    if (claims['azp'] !== audience) return 'azp';
    return claims['email_verified'] === true ? lacks(claims, 'email') : 'email_verified';
  },
  client: ['azp'],
  scopes: () => undefined,
  kind: () => 'person',
};

/** Projected service-account tokens of Kubernetes. */
const kubernetes: TokenProfile = {
  name: 'kubernetes',
  types: ['JWT'],
  untyped: true,
  notAccessToken: (claims) => {
    if (!String(claims['sub']).startsWith('system:serviceaccount:')) return 'sub';
    return isObject(claims['kubernetes.io']) ? undefined : 'kubernetes.io';
  },
  client: ['sub'],
  scopes: () => undefined,
};

/** OIDC tokens of GitHub Actions: the client is the repository. Check `sub`, which names branch or environment, in a policy. */
const githubActions: TokenProfile = {
  name: 'github-actions',
  types: ['JWT'],
  notAccessToken: (claims) => lacks(claims, 'job_workflow_ref') ?? lacks(claims, 'repository'),
  client: ['repository'],
  tokenIdRequired: true,
  scopes: () => undefined,
};

/** Profiles by name; `docs/token-profiles.md` says what each one guarantees. */
export const knownProfiles = {
  rfc9068,
  keycloak,
  auth0,
  okta,
  entra,
  cognito,
  zitadel,
  spring,
  google,
  'google-sign-in': googleSignIn,
  kubernetes,
  'github-actions': githubActions,
} as const satisfies Readonly<Record<string, TokenProfile>>;
/** The name of one of the {@link knownProfiles}. */
export type ProfileName = keyof typeof knownProfiles;
