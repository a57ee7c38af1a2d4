import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { createLocalJWKSet, importJWK, jwtVerify, SignJWT } from 'jose';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from './keys/jwk.js';
import { MemoryRevocationList, type RevocationList } from './revocation-list.js';
import { TokenError } from './token-error.js';
import { signJwt } from './jws/sign.js';
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
    'accepts what jose signs with %s, and reads the same claims as jose',
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

  const person = 'person:01890a5d-ac96-774b-bcce-b302099a8057';

  it('reads the kind of a token’s subject, and how a person signed in', async () => {
    const at = await world();
    const [key] = at.keys;
    if (key === undefined) throw new Error('no key');
    const verifier = await verifierOf(at);
    const signIn = { auth_time: 1_799_999_000, acr: 'urn:acme:strong', amr: ['pwd', 'otp'] };
    const token = await mint(key, at.now, { kind: 'person', sub: person, roles: ['clerk'], ...signIn });
    expect(verifier.verify(token)).toMatchObject({
      kind: 'person',
      subject: person,
      authTime: 1_799_999_000,
      acr: 'urn:acme:strong',
      amr: ['pwd', 'otp'],
    });
    for (const [claims, kind] of [
      [{}, 'service'],
      [{ sub: person }, 'person'],
      [{ sub: 'acme|7' }, 'person'],
      [{ kind: 'application' }, 'application'],
      [{ kind: 'service', sub: 'acme|7' }, 'service'],
    ] as const) {
      const one = verifier.verify(await mint(key, at.now, claims));
      expect(one).toMatchObject({ kind, amr: [] });
      expect([one.authTime, one.acr]).toEqual([undefined, undefined]);
    }
    verifier.close();
  });

  it.each([
    [{ kind: 'admin' }, 'kind'],
    [{ kind: null }, 'kind'],
    [{ kind: 'service', sub: person }, 'kind'],
    [{ kind: 'application', sub: person }, 'kind'],
    [{ auth_time: '1800000000' }, 'auth_time'],
    [{ auth_time: 1.5 }, 'auth_time'],
    [{ auth_time: -1 }, 'auth_time'],
    [{ acr: 2 }, 'acr'],
    [{ acr: '' }, 'acr'],
    [{ acr: 'x'.repeat(513) }, 'acr'],
    [{ amr: 'pwd' }, 'amr'],
    [{ amr: ['pwd', 7] }, 'amr'],
    [{ amr: Array.from({ length: 65 }, String) }, 'amr'],
  ])('refuses a token with the subject claims %j', async (claims, detail) => {
    const at = await world();
    const [key] = at.keys;
    if (key === undefined) throw new Error('no key');
    const verifier = await verifierOf(at);
    const token = await mint(key, at.now, claims);
    expect(() => verifier.verify(token)).toThrow(expect.objectContaining({ code: 'CLAIM_INVALID', detail }));
    verifier.close();
  });

  it('accepts no mutation of a valid token', async () => {
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

  it('tolerates five seconds of clock difference and no more, for repeated tokens too', async () => {
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

  it('knows a repeated token by its whole header, for as long as it is valid', async () => {
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
    revocations.add({ kind: 'token', tokenId: 'two', until: at.now / 1_000 + 300 });
    expect([ask(token), ask(other)]).toEqual(['ACCEPTED', 'TOKEN_REVOKED']);
    at.now += 306_000;
    expect(ask(token)).toBe('TOKEN_EXPIRED');
    verifier.close();
  });

  it('fetches once for an unknown key, finds a rotated one, and does not fetch more during a flood', async () => {
    const at = await world();
    const verifier = await verifierOf(at);
    const rotated = await generateSigningKey();
    at.keys.push(rotated);
    const token = await mint(rotated, at.now);
    expect(codeOf(() => verifier.verify(token))).toBe('KEY_UNKNOWN');
    const verified = await Promise.all([verifier.verifyWithRefresh(token), verifier.verifyWithRefresh(token)]);
    expect(verified.map(({ subject }) => subject)).toEqual(['ada', 'ada']);
    expect(at.fetches).toBe(2);
    const strangers = await Promise.all(
      Array.from({ length: 20 }, async () => mint(await generateSigningKey(), at.now)),
    );
    const refused = await Promise.allSettled(strangers.map((stranger) => verifier.verifyWithRefresh(stranger)));
    expect(refused.every(({ status }) => status === 'rejected')).toBe(true);
    expect(at.fetches).toBe(2);
    verifier.close();
  });

  it('verifies another statement of its issuer with the same keys, and trusts no other issuer, type, key or algorithm', async () => {
    const at = await world();
    const verifier = await verifierOf(at);
    const [rotated, stranger] = [await generateSigningKey(), await generateSigningKey()];
    at.keys.push(rotated);
    const made = (claims: object = {}, header: object = {}, key: PrivateJwk = rotated): string =>
      signJwt(
        { alg: key.alg, kid: rotated.kid, typ: 'logout+jwt', ...header },
        { iss: issuer, sid: 's', ...claims },
        key,
      );
    const read = async (token: string): Promise<string> =>
      verifier.verifyStatement(token, 'logout+jwt').then(
        ({ sid }) => String(sid),
        (error: unknown) => (error instanceof TokenError ? error.code : String(error)),
      );
    const unsigned = Buffer.from(JSON.stringify({ alg: 'none', kid: rotated.kid, typ: 'logout+jwt' })).toString(
      'base64url',
    );
    // The key is new: one fetch brings it.
    expect(await read(made())).toBe('s');
    expect(await read(made({}, { typ: 'application/LOGOUT+JWT' }))).toBe('s');
    for (const [token, code] of [
      [made({ iss: 'https://other.example' }), 'ISSUER_MISMATCH'],
      [made({ iss: undefined }), 'ISSUER_MISMATCH'],
      [made({}, { typ: 'at+jwt' }), 'TYP_NOT_ALLOWED'],
      [made({}, { typ: undefined }), 'TYP_NOT_ALLOWED'],
      [made().replace(/^[^.]+/, unsigned), 'ALG_NOT_ALLOWED'],
      [made({}, { crit: ['x'] }), 'CRIT_NOT_SUPPORTED'],
      [made({}, {}, stranger), 'SIGNATURE_INVALID'],
      [made({}, { kid: 'unknown' }), 'KEY_UNKNOWN'],
      ['x.y.z', 'TOKEN_MALFORMED'],
    ] as const)
      expect([code, await read(token)]).toEqual([code, code]);
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

  it('tries every key of a kid whose type and alg match, in any order', async () => {
    const at = await world();
    const pair = await Promise.all(['RS256', 'PS256', 'ES256'].map((alg) => generateSigningKey(alg)));
    const shared = pair.map((key) => ({ ...key, kid: 'shared' }));
    for (const keys of [shared, shared.toReversed()]) {
      at.keys = keys;
      const verifier = await verifierOf(at);
      for (const key of keys) expect(verifier.verify(await mint(key, at.now)).subject).toBe('ada');
      const stranger = { ...(await generateSigningKey('ES256')), kid: 'shared' };
      const strange = await mint(stranger, at.now);
      expect(codeOf(() => verifier.verify(strange))).toBe('SIGNATURE_INVALID');
      const unfit = await mint({ ...(await generateSigningKey('EdDSA')), kid: 'shared' }, at.now);
      expect(codeOf(() => verifier.verify(unfit))).toBe('KEY_MISMATCH');
      verifier.close();
    }
  });

  it('tries four keys for one signature and no more', async () => {
    const at = await world();
    const many = await Promise.all(Array.from({ length: 5 }, () => generateSigningKey()));
    at.keys = many.map((key) => ({ ...key, kid: 'shared' }));
    const verifier = await verifierOf(at);
    const tokens = await Promise.all(at.keys.map((key) => mint(key, at.now)));
    expect(tokens.map((token) => codeOf(() => verifier.verify(token)))).toEqual([
      ...Array<string>(4).fill('ACCEPTED'),
      'SIGNATURE_INVALID',
    ]);
    verifier.close();
  });

  it('no longer accepts a repeated token once its kid belongs to another key', async () => {
    const at = await world();
    const [old] = at.keys;
    if (old === undefined) throw new Error('no key');
    const verifier = await verifierOf(at);
    const token = await mint(old, at.now);
    expect(codeOf(() => verifier.verify(token))).toBe('ACCEPTED');
    at.keys = [{ ...(await generateSigningKey()), kid: old.kid }];
    await verifier.loadKeys();
    expect(codeOf(() => verifier.verify(token))).toBe('SIGNATURE_INVALID');
    verifier.close();
  });

  it('uses no key meant for another purpose', async () => {
    for (const says of [{ use: 'enc' }, { key_ops: ['encrypt'] }, { key_ops: ['sign'] }, { key_ops: 'verify' }]) {
      const at = await world();
      const [key] = at.keys;
      if (key === undefined) throw new Error('no key');
      const other = await generateSigningKey();
      const keys = [{ ...publicJwkOf(key), ...says }, publicJwkOf(other)];
      const fetch = () => Promise.resolve(Response.json({ keys }));
      const verifier = await createVerifier({ issuer, audience, now: () => at.now, fetch });
      const [bad, good] = [await mint(key, at.now), await mint(other, at.now)];
      expect([bad, good].map((token) => codeOf(() => verifier.verify(token)))).toEqual(['KEY_UNKNOWN', 'ACCEPTED']);
      verifier.close();
    }
  });

  it('accepts the name Ed25519, in the key set and in a token', async () => {
    const at = await world();
    const key = await generateSigningKey('EdDSA');
    const named = { ...key, alg: 'Ed25519' };
    at.keys = [named];
    const verifier = await verifierOf(at);
    for (const one of [named, key]) {
      const claims = { jti: one.alg };
      expect(verifier.verify(await mint(one, at.now, claims)).tokenId).toBe(one.alg);
    }
    verifier.close();
  });

  it.each(['https://issuer.test', 'https://issuer.test/', 'https://issuer.test/realms/one/'])(
    'finds the keys of %s below it, and compares iss with it exactly',
    async (identifier) => {
      const at = await world();
      const [key] = at.keys;
      if (key === undefined) throw new Error('no key');
      const asked: unknown[] = [];
      const fetch = (url: unknown) => {
        asked.push(url);
        return Promise.resolve(Response.json({ keys: [publicJwkOf(key)] }));
      };
      const verifier = await createVerifier({ issuer: identifier, audience, now: () => at.now, fetch });
      expect(asked).toEqual([`${identifier.replace(/\/$/, '')}/.well-known/jwks.json`]);
      const [own, other] = [
        await mint(key, at.now, { iss: identifier }),
        await mint(key, at.now, { iss: identifier.endsWith('/') ? identifier.slice(0, -1) : `${identifier}/` }),
      ];
      expect([own, other].map((token) => codeOf(() => verifier.verify(token)))).toEqual([
        'ACCEPTED',
        'ISSUER_MISMATCH',
      ]);
      verifier.close();
    },
  );

  it('fetches keys that grew too old while the machine slept once, at the first verification', async () => {
    const at = await world();
    const [key] = at.keys;
    if (key === undefined) throw new Error('no key');
    const verifier = await verifierOf(at);
    at.now += 7 * 3_600_000;
    const token = await mint(key, at.now);
    const verified = await Promise.all(Array.from({ length: 20 }, () => verifier.verifyWithRefresh(token)));
    expect([verified.length, at.fetches]).toEqual([20, 2]);
    at.now += 7 * 3_600_000;
    at.away = true;
    const late = await mint(key, at.now);
    const refused = await Promise.allSettled(Array.from({ length: 20 }, () => verifier.verifyWithRefresh(late)));
    expect(
      refused.map((one) => one.status === 'rejected' && one.reason instanceof TokenError && one.reason.code),
    ).toEqual(Array<string>(20).fill('KEYS_UNAVAILABLE'));
    expect(at.fetches).toBe(3);
    verifier.close();
  });

  it('starts a fetch of keys that grew too old at a synchronous verification, for the next one', async () => {
    const at = await world();
    const [key] = at.keys;
    if (key === undefined) throw new Error('no key');
    const verifier = await verifierOf(at);
    at.now += 7 * 3_600_000;
    const token = await mint(key, at.now);
    expect(codeOf(() => verifier.verify(token))).toBe('KEYS_UNAVAILABLE');
    await verifier.loadKeys();
    expect([codeOf(() => verifier.verify(token)), at.fetches]).toEqual(['ACCEPTED', 2]);
    verifier.close();
  });

  it('accepts no RSA key under 2048 bits and no key of another curve', async () => {
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
