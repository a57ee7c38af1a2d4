import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { rawToDer } from '../jws/fast/ecdsa-encoding.js';
import { signJwt } from '../jws/sign.js';
import { publicJwkOf, type PrivateJwk } from '../keys/jwk.js';
import { type SignatureRecipe } from './hostile-case.js';

export interface SigningContext {
  /** The issuer's key, ES256. */
  readonly key: PrivateJwk;
  /** A key that the issuer does not publish. */
  readonly stranger: PrivateJwk;
  /** A valid token to take parts from. */
  readonly good: string;
}

/** The group order of P-256. */
const ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
const ZERO = Buffer.alloc(32);

function raw(input: string, key: PrivateJwk): Buffer {
  return sign('sha256', Buffer.from(input), { key: { ...key }, format: 'jwk', dsaEncoding: 'ieee-p1363' });
}

function byCurve(namedCurve: string, digest: string, input: string): Buffer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve });
  return sign(digest, Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
}

function hmac(secret: string, input: string): Buffer {
  return createHmac('sha256', secret).update(input).digest();
}

/** Bytes of a signature over `input`, made as the recipe says. */
export function hostileSignature(recipe: SignatureRecipe, input: string, context: SigningContext): Buffer {
  const { key, stranger, good } = context;
  const proper = raw(input, key);
  const [r, s] = [proper.subarray(0, 32), proper.subarray(32)];
  switch (recipe) {
    case 'good':
      return proper;
    case 'empty':
      return Buffer.alloc(0);
    case 'stranger':
      return raw(input, stranger);
    case 'of-good':
      return Buffer.from(good.slice(good.lastIndexOf('.') + 1), 'base64url');
    case 'other-claims':
      return Buffer.from(
        signJwt({ typ: 'at+jwt', kid: key.kid }, { sub: 'other' }, key).split('.')[2] ?? '',
        'base64url',
      );
    case 'with-slash':
      return /[-_]/.test(proper.toString('base64url')) ? proper : hostileSignature(recipe, input, context);
    case 'hmac-pem':
      return hmac(
        createPublicKey({ key: { ...key }, format: 'jwk' })
          .export({ type: 'spki', format: 'pem' })
          .toString(),
        input,
      );
    case 'hmac-jwk':
      return hmac(JSON.stringify(publicJwkOf(key)), input);
    case 'hmac-empty':
      return hmac('', input);
    case 'secp256k1':
      return byCurve('secp256k1', 'sha256', input);
    case 'p384':
      return byCurve('secp384r1', 'sha384', input);
    case 'psychic':
      return Buffer.concat([ZERO, ZERO]);
    case 'r-zero':
      return Buffer.concat([ZERO, s]);
    case 's-zero':
      return Buffer.concat([r, ZERO]);
    case 'r-order':
      return Buffer.concat([ORDER, s]);
    case 's-order':
      return Buffer.concat([r, ORDER]);
    case 'all-ones':
      return Buffer.alloc(64, 0xff);
    case 'der':
      return Buffer.from(rawToDer(proper));
    case 'short':
      return proper.subarray(0, 63);
    case 'long':
      return Buffer.concat([proper, Buffer.of(0)]);
    case 'padded':
      return Buffer.concat([Buffer.of(0), r, Buffer.of(0), s]);
    case 'swapped':
      return Buffer.concat([s, r]);
    case 'huge':
      return Buffer.alloc(5_000, 0x5a);
  }
}
