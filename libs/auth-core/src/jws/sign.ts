import { constants, createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { algorithmOf, keyFits, type Algorithm } from '../keys/algorithm.js';
import { mayBeUsedTo, type PrivateJwk } from '../keys/jwk.js';
import { derToRaw } from './ecdsa-encoding.js';

interface Signer {
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
}

const signers = new WeakMap<PrivateJwk, Signer>();

/** A key object costs more to make than a signature, so each JWK's is made once and lives as long as the JWK. */
function signerOf(jwk: PrivateJwk): Signer {
  const known = signers.get(jwk);
  if (known !== undefined) return known;
  if (!mayBeUsedTo('sign', jwk))
    throw new TypeError('the key must be a signing key; its use or key_ops says otherwise');
  const algorithm = algorithmOf(jwk.alg);
  const key = createPrivateKey({ key: { ...jwk }, format: 'jwk' });
  if (algorithm === undefined || !keyFits(algorithm, key)) {
    throw new TypeError(`the key does not fit its alg, ${jwk.alg}`);
  }
  const signer = { algorithm, key };
  signers.set(jwk, signer);
  return signer;
}

function signatureOf({ algorithm, key }: Signer, data: Buffer): Buffer {
  switch (algorithm) {
    case 'ES256':
      return derToRaw(sign('sha256', data, key));
    case 'EdDSA':
      return sign(null, data, key);
    case 'RS256':
      return sign('sha256', data, key);
    case 'PS256':
      return sign('sha256', data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
  }
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * For whoever signs many JWTs with one key and header: the header is serialised once.
 * @param header joins the `alg` of the key; `typ` and `kid` are said here
 * @param key the private JWK; its key object is made once and kept with it
 * @returns signs claims as a JWS in compact serialisation (RFC 7515, section 3.1), synchronously
 * @throws {TypeError} when the key does not fit its `alg`, or its `use` or `key_ops` say that it is not for signing
 */
export function jwtSigner(header: Readonly<Record<string, unknown>>, key: PrivateJwk): (claims: object) => string {
  const signer = signerOf(key);
  const prefix = `${encode({ ...header, alg: key.alg })}.`;
  return (claims) => {
    const input = prefix + encode(claims);
    return `${input}.${signatureOf(signer, Buffer.from(input, 'latin1')).toString('base64url')}`;
  };
}

/**
 * Signs claims as a JWS in compact serialisation (RFC 7515, section 3.1), synchronously.
 * @param header joins the `alg` of the key; `typ` and `kid` are said here
 * @param key the private JWK; its key object is made once and kept with it
 * @throws {TypeError} when the key does not fit its `alg`, or its `use` or `key_ops` say that it is not for signing
 */
export function signJwt(header: Readonly<Record<string, unknown>>, claims: object, key: PrivateJwk): string {
  return jwtSigner(header, key)(claims);
}
