import { JwtVerifier } from 'aws-jwt-verify';
import { createRemoteJWKSet, importJWK, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const tokenType = 'urn:ietf:params:oauth:token-type:access_token';

describe('clients and validators that were not written here', () => {
  let issuer: IssuerUnderTest;

  beforeAll(async () => {
    issuer = await startIssuer();
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  async function byKey(clientId: 'shop' | 'payments'): Promise<openid.Configuration> {
    const jwk = issuer.keys[clientId];
    const key = await importJWK({ ...jwk }, jwk.alg);
    if (key instanceof Uint8Array) throw new TypeError('a private key was expected');
    return openid.discovery(new URL(issuer.url), clientId, undefined, openid.PrivateKeyJwt({ key, kid: jwk.kid }), {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests],
    });
  }
  const wish = { resource: 'payments', scope: 'payments:create' };

  it('openid-client discovers, authenticates by private_key_jwt, gets, exchanges, introspects and revokes', async () => {
    const [shop, payments] = await Promise.all([byKey('shop'), byKey('payments')]);
    const subject = await openid.clientCredentialsGrant(shop, wish);
    expect(subject.expires_in).toBe(300);
    const exchanged = await openid.genericGrantRequest(payments, exchangeGrant, {
      subject_token: subject.access_token,
      subject_token_type: tokenType,
      audience: 'accounts',
      scope: 'transfers:create',
    });
    expect(exchanged['issued_token_type']).toBe(tokenType);
    const active = await openid.tokenIntrospection(shop, subject.access_token);
    expect(active).toMatchObject({ active: true, sub: 'shop', aud: 'payments', scope: 'payments:create' });
    await openid.tokenRevocation(shop, subject.access_token);
    expect((await openid.tokenIntrospection(shop, subject.access_token)).active).toBe(false);
  });

  it('openid-client authenticates by a secret', async () => {
    const { body } = await issuer.admin('POST', '/admin/clients', {
      client_id: 'legacy',
      token_endpoint_auth_method: 'client_secret_basic',
      policy: { audiences: { payments: ['payments:create'] } },
    });
    const secret = String(body['client_secret']);
    const legacy = await openid.discovery(new URL(issuer.url), 'legacy', undefined, openid.ClientSecretBasic(secret), {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests],
    });
    expect((await openid.clientCredentialsGrant(legacy, wish)).scope).toBe('payments:create');
    await expect(openid.clientCredentialsGrant(legacy, { ...wish, scope: 'payments:refund' })).rejects.toMatchObject({
      error: 'invalid_scope',
    });
  });

  it('jose and aws-jwt-verify accept the tokens by the published keys, and refuse them for another audience', async () => {
    const { body } = await issuer.token({ audience: 'payments', scope: 'payments:create' });
    const token = String(body['access_token']);
    const jwksUri = `${issuer.url}/.well-known/jwks.json`;
    const remote = createRemoteJWKSet(new URL(jwksUri));
    const expected = { issuer: issuer.url, audience: 'payments', typ: 'at+jwt' };
    expect((await jwtVerify(token, remote, expected)).payload.sub).toBe('shop');
    await expect(jwtVerify(token, remote, { ...expected, audience: 'accounts' })).rejects.toMatchObject({
      claim: 'aud',
    });
    const jwks = (await (await fetch(jwksUri)).json()) as { keys: { kty: string }[] };
    for (const audience of ['payments', 'accounts']) {
      const verifier = JwtVerifier.create({ issuer: issuer.url, audience, jwksUri: 'https://issuer.test/jwks.json' });
      verifier.cacheJwks(jwks);
      if (audience === 'payments') expect(verifier.verifySync(token)['client_id']).toBe('shop');
      else expect(() => verifier.verifySync(token)).toThrow(/[Aa]udience/);
    }
  });

  it.each(['EdDSA', 'RS256', 'PS256'])(
    'signs with %s when told so, for validators to accept',
    async (algorithm) => {
      const other = await startIssuer({ SIGNING_ALGORITHM: algorithm });
      try {
        const { body } = await other.token({ audience: 'payments', scope: 'payments:create' });
        const remote = createRemoteJWKSet(new URL(`${other.url}/.well-known/jwks.json`));
        const { protectedHeader } = await jwtVerify(String(body['access_token']), remote, { audience: 'payments' });
        expect(protectedHeader.alg).toBe(algorithm);
      } finally {
        await other.stop();
      }
    },
    120_000,
  );
});
