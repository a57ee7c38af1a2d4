import { randomUUID } from 'node:crypto';
import { jwtSigner, type TokenSigner } from '../jws/sign.js';
import { type PrivateJwk } from '../keys/jwk.js';

/** Who authenticates to which issuer by an assertion (RFC 7523, section 2.2). */
export interface ClientAssertionOptions {
  readonly clientId: string;
  /** The issuer identifier; the assertion is valid only there. */
  readonly audience: string;
  /** The client's private key, or a service that signs with it (a KMS). */
  readonly key: PrivateJwk | TokenSigner;
  /** Validity in seconds: 1 to 60, 30 by default. */
  readonly lifetimeSeconds?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** Signs the assertion with which a client authenticates (`private_key_jwt`, RFC 7523, section 3); each one works once. */
export async function signClientAssertion(options: ClientAssertionOptions): Promise<string> {
  const { clientId, audience, key, lifetimeSeconds = 30, now = Date.now } = options;
  const issuedAt = Math.floor(now() / 1_000);
  const claims = {
    iss: clientId,
    sub: clientId,
    aud: audience,
    jti: randomUUID(),
    iat: issuedAt,
    exp: issuedAt + Math.min(Math.max(lifetimeSeconds, 1), 60),
  };
  return jwtSigner({ kid: key.kid, typ: 'JWT' }, key)(claims);
}
