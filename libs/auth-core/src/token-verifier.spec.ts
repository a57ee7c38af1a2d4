import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { createLocalJWKSet, importJWK, jwtVerify, SignJWT } from 'jose';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from './keys/jwk.js';
import { MemoryRevocationList, type RevocationList } from './revocation-list.js';
import { TokenError } from './token-error.js';
import { createVerifier } from './token-verifier.js';

const issuer = 'https://issuer.test';
const audience = 'orders';

interface World {
  keys: PrivateJwk[];
  fetches: number;
  now: number;
  away: boolean;
}

async function world(): Promise<World> {
  return { keys: [await generateSigningKey()], fetches: 0, now: 1_800_000_000_000, away: false };
}

const verifierOf = (at: World, revocations?: RevocationList) =>
  createVerifier({
    ...(revocations === undefined ? {} : { revocations }),
    issuer,
    audience,
    now: () => at.now,
    fetch: () => {
      at.fetches += 1;
      if (at.away) return Promise.reject(new Error('away'));
      return Promise.resolve(Response.json({ keys: at.keys.map(publicJwkOf) }));
    },
    maxStaleSeconds: 3_600,
  });

async function mint(key: PrivateJwk, now: number, claims: object = {}): Promise<string> {
  const iat = Math.floor(now / 1_000);
  const all = {
    iss: issuer,
    sub: 'ada',
    aud: audience,
    exp: iat + 300,
    iat,
    jti: 'one',
    client_id: 'shop',
    scope: 'a b',
    ...claims,
  };
  return new SignJWT(all)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt' })
    .sign(await importJWK({ ...key }, key.alg));
}

const codeOf = (act: () => unknown): string => {
  try {
    act();
    return 'ACCEPTED';
  } catch (error) {
    return error instanceof TokenError ? error.code : String(error);
  }
};

describe('the verifier', () => {
  it.each(['ES256', 'EdDSA', 'RS256', 'PS256'])(
    'accepts what jose signs by %s, with the same claims as jose reads',
    async (alg) => {
      const at = await world();
      at.keys = [await generateSigningKey(alg)];
      const [key] = at.keys;
      if (key === undefined) throw new Error('no key');
      const token = await mint(key, at.now, {
        act: { sub: 'payments', act: { sub: 'storefront' } },
        txn: 't',
        roles: ['clerk'],
      });
      const verifier = await verifierOf(at);
      const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [publicJwkOf(key)] }), {
        currentDate: new Date(at.now),
      });
      expect(verifier.verify(token)).toMatchObject({
        subject: payload.sub,
        expiresAt: payload.exp,
        actors: [{ subject: 'payments' }, { subject: 'storefront' }],
        txn: 't',
        roles: ['clerk'],
      });
      verifier.close();
    },
  );

  it('accepts no mutation of a good token', async () => {
    const at = await world();
    const [key] = at.keys;
    if (key === undefined) throw new Error('no key');
    const token = await mint(key, at.now);
    const verifier = await verifierOf(at);
    fc.assert(
      fc.property(
        fc.nat(token.length - 1),
        fc.constantFrom(...'ABCwxyz0189-_.= \u0000é'),
        fc.boolean(),
        (index, character, insert) => {
          const mutated = token.slice(0, index) + character + token.slice(insert ? index : index + 1);
          if (mutated !== token) expect(codeOf(() => verifier.verify(mutated))).not.toBe('ACCEPTED');
        },
      ),
      { numRuns: 2_000 },
    );
    expect(verifier.verify(token).subject).toBe('ada');
    verifier.close();
  });

  it('forgives five seconds of clock difference and no more, for repeated tokens too', async () => {
    const at = await world();
    const [key] = at.keys;
    if (key === undefined) throw new Error('no key');
    const verifier = await verifierOf(at);
    const token = await mint(key, at.now);
    expect(codeOf(() => verifier.verify(token))).toBe('ACCEPTED');
    at.now += 304_000;
    expect(codeOf(() => verifier.verify(token))).toBe('ACCEPTED');
    at.now += 1_000;
    expect(codeOf(() => verifier.verify(token))).toBe('TOKEN_EXPIRED');
    expect(codeOf(() => verifier.verify(token))).toBe('TOKEN_EXPIRED');
    verifier.close();
  });

  it('knows a repeated token by its whole header, for as long as it is good', async () => {
    const at = await world();
    const [key] = at.keys;
    if (key === undefined) throw new Error('no key');
    const revocations = new MemoryRevocationList();
    const verifier = await verifierOf(at, revocations);
    const [token, other] = [await mint(key, at.now), await mint(key, at.now, { jti: 'two' })];
    expect(verifier.cachedAuthorization(`Bearer ${token}`)).toBeUndefined();
    const [principal] = [verifier.verify(token), verifier.verify(other)];
    const ask = (one: string) => codeOf(() => expect(verifier.cachedAuthorization(`Bearer ${one}`)).toBeDefined());
    expect(verifier.cachedAuthorization(`Bearer ${token}`)).toBe(principal);
    expect(verifier.cachedAuthorization(`DPoP ${token}`)).toBeUndefined();
    revocations.revokeToken('two', at.now / 1_000 + 300);
    expect([ask(token), ask(other)]).toEqual(['ACCEPTED', 'TOKEN_REVOKED']);
    at.now += 306_000;
    expect(ask(token)).toBe('TOKEN_EXPIRED');
    verifier.close();
  });

  it('fetches once for an unknown key, finds a rotated one, and is not made to fetch by a flood', async () => {
    const at = await world();
    const verifier = await verifierOf(at);
    const rotated = await generateSigningKey();
    at.keys.push(rotated);
    const token = await mint(rotated, at.now);
    expect(codeOf(() => verifier.verify(token))).toBe('KEY_UNKNOWN');
    const looks = await Promise.all([verifier.verifyWithRefresh(token), verifier.verifyWithRefresh(token)]);
    expect(looks.map(({ subject }) => subject)).toEqual(['ada', 'ada']);
    expect(at.fetches).toBe(2);
    const strangers = await Promise.all(
      Array.from({ length: 20 }, async () => mint(await generateSigningKey(), at.now)),
    );
    const refused = await Promise.allSettled(strangers.map((stranger) => verifier.verifyWithRefresh(stranger)));
    expect(refused.every(({ status }) => status === 'rejected')).toBe(true);
    expect(at.fetches).toBe(2);
    verifier.close();
  });

  it('keeps the last good keys through an outage, up to its limit', async () => {
    const at = await world();
    const [key] = at.keys;
    if (key === undefined) throw new Error('no key');
    const verifier = await verifierOf(at);
    at.away = true;
    await verifier.loadKeys();
    expect(codeOf(() => verifier.verify('x.y.z'))).toBe('TOKEN_MALFORMED');
    expect(verifier.verify(await mint(key, at.now)).subject).toBe('ada');
    at.now += 3_601_000;
    const token = await mint(key, at.now);
    expect(codeOf(() => verifier.verify(token))).toBe('KEYS_UNAVAILABLE');
    verifier.close();
  });

  it('drops tokens of a key that is no longer published', async () => {
    const at = await world();
    const [old] = at.keys;
    if (old === undefined) throw new Error('no key');
    const verifier = await verifierOf(at);
    const token = await mint(old, at.now);
    expect(codeOf(() => verifier.verify(token))).toBe('ACCEPTED');
    at.keys = [await generateSigningKey()];
    await verifier.loadKeys();
    expect(codeOf(() => verifier.verify(token))).toBe('KEY_UNKNOWN');
    verifier.close();
  });

  it('takes no RSA key under 2048 bits and no key of another curve', async () => {
    const at = await world();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    const curve = privateKey.export({ format: 'jwk' });
    const verifier = await createVerifier({
      issuer,
      audience,
      now: () => at.now,
      fetch: () =>
        Promise.resolve(
          Response.json({
            keys: [...at.keys.map(publicJwkOf), { ...weak, kid: 'weak' }, { ...curve, d: undefined, kid: 'curve' }],
          }),
        ),
    });
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'curve', typ: 'at+jwt' })).toString('base64url');
    const input = `${header}.e30`;
    const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString(
      'base64url',
    );
    expect(codeOf(() => verifier.verify(`${input}.${signature}`))).toBe('KEY_UNKNOWN');
    verifier.close();
  });
});
