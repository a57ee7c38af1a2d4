import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type Algorithm } from '@countersign/auth-core/jws';

const decoys = new Map<'ES256' | 'EdDSA' | 'RSA', KeyObject>();

/** A key of nobody's, so that an unknown client or key costs the same work as a known one. */
export function decoyKey(algorithm: Algorithm): KeyObject {
  const kind = algorithm === 'ES256' || algorithm === 'EdDSA' ? algorithm : 'RSA';
  const known = decoys.get(kind);
  if (known !== undefined) return known;
  const { publicKey } =
    kind === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      : kind === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: 2_048 });
  decoys.set(kind, publicKey);
  return publicKey;
}

/** Creates the decoys at start: the first guess at a client's name must not be the one that pays for them. */
export function prepareDecoys(algorithms: readonly Algorithm[]): void {
  for (const algorithm of algorithms) decoyKey(algorithm);
}
