import { JwtVerifier } from 'aws-jwt-verify';
import { createRemoteJWKSet, exportJWK, importJWK, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { registerApplications } from '../testing/applications.js';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { signedIn, type SignedIn } from '../testing/signed-in.js';
import { hiddenFields, open, submit } from '../testing/visit.js';

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const tokenType = 'urn:ietf:params:oauth:token-type:access_token';

describe('third-party clients and validators', () => {
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
  const requested = { resource: 'payments', scope: 'payments:create' };

  it('openid-client discovers, authenticates by private_key_jwt, gets, exchanges, introspects and revokes', async () => {
    const [shop, payments] = await Promise.all([byKey('shop'), byKey('payments')]);
    const subject = await openid.clientCredentialsGrant(shop, requested);
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
    expect((await openid.clientCredentialsGrant(legacy, requested)).scope).toBe('payments:create');
    await expect(
      openid.clientCredentialsGrant(legacy, { ...requested, scope: 'payments:refund' }),
    ).rejects.toMatchObject({
      error: 'invalid_scope',
    });
  });

  describe.each(['client_secret_basic', 'private_key_jwt'] as const)('oauth4webapi, by %s,', (method) => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const client: oauth.Client = { client_id: `machine-${method}` };
    let auth: oauth.ClientAuth;
    let server: oauth.AuthorizationServer;

    beforeAll(async () => {
      const registration = { ...client, policy: { audiences: { payments: ['payments:create', 'payments:read'] } } };
      if (method === 'private_key_jwt') {
        const { privateKey, publicKey } = await oauth.generateKeyPair('ES256', { extractable: true });
        const jwk = { ...(await exportJWK(publicKey)), kid: 'machine', alg: 'ES256', use: 'sig' };
        await issuer.admin('POST', '/admin/clients', { ...registration, jwks: { keys: [jwk] } });
        auth = oauth.PrivateKeyJwt({ key: privateKey, kid: 'machine' });
      } else {
        const asked = { ...registration, token_endpoint_auth_method: method };
        auth = oauth.ClientSecretBasic(
          String((await issuer.admin('POST', '/admin/clients', asked)).body['client_secret']),
        );
      }
      const url = new URL(issuer.url);
      const found = await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...insecure });
      server = await oauth.processDiscoveryResponse(url, found);
    });

    const grant = async (
      parameters: Record<string, string>,
      further: Pick<oauth.TokenEndpointRequestOptions, 'DPoP'> = {},
    ) => {
      const options = { ...insecure, ...further };
      const response = await oauth.clientCredentialsGrantRequest(server, client, auth, parameters, options);
      return oauth.processClientCredentialsResponse(server, client, response);
    };
    const introspect = async (token: string) => {
      const response = await oauth.introspectionRequest(server, client, auth, token, insecure);
      return oauth.processIntrospectionResponse(server, client, response);
    };
    const validate = (headers: Record<string, string>, further: { readonly requireDPoP?: boolean } = {}) =>
      oauth.validateJwtAccessToken(server, new Request('https://payments.example/payments', { headers }), 'payments', {
        ...insecure,
        ...further,
      });

    it.each([undefined, 'payments:read'])(
      'gets, validates by the JWKS, introspects and revokes a token (scope %s)',
      async (scope) => {
        const parameters = { resource: 'payments', scope: scope ?? 'payments:create payments:read' };
        const { access_token: token, token_type: type, expires_in: life } = await grant(parameters);
        expect([type, life]).toEqual(['bearer', 300]);
        const claims = await validate({ authorization: `Bearer ${token}` });
        expect(claims).toMatchObject({ client_id: client.client_id, sub: client.client_id, scope: parameters.scope });
        expect(await introspect(token)).toMatchObject({ active: true, client_id: client.client_id, aud: 'payments' });
        await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, auth, token, insecure));
        expect(await introspect(token)).toEqual({ active: false });
      },
    );

    it('gets a token bound to its key (DPoP), useless with another key’s proof or as a bearer token', async () => {
      const [pair, thief] = [await oauth.generateKeyPair('ES256'), await oauth.generateKeyPair('ES256')];
      const [own, foreign] = [oauth.DPoP(client, pair), oauth.DPoP(client, thief)];
      const { access_token: token, token_type: type } = await grant(
        { resource: 'payments', scope: 'payments:read' },
        { DPoP: own },
      );
      expect(type).toBe('dpop');
      const proven = async (handle: oauth.DPoPHandle) => {
        let sent = new Headers();
        const options = {
          ...insecure,
          DPoP: handle,
          [oauth.customFetch]: (_url: string, { headers }: { headers: Record<string, string> }) => {
            sent = new Headers(headers);
            return Promise.resolve(new Response());
          },
        };
        await oauth.protectedResourceRequest(
          token,
          'GET',
          new URL('https://payments.example/payments'),
          undefined,
          undefined,
          options,
        );
        return Object.fromEntries(sent);
      };
      expect(await validate(await proven(own), { requireDPoP: true })).toMatchObject({
        cnf: { jkt: expect.any(String) },
      });
      await expect(validate(await proven(foreign))).rejects.toThrow(/jkt|thumbprint|confirmation/i);
      await expect(validate({ authorization: `Bearer ${token}` })).rejects.toThrow(/DPoP|scheme/i);
      expect(await introspect(token)).toMatchObject({ active: true, token_type: 'DPoP' });
    });

    it('is refused rights that it may not have, and foreign credentials', async () => {
      await expect(grant({ resource: 'payments', scope: 'payments:refund' })).rejects.toMatchObject({
        error: 'invalid_scope',
      });
      await expect(grant({ resource: 'accounts', scope: 'accounts:read' })).rejects.toMatchObject({
        error: 'invalid_target',
      });
      const wrong = oauth.ClientSecretBasic('not-the-secret-of-anybody');
      const asked = await oauth.clientCredentialsGrantRequest(
        server,
        client,
        wrong,
        { resource: 'payments' },
        insecure,
      );
      await expect(oauth.processClientCredentialsResponse(server, client, asked)).rejects.toMatchObject({
        status: 401,
      });
      // Not among the metadata's methods: a secret in a form ends up in logs.
      expect(server.token_endpoint_auth_methods_supported).not.toContain('client_secret_post');
    });
  });

  describe('for a person', () => {
    let secret: string;
    let ada: SignedIn;
    const asked = { scope: 'payments:create', resource: 'payments', code_challenge_method: 'S256' };

    beforeAll(async () => {
      secret = await registerApplications(issuer);
      ada = await signedIn(issuer.app, issuer.url);
    });

    it('openid-client runs the code flow as a public client: pushed, PKCE, DPoP, state, and iss against mix-up', async () => {
      const office = await openid.discovery(new URL(issuer.url), 'office', undefined, openid.None(), {
        algorithm: 'oauth2',
        execute: [openid.allowInsecureRequests],
      });
      const handle = openid.getDPoPHandle(office, await openid.randomDPoPKeyPair());
      const walk = async () => {
        const [pkceCodeVerifier, expectedState] = [openid.randomPKCECodeVerifier(), openid.randomState()];
        const code_challenge = await openid.calculatePKCECodeChallenge(pkceCodeVerifier);
        const redirect_uri = 'https://office.example/cb';
        const parameters = { ...asked, redirect_uri, code_challenge, state: expectedState };
        const url = await openid.buildAuthorizationUrlWithPAR(office, parameters, { DPoP: handle });
        const { location } = await open(url.href, ada);
        if (location === undefined) throw new Error('no answer');
        return { location, checks: { pkceCodeVerifier, expectedState } };
      };
      const { location, checks } = await walk();
      const tokens = await openid.authorizationCodeGrant(office, location, checks, undefined, { DPoP: handle });
      expect(tokens).toMatchObject({ token_type: 'dpop', scope: 'payments:create' });
      const mixed = await walk();
      mixed.location.searchParams.set('iss', 'https://another.example');
      const refused = openid.authorizationCodeGrant(office, mixed.location, mixed.checks, undefined, { DPoP: handle });
      await expect(refused).rejects.toMatchObject({ code: 'OAUTH_INVALID_RESPONSE' });
    });

    it('oauth4webapi runs it as a confidential client, through consent, and revokes its tokens', async () => {
      const insecure = { [oauth.allowInsecureRequests]: true };
      const url = new URL(issuer.url);
      const found = await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...insecure });
      const server = await oauth.processDiscoveryResponse(url, found);
      const [client, auth] = [{ client_id: 'bookkeeper' }, oauth.ClientSecretBasic(secret)];
      const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()];
      const redirect_uri = 'https://books.example/cb';
      const code_challenge = await oauth.calculatePKCECodeChallenge(verifier);
      const parameters = { ...asked, response_type: 'code', redirect_uri, state, code_challenge };
      const pushed = await oauth.pushedAuthorizationRequest(server, client, auth, parameters, insecure);
      const { request_uri } = await oauth.processPushedAuthorizationResponse(server, client, pushed);
      const query = new URLSearchParams({ client_id: 'bookkeeper', request_uri });
      const page = await open(`${server.authorization_endpoint ?? ''}?${query.toString()}`, ada);
      const { location } = await submit(`${issuer.url}/consent`, { ...hiddenFields(page), decision: 'allow' }, ada);
      if (location === undefined) throw new Error('no answer');
      const answer = oauth.validateAuthResponse(server, client, location, state);
      const asking = await oauth.authorizationCodeGrantRequest(
        server,
        client,
        auth,
        answer,
        redirect_uri,
        verifier,
        insecure,
      );
      const { access_token: token } = await oauth.processAuthorizationCodeResponse(server, client, asking);
      const introspect = async () => {
        const response = await oauth.introspectionRequest(server, client, auth, token, insecure);
        return oauth.processIntrospectionResponse(server, client, response);
      };
      expect(await introspect()).toMatchObject({ active: true, sub: ada.session.person.id, kind: 'person' });
      await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, auth, token, insecure));
      expect(await introspect()).toEqual({ active: false });
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
    'signs with %s when configured, for validators to accept',
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
