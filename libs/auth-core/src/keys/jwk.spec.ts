import { generateSigningKey, mayBeUsedTo, publicJwkOf, verificationKeyOf, type PrivateJwk } from './jwk.js';
import { signJwt } from '../jws/sign.js';
import { parseCompactJws } from '../jws/compact-jws.js';
import { signatureVerifies } from '../jws/signature.js';

describe('a JWK', () => {
  let key: PrivateJwk;
  beforeAll(async () => {
    key = await generateSigningKey('EdDSA');
  });

  it.each([
    [{}, true, true],
    [{ use: 'sig' }, true, true],
    [{ use: 'enc' }, false, false],
    [{ use: 7 }, false, false],
    [{ key_ops: ['verify'] }, true, false],
    [{ key_ops: ['sign', 'verify', 'some-private-use'] }, true, true],
    [{ use: 'sig', key_ops: ['sign'] }, false, true],
    [{ use: 'enc', key_ops: ['sign', 'verify'] }, false, false],
    [{ key_ops: ['encrypt'] }, false, false],
    [{ key_ops: [] }, false, false],
    [{ key_ops: ['verify', 'verify'] }, false, false],
    [{ key_ops: ['verify', 1] }, false, false],
    [{ key_ops: 'verify' }, false, false],
    [{ key_ops: null }, false, false],
  ])('with %j may verify: %s, may sign: %s', (says, verify, sign) => {
    const published = { ...publicJwkOf(key), use: undefined, ...says };
    expect(verificationKeyOf(published) !== undefined).toBe(verify);
    expect(mayBeUsedTo('sign', { ...key, use: undefined, ...says })).toBe(sign);
    const act = () => signJwt({}, {}, { ...key, use: undefined, ...says });
    if (sign) expect(act()).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    else expect(act).toThrow(/use or key_ops/);
  });

  it('with the alg Ed25519 of RFC 9864 is an Ed25519 key, and signs under that name', () => {
    const named = { ...key, alg: 'Ed25519' };
    const read = verificationKeyOf(publicJwkOf(named));
    expect([...(read?.algorithms ?? [])]).toEqual(['EdDSA']);
    const { header, signingInput, signature } = parseCompactJws(signJwt({}, {}, named));
    expect([header.alg, header.algorithm]).toEqual(['Ed25519', 'EdDSA']);
    expect(read !== undefined && signatureVerifies('EdDSA', read.key, signingInput, signature)).toBe(true);
  });

  it('of another type is not one for Ed25519', async () => {
    const other = await generateSigningKey('ES256');
    expect(verificationKeyOf({ ...publicJwkOf(other), alg: 'Ed25519' })).toBeUndefined();
  });

  it('without a kid is identified by its thumbprint', () => {
    const read = verificationKeyOf({ ...publicJwkOf(key), kid: undefined });
    expect([read?.keyId, read?.thumbprint]).toEqual([key.kid, key.kid]);
    for (const kid of ['', 7, null]) expect(verificationKeyOf({ ...publicJwkOf(key), kid })).toBeUndefined();
  });
});
