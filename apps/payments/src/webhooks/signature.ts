import { publicJwkOf, type PrivateJwk } from '@countersign/auth-core';
import { FlattenedSign, importJWK } from 'jose';

/** The media type of the signature's header, so that no other JWS of ours can be mistaken for one. */
const WEBHOOK_TYP = 'webhook+jws';

export interface WebhookSignature {
  /** The notice's id. */
  readonly id: string;
  /** The URL that it is sent to: a copy sent elsewhere does not verify there. */
  readonly audience: string;
  /** The bytes that are sent. */
  readonly body: string;
  readonly now: Date;
}

/** Signs notices, so that merchants can verify them with `/.well-known/jwks.json`. */
export interface WebhookSigner {
  /** A JWS with detached payload (RFC 7515, Appendix F): `header..signature`; the header names `kid`, `jti`, `aud` and `iat`. */
  sign(what: WebhookSignature): Promise<string>;
  /** The public keys, as a JWK set (RFC 7517, section 5). */
  readonly jwks: { readonly keys: readonly object[] };
}

/** @param keys the first one signs; the others are only published, until their signatures are no longer verified */
export async function createWebhookSigner(keys: readonly [PrivateJwk, ...PrivateJwk[]]): Promise<WebhookSigner> {
  const [active] = keys;
  const key = await importJWK({ ...active }, active.alg);
  return {
    jwks: { keys: keys.map((one) => publicJwkOf(one)) },
    async sign({ id, audience, body, now }) {
      const iat = Math.floor(now.getTime() / 1_000);
      const { protected: header, signature } = await new FlattenedSign(Buffer.from(body))
        .setProtectedHeader({ alg: active.alg, kid: active.kid, typ: WEBHOOK_TYP, jti: id, aud: audience, iat })
        .sign(key);
      return `${header ?? ''}..${signature}`;
    },
  };
}
