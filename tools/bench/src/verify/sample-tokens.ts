import { createPublicKey, randomUUID, sign, type KeyObject } from 'node:crypto';
import { generateSigningKey, publicJwkOf, signJwt, type PrivateJwk } from '@countersign/auth-core';

export const issuer = 'https://issuer.internal';
export const audience = 'accounts';

export const algorithms = ['ES256', 'RS256', 'EdDSA'] as const;
export type BenchAlgorithm = (typeof algorithms)[number];

/** A signature as the floor takes it: bytes and key ready, nothing to parse. */
export interface FloorInput {
  readonly digest: string | null;
  readonly data: Buffer;
  readonly key: KeyObject;
  readonly signature: Buffer;
}

export interface SampleTokens {
  readonly algorithm: BenchAlgorithm;
  readonly key: PrivateJwk;
  readonly publicKey: KeyObject;
  readonly jwks: { readonly keys: ReturnType<typeof publicJwkOf>[] };
  readonly tokens: readonly string[];
  readonly floor: readonly FloorInput[];
}

/** The twelve claims of a delegated token. */
export function claimsOf(now: number): Readonly<Record<string, unknown>> {
  return {
    iss: issuer,
    sub: randomUUID(),
    aud: audience,
    exp: now + 3_600,
    nbf: now,
    iat: now,
    jti: randomUUID(),
    client_id: 'payments',
    scope: 'transfers:create transfers:read',
    txn: randomUUID(),
    act: { sub: 'payments' },
    roles: ['clerk'],
  };
}

/** As Keycloak makes them: its own names, roles in nested objects, a list of audiences. */
export function keycloakClaimsOf(now: number): Readonly<Record<string, unknown>> {
  return {
    exp: now + 3_600,
    iat: now,
    jti: `onrtac:${randomUUID()}`,
    iss: issuer,
    aud: [audience, 'account'],
    sub: randomUUID(),
    typ: 'Bearer',
    azp: 'web',
    sid: randomUUID(),
    acr: '1',
    'allowed-origins': ['https://shop.example'],
    realm_access: { roles: ['operator', 'offline_access'] },
    resource_access: { account: { roles: ['view-profile'] } },
    scope: 'openid email profile transfers:create',
  };
}

/** Tokens that differ, by one key. @param count how many */
export async function sampleTokens(
  algorithm: BenchAlgorithm,
  count: number,
  { claims, typ } = { claims: claimsOf, typ: 'at+jwt' },
): Promise<SampleTokens> {
  const key = await generateSigningKey(algorithm);
  const publicKey = createPublicKey({ key: { ...key }, format: 'jwk' });
  const now = Math.floor(Date.now() / 1_000);
  const tokens = Array.from({ length: count }, () => signJwt({ typ, kid: key.kid }, claims(now), key));
  const digest = algorithm === 'EdDSA' ? null : 'sha256';
  const signer = { key: { ...key }, format: 'jwk' } as const;
  const floor = tokens.map((token) => {
    const data = Buffer.from(token.slice(0, token.lastIndexOf('.')));
    return { digest, data, key: publicKey, signature: sign(digest, data, signer) };
  });
  return { algorithm, key, publicKey, jwks: { keys: [publicJwkOf(key)] }, tokens, floor };
}
