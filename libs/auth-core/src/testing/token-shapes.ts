import { readFileSync } from 'node:fs';
import { isObject, parseJsonObject, type JsonObject } from '../json-object.js';

/** A token as a well-known issuer makes it, and what a service expects of it. */
export interface TokenShape {
  readonly issuer: string;
  readonly audience: string;
  readonly header: JsonObject;
  readonly claims: JsonObject;
  /** Whether the issuer's key set names `alg`. */
  readonly namesAlg: boolean;
}

/** The shapes by name, without their signatures. @param now seconds: when they were issued; they expire in an hour */
export function tokenShapes(now: number): ReadonlyMap<string, TokenShape> {
  const file = new URL('./token-shapes.json', import.meta.url);
  const read = Object.entries(parseJsonObject(readFileSync(file))).map(
    ([name, shape]): readonly [string, TokenShape] => {
      if (!isObject(shape) || !isObject(shape['header']) || !isObject(shape['claims'])) throw new Error(name);
      const times = { iat: now, exp: now + 3_600, ...('nbf' in shape['claims'] ? { nbf: now } : {}) };
      return [
        name,
        {
          issuer: String(shape['issuer']),
          audience: String(shape['audience_that_a_service_expects']),
          header: shape['header'],
          claims: { ...shape['claims'], ...times },
          namesAlg: shape['jwk_names_alg'] === true,
        },
      ];
    },
  );
  return new Map(read);
}

/** Something that a profile must not mistake for an access token of this service: a change to a valid one. */
export interface TokenTrap {
  /** Of which shape. */
  readonly shape: string;
  readonly profile: string;
  /** In the words of the profile's page. */
  readonly what: string;
  readonly header: JsonObject;
  /** Changed claims; `undefined` for an omitted one. */
  readonly claims: JsonObject;
  readonly code: string;
}

/** The traps of all profiles. An omitted claim is `null` in the file. */
export function tokenTraps(): readonly TokenTrap[] {
  const { traps } = parseJsonObject(readFileSync(new URL('./token-traps.json', import.meta.url)));
  if (!Array.isArray(traps)) throw new Error('no traps');
  return traps.map((trap: unknown) => {
    if (!isObject(trap) || !isObject(trap['claims'])) throw new Error('not a trap');
    const claims = Object.entries(trap['claims']).map(([name, value]) => [name, value ?? undefined] as const);
    return {
      shape: String(trap['shape']),
      profile: String(trap['profile']),
      what: String(trap['what']),
      header: isObject(trap['header']) ? trap['header'] : {},
      claims: Object.fromEntries(claims),
      code: String(trap['code']),
    };
  });
}

/** Which profile accepts which shape. */
export const profileOfShape = {
  'Keycloak 26 access token (client_credentials, default client)': 'keycloak',
  'Keycloak user token with audience mapper': 'keycloak',
  'Auth0 default profile, user': 'auth0',
  'Auth0 default profile, M2M': 'auth0',
  'Auth0 RFC 9068 profile, user': 'auth0',
  'Auth0 RFC 9068 profile, M2M': 'rfc9068',
  'Auth0 RFC 9068 profile, M2M with RBAC permissions, no scope': 'auth0',
  'Okta custom authorization server': 'okta',
  'Entra v2, delegated': 'entra',
  'Entra v2, app-only': 'entra',
  'Cognito access token': 'cognito',
  'Google ID token': 'google-sign-in',
  'Kubernetes projected service-account token': 'kubernetes',
  'GitHub Actions OIDC token': 'github-actions',
  'Zitadel JWT access token': 'zitadel',
  'oidc-provider (panva) JWT access token, client_credentials': 'rfc9068',
  'oidc-provider JWT access token, no scope granted': 'rfc9068',
  'Spring Authorization Server (default)': 'spring',
  'RFC 9068 token with x5t#S256 (mTLS, RFC 8705)': 'rfc9068',
} as const;
