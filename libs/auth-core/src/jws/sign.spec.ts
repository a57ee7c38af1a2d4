import { webcrypto } from 'node:crypto';
import { compactVerify, importJWK } from 'jose';
import { generateSigningKey, publicJwkOf } from '../keys/jwk.js';
import { jwtSigner, localSigner, type TokenSigner } from './sign.js';

describe('a JWT signer', () => {
  it.each(['ES256', 'EdDSA', 'RS256', 'PS256'] as const)(
    'is synchronous with a local key, as a key of %s and as its signer',
    async (alg) => {
      const key = await generateSigningKey(alg);
      for (const token of [jwtSigner({ kid: key.kid }, key)({ sub: 'ada' }), jwtSigner({}, localSigner(key))({})]) {
        expect(typeof token).toBe('string');
        const { protectedHeader } = await compactVerify(token, await importJWK({ ...publicJwkOf(key) }, alg));
        expect(protectedHeader.alg).toBe(alg);
      }
    },
  );

  it('may be an asynchronous service that holds a key this process has never seen', async () => {
    const named = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const { privateKey, publicKey } = await webcrypto.subtle.generateKey(named, false, ['sign', 'verify']);
    const remote: TokenSigner = {
      kid: 'in-the-kms',
      alg: 'ES256',
      sign: async (input) => Buffer.from(await webcrypto.subtle.sign(named, privateKey, Uint8Array.from(input))),
    };
    const token = await jwtSigner({ typ: 'at+jwt', kid: remote.kid }, remote)({ sub: 'ada' });
    const { payload, protectedHeader } = await compactVerify(token, publicKey);
    expect(protectedHeader).toEqual({ typ: 'at+jwt', kid: 'in-the-kms', alg: 'ES256' });
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual({ sub: 'ada' });
  });

  it('passes on the error of a service that did not sign', async () => {
    const away: TokenSigner = {
      kid: 'k',
      alg: 'ES256',
      sign: () => Promise.reject(new Error('the KMS is unavailable')),
    };
    await expect(jwtSigner({}, away)({})).rejects.toThrow('the KMS is unavailable');
  });
});
