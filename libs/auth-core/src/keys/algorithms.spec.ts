import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { compactVerify, importJWK, SignJWT } from 'jose';
import { isObject, type JsonObject } from '../json-object.js';
import { localSigner, signJwt } from '../jws/sign.js';
import { TokenError } from '../token-error.js';
import { createVerifier, type TokenVerifier } from '../token-verifier.js';
import { type VerifierOptions } from '../verifier-options.js';
import { knownAlgorithms, supportedAlgorithms, type KnownAlgorithm } from './algorithm.js';
import { thumbprintOf, type PrivateJwk } from './jwk.js';
import { CANDIDATES_LIMIT } from './key-set.js';

const issuer = 'https://issuer.test';
const now = 1_800_000_000;
const claims = {
  iss: issuer,
  aud: 'orders',
  sub: 'ada',
  client_id: 'web',
  scope: 'a',
  jti: '1',
  iat: now,
  exp: now + 60,
};

/** 2,048-bit keys are slow to generate, and all six RSA algorithms can share one. */
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
const pairs: Readonly<Record<string, () => KeyObject>> = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  ES512: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
  EdDSA: () => generateKeyPairSync('ed25519').privateKey,
  'ML-DSA-44': () => generateKeyPairSync('ml-dsa-44').privateKey,
  'ML-DSA-65': () => generateKeyPairSync('ml-dsa-65').privateKey,
  'ML-DSA-87': () => generateKeyPairSync('ml-dsa-87').privateKey,
};

/** The public half as in a key set, the private half as in a signer. */
function keyFor(alg: KnownAlgorithm): { readonly secret: PrivateJwk; readonly published: JsonObject } {
  const exported: unknown = (pairs[alg]?.() ?? rsa).export({ format: 'jwk' });
  if (!isObject(exported)) throw new Error('no JWK');
  const published = Object.fromEntries(
    Object.entries(exported).filter(([member]) => ['kty', 'crv', 'x', 'y', 'n', 'e', 'pub'].includes(member)),
  );
  const kid = thumbprintOf({ ...published, alg });
  const secret = { ...exported, kty: String(exported['kty']), d: String(exported['d'] ?? ''), kid, alg };
  return { secret, published: { ...published, kid, alg, use: 'sig' } };
}

describe('the algorithms', () => {
  const open: TokenVerifier[] = [];
  afterEach(() => {
    for (const verifier of open.splice(0)) verifier.close();
  });
  async function verifierOf(keys: readonly unknown[], options: Partial<VerifierOptions> = {}): Promise<TokenVerifier> {
    const fetch = () => Promise.resolve(Response.json({ keys }));
    const jwksUrl = `${issuer}/keys`;
    const verifier = await createVerifier({
      issuer,
      audience: 'orders',
      jwksUrl,
      fetch,
      now: () => now * 1_000,
      ...options,
    });
    open.push(verifier);
    return verifier;
  }
  const outcome = (verifier: TokenVerifier, token: string): string => {
    try {
      return verifier.verify(token).subject;
    } catch (error) {
      if (error instanceof TokenError) return error.code;
      throw error;
    }
  };
  const shortened = (token: string): string => {
    const at = token.lastIndexOf('.') + 1;
    return token.slice(0, at) + Buffer.from(token.slice(at), 'base64url').subarray(1).toString('base64url');
  };
  const flipped = (token: string): string => {
    const at = token.lastIndexOf('.') + 5;
    return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
  };

  it.each(knownAlgorithms)(
    '%s verifies what we sign and what jose signs, and nothing that was changed',
    async (alg) => {
      const { secret, published } = keyFor(alg);
      const verifier = await verifierOf([published], { algorithms: [alg] });
      const ours = signJwt({ typ: 'at+jwt', kid: secret.kid }, claims, secret);
      const theirs = await new SignJWT(claims)
        .setProtectedHeader({ alg, typ: 'at+jwt', kid: secret.kid })
        .sign(await importJWK({ ...secret }, alg));
      for (const token of [ours, theirs]) {
        expect(outcome(verifier, token)).toBe('ada');
        expect(outcome(verifier, flipped(token))).toBe('SIGNATURE_INVALID');
        expect(outcome(verifier, shortened(token))).toBe('SIGNATURE_INVALID');
        await compactVerify(token, await importJWK({ ...published }, alg));
      }
    },
  );

  it.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const)(
    '%s accepts no signature without its leading zero, although the number is the same',
    async (alg) => {
      const { secret, published } = keyFor(alg);
      const verifier = await verifierOf([published], { algorithms: [alg] });
      const startsWithZero = (token: string) => /\.A[A-P][^.]*$/.test(token);
      let token = '';
      for (let jti = 0; !startsWithZero(token); jti += 1)
        token = signJwt({ typ: 'at+jwt', kid: secret.kid }, { ...claims, jti: String(jti) }, secret);
      expect(outcome(verifier, token)).toBe('ada');
      expect(outcome(verifier, shortened(token))).toBe('SIGNATURE_INVALID');
    },
  );

  it('beyond the four defaults are accepted only if configured', async () => {
    for (const alg of knownAlgorithms) {
      const { secret, published } = keyFor(alg);
      const token = signJwt({ typ: 'at+jwt', kid: secret.kid }, claims, secret);
      const asBefore = supportedAlgorithms.some((one) => one === alg);
      expect([alg, outcome(await verifierOf([published]), token)]).toEqual([alg, asBefore ? 'ada' : 'ALG_NOT_ALLOWED']);
    }
  });

  it('work only with keys of the matching type, curve and length', async () => {
    const keys = knownAlgorithms.map((alg) => keyFor(alg));
    for (const { secret } of keys) {
      // All keys share one kid: only matching ones are tried, and only the right one verifies.
      const others = keys.filter((one) => one.secret.alg !== secret.alg).map(({ published }) => published);
      const shared = others.map((jwk) => ({ ...jwk, kid: 'same' }));
      const token = signJwt({ typ: 'at+jwt', kid: 'same' }, claims, secret);
      expect(outcome(await verifierOf(shared, { algorithms: knownAlgorithms }), token)).toBe('KEY_MISMATCH');
    }
    const { secret } = keyFor('ES256');
    for (const alg of ['ES384', 'RS256', 'ML-DSA-44']) expect(() => localSigner({ ...secret, alg })).toThrow(TypeError);
  });

  it('of a key set with neither kid nor alg are found by their type; x5c, other uses and unknown types are skipped', async () => {
    const [one, other, third] = [keyFor('RS512'), keyFor('ES256'), keyFor('ES256')];
    const bare = (jwk: JsonObject) => ({ ...jwk, kid: undefined, alg: undefined, use: undefined });
    const set = [
      { kty: 'oct', k: 'c2VjcmV0' },
      { kty: 'unheard-of', kid: one.secret.kid, x: 'x' },
      { ...keyFor('RS256').published, alg: 'RSA-OAEP', use: 'enc' },
      { ...keyFor('ES256').published, crv: 'secp256k1' },
      'no key',
      null,
      { ...bare(one.published), x5c: ['not a certificate'], x5u: 'https://elsewhere.test' },
      bare(third.published),
      bare(other.published),
    ];
    const verifier = await verifierOf(set, { algorithms: ['RS512', 'ES256'], profile: 'rfc9068' });
    for (const { secret } of [one, other, third])
      expect(outcome(verifier, signJwt({ typ: 'at+jwt' }, claims, secret))).toBe('ada');
    expect(outcome(verifier, signJwt({ typ: 'at+jwt' }, claims, keyFor('ES256').secret))).toBe('SIGNATURE_INVALID');
    // Our own issuer always names its key.
    expect(outcome(await verifierOf(set), signJwt({ typ: 'at+jwt' }, claims, other.secret))).toBe('KEY_UNKNOWN');
  });

  it('try a limited number of keys per signature, whether they share a kid or none is named', async () => {
    const keys = Array.from({ length: CANDIDATES_LIMIT + 1 }, () => keyFor('ES256'));
    for (const kid of ['same', undefined]) {
      const set = keys.map(({ published }) => ({ ...published, kid }));
      const verifier = await verifierOf(set, { profile: 'rfc9068' });
      const header = kid === undefined ? { typ: 'at+jwt' } : { typ: 'at+jwt', kid };
      const outcomes = keys.map(({ secret }) => outcome(verifier, signJwt(header, claims, secret)));
      expect(outcomes).toEqual(['ada', 'ada', 'ada', 'ada', 'SIGNATURE_INVALID']);
    }
  });

  it('of an issuer that names no key survive a change of that key: one refresh, none within the cool-down', async () => {
    const [old, next] = [keyFor('ES256'), keyFor('ES256')];
    let set = [old.published];
    let fetched = 0;
    const fetch = () =>
      Promise.resolve(Response.json({ keys: set.map((jwk) => ({ ...jwk, kid: undefined })), n: (fetched += 1) }));
    const verifier = await verifierOf([], { profile: 'rfc9068', fetch });
    const tokenOf = (key: PrivateJwk, jti: string) => signJwt({ typ: 'at+jwt' }, { ...claims, jti }, key);
    set = [next.published];
    await expect(verifier.verifyWithRefresh(tokenOf(next.secret, '1'))).resolves.toMatchObject({ subject: 'ada' });
    await expect(verifier.verifyWithRefresh(tokenOf(old.secret, '2'))).rejects.toThrow('does not verify');
    expect(fetched).toBe(2);
  });
});
