import { type webcrypto } from 'node:crypto';
import { type Algorithm } from '@countersign/auth-core';
import { mayBeUsedTo } from '@countersign/auth-core/jws';
import { z } from 'zod';

/** A variable that holds JSON. */
export const jsonVariable = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' });
    return z.NEVER;
  }
});

/** A private JWK that names its `kid` and `alg`. */
export const privateJwkSchema = z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() });

/** A private JWK that signs. */
export const signingKeySchema = privateJwkSchema.refine(
  (jwk) => mayBeUsedTo('sign', jwk),
  'must be a signing key; its use or key_ops says otherwise',
);

/** `CLIENT_KEY` of a service that calls others: the private JWK with which it authenticates to the issuer. */
export const clientKeyVariable = jsonVariable.pipe(signingKeySchema);

type WebAlgorithm = webcrypto.RsaHashedImportParams | webcrypto.EcKeyImportParams | webcrypto.Algorithm;

/** What Web Crypto calls the algorithms that sign (RFC 7518, section 3.1; RFC 8037). */
const webAlgorithms: ReadonlyMap<string, WebAlgorithm> = new Map<Algorithm, WebAlgorithm>([
  ['ES256', { name: 'ECDSA', namedCurve: 'P-256' }],
  ['EdDSA', { name: 'Ed25519' }],
  ['RS256', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }],
  ['PS256', { name: 'RSA-PSS', hash: 'SHA-256' }],
]);

/** A client's key for a library that signs through Web Crypto, as `openid-client` does. @throws {TypeError} for an unknown algorithm */
export async function webKeyOf(jwk: z.infer<typeof privateJwkSchema>): Promise<webcrypto.CryptoKey> {
  const algorithm = webAlgorithms.get(jwk.alg);
  if (algorithm === undefined) throw new TypeError(`a key for ${jwk.alg} cannot be used here`);
  return crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign']);
}
