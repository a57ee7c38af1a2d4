import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { algorithmOf, keyFits, type KnownAlgorithm } from '../keys/algorithm.js';
import { mayBeUsedTo, type PrivateJwk } from '../keys/jwk.js';
import { derToRaw } from './fast/ecdsa-encoding.js';
import { pss, raw } from './signature.js';

interface Signer {
  readonly algorithm: KnownAlgorithm;
  readonly key: KeyObject;
}

const signers = new WeakMap<PrivateJwk, Signer>();

/** Creating a key object costs more than a signature, so each JWK's is created once and lives as long as the JWK. */
function signerOf(jwk: PrivateJwk): Signer {
  const known = signers.get(jwk);
  if (known !== undefined) return known;
  if (!mayBeUsedTo('sign', jwk))
    throw new TypeError('the key must be a signing key; its use or key_ops says otherwise');
  const algorithm = algorithmOf(jwk.alg);
  const key = createPrivateKey({ key: { ...jwk }, format: 'jwk' });
  if (algorithm === undefined || !keyFits(algorithm, key)) {
    throw new TypeError(`the key does not match its alg, ${jwk.alg}`);
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
      return sign('sha256', data, pss(key, 32));
    case 'ES384':
      return sign('sha384', data, raw(key));
    case 'ES512':
      return sign('sha512', data, raw(key));
    case 'RS384':
      return sign('sha384', data, key);
    case 'RS512':
      return sign('sha512', data, key);
    case 'PS384':
      return sign('sha384', data, pss(key, 48));
    case 'PS512':
      return sign('sha512', data, pss(key, 64));
    case 'ML-DSA-44':
    case 'ML-DSA-65':
    case 'ML-DSA-87':
      return sign(null, data, key);
  }
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A signing key: held by this process ({@link localSigner}), or by a KMS or HSM that never exports it. */
export interface TokenSigner {
  readonly kid: string;
  readonly alg: string;
  /**
   * @param signingInput the bytes to sign (RFC 7515, section 5.1)
   * @returns the signature as a JWS carries it (ECDSA: R and S, RFC 7518, section 3.4), synchronously if no network call is needed
   */
  sign(signingInput: Buffer): Buffer | Promise<Buffer>;
}

/** A synchronous {@link TokenSigner}. */
export interface LocalSigner extends TokenSigner {
  sign(signingInput: Buffer): Buffer;
}

/**
 * Signs with a private JWK in this process.
 * @throws {TypeError} when the key does not fit its `alg`, or its `use` or `key_ops` say that it is not for signing
 */
export function localSigner(key: PrivateJwk): LocalSigner {
  const signer = signerOf(key);
  return { kid: key.kid, alg: key.alg, sign: (signingInput) => signatureOf(signer, signingInput) };
}

/** A JWK is JSON, so none of its members is a function. */
const isSigner = (key: PrivateJwk | TokenSigner): key is TokenSigner => typeof key['sign'] === 'function';
const bytesOf = (input: string): Buffer => Buffer.from(input, 'latin1');
const compact = (input: string, signature: Buffer): string => `${input}.${signature.toString('base64url')}`;

/**
 * Signs many JWTs with one key and header: the header is serialised once.
 * @param header `typ`, `kid` and other members; the `alg` comes from the key
 * @param signer the key, or its signer
 * @returns signs claims as a JWS in compact serialisation (RFC 7515, section 3.1): synchronously if the signer is, so that a local key costs no turn
 * of the event loop; errors of a remote signer are passed on
 */
export function jwtSigner(
  header: Readonly<Record<string, unknown>>,
  signer: PrivateJwk | LocalSigner,
): (claims: object) => string;
export function jwtSigner(
  header: Readonly<Record<string, unknown>>,
  signer: PrivateJwk | TokenSigner,
): (claims: object) => string | Promise<string>;
export function jwtSigner(
  header: Readonly<Record<string, unknown>>,
  key: PrivateJwk | TokenSigner,
): (claims: object) => string | Promise<string> {
  const signer = isSigner(key) ? key : localSigner(key);
  const prefix = `${encode({ ...header, alg: signer.alg })}.`;
  return (claims) => {
    const input = prefix + encode(claims);
    const signature = signer.sign(bytesOf(input));
    return signature instanceof Promise ? signature.then((later) => compact(input, later)) : compact(input, signature);
  };
}

/**
 * Signs claims as a JWS in compact serialisation (RFC 7515, section 3.1), synchronously.
 * @param header `typ`, `kid` and other members; the `alg` comes from the key
 * @param key the private JWK; its key object is created once and kept with it
 * @throws {TypeError} when the key does not fit its `alg`, or its `use` or `key_ops` say that it is not for signing
 */
export function signJwt(header: Readonly<Record<string, unknown>>, claims: object, key: PrivateJwk): string {
  return jwtSigner(header, key)(claims);
}
