import { createPrivateKey, type KeyObject } from 'node:crypto';
import { ConfigurationError } from '@countersign/service-host';
import { calculateJwkThumbprint } from 'jose';
import { z } from 'zod';
import { readJsonFile } from '../clients/clients-file.js';

/** pending (published, not signing) → active (one, signs) → retired (published until its last token has expired) → removed. */
const stateSchema = z.enum(['pending', 'active', 'retired']);

const signingKeySchema = z.looseObject({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string(),
  y: z.string(),
  d: z.string(),
  kid: z.string().min(1),
  alg: z.literal('ES256'),
  state: stateSchema,
});

export const signingKeysFileSchema = z
  .strictObject({ keys: z.array(signingKeySchema).min(1).max(16) })
  .refine(({ keys }) => keys.filter(({ state }) => state === 'active').length === 1, 'exactly one key must be active');

export const SIGNING_KEYS = Symbol('countersign.issuer.signing-keys');

export interface PublicKey {
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
  readonly y: string;
  readonly kid: string;
  readonly alg: string;
  readonly use: 'sig';
}

export interface SigningKeys {
  readonly active: { readonly kid: string; readonly alg: 'ES256'; readonly key: KeyObject };
  /** What the JWKS shows: every key that is not removed, pending ones ahead of their use. */
  readonly published: readonly PublicKey[];
}

/** Reads the signing keys. @throws {ConfigurationError} also when a `kid` is not the RFC 7638 thumbprint of its key */
export async function readSigningKeys(path: string): Promise<SigningKeys> {
  const { keys } = readJsonFile('SIGNING_KEYS_FILE', path, signingKeysFileSchema);
  for (const { kty, crv, x, y, kid } of keys) {
    const thumbprint = await calculateJwkThumbprint({ kty, crv, x, y });
    if (thumbprint !== kid) {
      throw new ConfigurationError([
        `SIGNING_KEYS_FILE: the kid ${kid} is not the thumbprint of its key (${thumbprint})`,
      ]);
    }
  }
  const active = keys.find(({ state }) => state === 'active');
  if (active === undefined) throw new ConfigurationError(['SIGNING_KEYS_FILE: no key is active']);
  return {
    active: { kid: active.kid, alg: active.alg, key: createPrivateKey({ key: { ...active }, format: 'jwk' }) },
    published: keys.map(({ kty, crv, x, y, kid, alg }) => ({ kty, crv, x, y, kid, alg, use: 'sig' })),
  };
}
