import { signJwt } from './jws/sign.js';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from './keys/jwk.js';
import { MemoryRevocationList } from './revocation-list.js';
import { KeyServer } from './testing/key-server.js';
import { TokenError } from './token-error.js';
import { createVerifier, type TokenVerifier } from './token-verifier.js';

const now = 1_800_000_000;
const old = 'https://old.test/realms/acme';
const own = 'https://issuer.test';

describe('a verifier of several issuers', () => {
  let server: KeyServer;
  let oldKey: PrivateJwk;
  let ownKey: PrivateJwk;
  let verifier: TokenVerifier;
  const ownRevoked = new MemoryRevocationList();
  const oldRevoked = new MemoryRevocationList();
  beforeAll(async () => {
    // The same kid at both: it is allowed, and an attacker would try it.
    [oldKey, ownKey] = [await generateSigningKey(), await generateSigningKey()];
    oldKey = { ...oldKey, kid: ownKey.kid };
    server = await KeyServer.start();
    server.publish(old, [publicJwkOf(oldKey)]);
    server.publish(own, [publicJwkOf(ownKey)]);
    verifier = await createVerifier({
      audience: 'orders',
      fetch: server.fetch,
      now: () => now * 1_000,
      issuers: [
        { issuer: own, revocations: ownRevoked },
        { issuer: old, profile: 'keycloak', audience: ['shop', 'orders-api'], revocations: oldRevoked },
      ],
    });
  });
  afterAll(async () => {
    verifier.close();
    await server.close();
  });

  let count = 0;
  const ownToken = (key = ownKey, more: object = {}): string => {
    const jti = String((count += 1));
    const claims = { iss: own, aud: 'orders', sub: 'ada', client_id: 'web', scope: 'a', jti, iat: now, exp: now + 60 };
    return signJwt({ typ: 'at+jwt', kid: key.kid }, { ...claims, ...more }, key);
  };
  const oldToken = (key = oldKey, more: object = {}): string => {
    const jti = String((count += 1));
    const claims = { iss: old, aud: ['shop'], sub: 'ada', azp: 'web', typ: 'Bearer', jti, iat: now, exp: now + 60 };
    return signJwt({ typ: 'JWT', kid: key.kid }, { ...claims, ...more }, key);
  };
  const outcome = (token: string): string => {
    try {
      return verifier.verify(token).issuer;
    } catch (error) {
      if (error instanceof TokenError) return error.code;
      throw error;
    }
  };

  it('accepts the tokens of each, by its own profile and for its own names, first seen and repeated', async () => {
    expect(verifier.issuers).toEqual([own, old]);
    for (const [token, issuer] of [
      [ownToken(), own],
      [oldToken(), old],
      [oldToken(oldKey, { aud: ['x', 'orders-api'] }), old],
    ] as const) {
      expect([outcome(token), outcome(token)]).toEqual([issuer, issuer]);
      expect(verifier.cachedAuthorization(`Bearer ${token}`)).toMatchObject({ issuer });
      await expect(verifier.verifyWithRefresh(token)).resolves.toMatchObject({ issuer });
      expect(verifier.verifySubjectToken(token)).toMatchObject({ issuer });
    }
    expect(verifier.verify(oldToken(oldKey, { aud: ['x', 'orders-api'] })).audience).toBe('orders-api');
  });

  it.each([
    ['a key of one signs in the name of the other', () => ownToken(oldKey), 'SIGNATURE_INVALID'],
    ['and the other way round', () => oldToken(ownKey), 'SIGNATURE_INVALID'],
    ['the other’s form', () => oldToken(ownKey, { iss: own }), 'TYP_NOT_ALLOWED'],
    ['a name that this service has at the other only', () => ownToken(ownKey, { aud: 'shop' }), 'AUDIENCE_MISMATCH'],
    ['the name that it has at the first only', () => oldToken(oldKey, { aud: ['orders'] }), 'AUDIENCE_MISMATCH'],
    ['another issuer', () => ownToken(ownKey, { iss: `${own}/` }), 'ISSUER_MISMATCH'],
    ['an issuer that is no text', () => ownToken(ownKey, { iss: [own] }), 'CLAIM_INVALID'],
    ['no issuer', () => ownToken(ownKey, { iss: undefined }), 'CLAIM_MISSING'],
    ['no token', () => 'a.b.c', 'TOKEN_MALFORMED'],
  ])('refuses: %s', (_what, token, code) => {
    expect(outcome(token())).toBe(code);
  });

  it('applies the revocations of one issuer only to its own tokens, repeated ones too', () => {
    const [mine, theirs] = [ownToken(), oldToken()];
    expect([outcome(mine), outcome(theirs)]).toEqual([own, old]);
    oldRevoked.add({ kind: 'subject', subject: 'ada', issuedBefore: now + 1, until: now + 100 });
    expect([outcome(mine), outcome(theirs)]).toEqual([own, 'TOKEN_REVOKED']);
    expect([outcome(ownToken()), outcome(oldToken())]).toEqual([own, 'TOKEN_REVOKED']);
  });

  it('reports each issuer whose keys are missing, and continues with the others', async () => {
    const two = await createVerifier({
      audience: 'orders',
      fetch: server.fetch,
      now: () => now * 1_000,
      onKeys: () => undefined,
      issuers: [{ issuer: own }, { issuer: 'https://gone.test', profile: 'auth0' }],
    });
    expect(two.keysLoaded).toBe(false);
    expect(two.lastKeyError).toMatch(/^https:\/\/gone\.test: .*answered 404/);
    expect(two.verify(ownToken()).issuer).toBe(own);
    two.close();
  });

  it('keeps a common option that an issuer leaves undefined', async () => {
    const strict = await createVerifier({
      audience: 'orders',
      fetch: server.fetch,
      now: () => now * 1_000,
      algorithms: ['EdDSA'],
      issuers: [{ issuer: own, algorithms: undefined, fetch: undefined }],
    });
    expect(() => strict.verify(ownToken())).toThrow(expect.objectContaining({ code: 'ALG_NOT_ALLOWED' }));
    strict.close();
  });

  it('cannot have the same issuer twice', async () => {
    await expect(createVerifier({ audience: 'orders', issuers: [{ issuer: own }, { issuer: own }] })).rejects.toThrow(
      'listed twice',
    );
  });
});
