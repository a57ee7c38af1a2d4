import { createHash } from 'node:crypto';
import { type TokenSigner } from '@countersign/auth-core';
import { type KeyPurpose } from '@countersign/auth-core/jws';

export const SIGNING_KEYS = Symbol('countersign.issuer.signing-keys');

/** A public key in the JWKS (RFC 7517, section 4). */
export interface PublishedKey {
  readonly kty: string;
  readonly kid: string;
  readonly alg: string;
  readonly use: KeyPurpose;
  readonly [member: string]: unknown;
}

/** The current keys; read it again for each request. */
export interface SigningKeys {
  /** The one key that signs access tokens. */
  readonly signer: TokenSigner;
  /** The keys in the JWKS: every key that is not removed, pending ones ahead of their use. */
  readonly published: readonly PublishedKey[];
  readonly jwks: JwksDocument;
  /** The keys that sign revocations; never a token key. */
  readonly revocationJwks: JwksDocument;
}

/** The JWKS as sent. */
export interface JwksDocument {
  readonly body: string;
  readonly etag: string;
}

export function jwksDocument(published: readonly PublishedKey[]): JwksDocument {
  const body = JSON.stringify({ keys: published });
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}
