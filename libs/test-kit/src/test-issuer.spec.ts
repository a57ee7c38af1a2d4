import { createVerifier, publicJwkOf } from '@countersign/auth-core';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { badTokens } from './bad-tokens.js';
import { createTestIssuer, type TestIssuer } from './test-issuer.js';

describe('the test issuer', () => {
  let issuer: TestIssuer;
  let cases: Awaited<ReturnType<typeof badTokens>>;
  beforeAll(async () => {
    issuer = await createTestIssuer({ audience: 'orders' });
    cases = await badTokens(issuer);
  });

  it('mints tokens that the verifier and jose accept, with the same claims', async () => {
    const token = await issuer.mint({ subject: 'ada', clientId: 'shop', scopes: ['orders:read'] });
    const verifier = await createVerifier({ issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch });
    const principal = verifier.verify(token);
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [publicJwkOf(issuer.key)] }), {
      issuer: issuer.issuer,
      audience: 'orders',
      typ: 'at+jwt',
    });
    expect(principal).toMatchObject({
      subject: payload.sub,
      clientId: 'shop',
      tokenId: payload.jti,
      expiresAt: payload.exp,
    });
    expect([...principal.scopes]).toEqual(['orders:read']);
    verifier.close();
  });

  it('has invalid tokens that are each refused for their own reason, and never accepted at a second try', async () => {
    const verifier = await createVerifier({ issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch });
    for (const { name, token, code } of cases) {
      for (const look of ['first', 'second']) {
        let outcome: unknown = 'accepted';
        try {
          verifier.verify(token);
        } catch (error) {
          outcome = error instanceof Error && 'code' in error ? error.code : error;
        }
        expect({ name, look, outcome }).toEqual({ name, look, outcome: code });
      }
    }
    verifier.close();
  });
});
