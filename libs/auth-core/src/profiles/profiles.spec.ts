import { createLocalJWKSet, importJWK, jwtVerify, SignJWT } from 'jose';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from '../keys/jwk.js';
import { createHash, createHmac } from 'node:crypto';
import { type JsonObject } from '../json-object.js';
import { MemoryRevocationList } from '../revocation-list.js';
import { TokenError } from '../token-error.js';
import { KeyServer } from '../testing/key-server.js';
import { tokenShapes, tokenTraps, type TokenShape } from '../testing/token-shapes.js';
import { createVerifier, type TokenVerifier } from '../token-verifier.js';
import { type Principal } from '../principal.js';
import { knownProfiles, type ProfileName } from './known-profiles.js';
import { type TokenProfile } from './token-profile.js';

type Profile = ProfileName | TokenProfile | undefined;

const now = 1_800_000_000;
const isProfileName = (name: string): name is ProfileName => name in knownProfiles;

const shapes = tokenShapes(now);
const shapeOf = (name: string): TokenShape => {
  const shape = shapes.get(name);
  if (shape === undefined) throw new Error(`no shape ${name}`);
  return shape;
};

const keycloakService = 'Keycloak 26 access token (client_credentials, default client)';
const keycloakUser = 'Keycloak user token with audience mapper';
const auth0User = 'Auth0 default profile, user';
const auth0Rbac = 'Auth0 RFC 9068 profile, M2M with RBAC permissions, no scope';
const okta = 'Okta custom authorization server';
const entraUser = 'Entra v2, delegated';
const entraApp = 'Entra v2, app-only';
const cognito = 'Cognito access token';
const google = 'Google ID token';
const kubernetes = 'Kubernetes projected service-account token';
const github = 'GitHub Actions OIDC token';
const zitadel = 'Zitadel JWT access token';
const spring = 'Spring Authorization Server (default)';
const mtls = 'RFC 9068 token with x5t#S256 (mTLS, RFC 8705)';

/** Which profile accepts which token, and the resulting principal. */
const accepted: readonly (readonly [string, ProfileName, Partial<Principal>, readonly string[]])[] = [
  [
    keycloakService,
    'keycloak',
    {
      kind: 'service',
      clientId: 'shop',
      tokenId: 'trrtcc:1',
      roles: ['offline_access', 'uma_authorization', 'view-profile'],
    },
    ['email', 'profile', 'orders:read'],
  ],
  [
    keycloakUser,
    'keycloak',
    { kind: 'person', clientId: 'web', subject: 'f1c4f64e', roles: ['operator'] },
    ['openid', 'orders:read'],
  ],
  [
    auth0User,
    'auth0',
    { kind: 'person', clientId: 'my_client_id', subject: 'auth0|123456' },
    ['openid', 'profile', 'orders:read'],
  ],
  ['Auth0 default profile, M2M', 'auth0', { kind: 'service', clientId: 'my_client_id' }, ['orders:read']],
  ['Auth0 RFC 9068 profile, user', 'auth0', { tokenId: '73Wak' }, ['openid', 'profile', 'orders:read']],
  [
    'Auth0 RFC 9068 profile, user',
    'rfc9068',
    { kind: 'person', audience: 'https://orders.example' },
    ['openid', 'profile', 'orders:read'],
  ],
  ['Auth0 RFC 9068 profile, M2M', 'rfc9068', { clientId: 'my_client_id' }, ['orders:read']],
  [auth0Rbac, 'rfc9068', { clientId: 'my_client_id' }, []],
  [auth0Rbac, 'auth0', { clientId: 'my_client_id' }, ['orders:read']],
  [
    okta,
    'okta',
    { kind: 'person', clientId: '0oab', subject: 'ada@acme.com', authTime: 1_795_707_851 },
    ['openid', 'orders:read'],
  ],
  [entraUser, 'entra', { kind: 'person', clientId: '72f988bf', tokenId: 'fqiBqXLPj0' }, ['orders.read']],
  [entraApp, 'entra', { kind: 'service', subject: '690222be', roles: ['Orders.Read.All'] }, ['Orders.Read.All']],
  [cognito, 'cognito', { kind: 'person', clientId: 'xxxxxxxxxxxxexample', roles: ['admin'] }, ['orders/read']],
  [kubernetes, 'kubernetes', { kind: 'service', clientId: 'system:serviceaccount:shop:cart' }, []],
  [github, 'github-actions', { clientId: 'acme/app', subject: 'repo:acme/app:ref:refs/heads/main' }, []],
  [zitadel, 'zitadel', { clientId: '69234237810729234@acme', roles: [] }, []],
  ['oidc-provider (panva) JWT access token, client_credentials', 'rfc9068', { clientId: 'shop' }, ['orders:read']],
  ['oidc-provider JWT access token, no scope granted', 'rfc9068', { clientId: 'shop' }, []],
  [spring, 'spring', { clientId: 'shop', subject: 'shop' }, ['orders:read']],
  [google, 'google-sign-in', { subject: '114567890123456789012', kind: 'person' }, []],
];

describe('profiles of other issuers’ tokens', () => {
  let key: PrivateJwk;
  let stranger: PrivateJwk;
  let server: KeyServer;
  const open: TokenVerifier[] = [];

  beforeAll(async () => {
    server = await KeyServer.start();
    key = await generateSigningKey('RS256');
    stranger = { ...(await generateSigningKey('RS256')), kid: key.kid };
  });
  afterEach(() => {
    for (const verifier of open.splice(0)) verifier.close();
  });
  afterAll(() => server.close());

  const jwks = ({ namesAlg }: TokenShape) => {
    const { alg, ...unnamed } = publicJwkOf(key);
    return { keys: [namesAlg ? { ...unnamed, alg } : unnamed] };
  };
  async function verifierOf(shape: TokenShape, profile: Profile, revocations = new MemoryRevocationList()) {
    const { issuer, audience } = shape;
    server.publish(issuer, jwks(shape).keys);
    const { fetch } = server;
    const verifier = await createVerifier({ issuer, audience, profile, revocations, fetch, now: () => now * 1_000 });
    open.push(verifier);
    return verifier;
  }
  const mint = async (shape: TokenShape, signer = key): Promise<string> => {
    const claims = Object.fromEntries(Object.entries(shape.claims).filter(([, value]) => value !== undefined));
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: key.kid, ...shape.header })
      .sign(await importJWK({ ...signer }, 'RS256'));
  };
  const renamed = (token: string, change: JsonObject): string => {
    const [header = '', ...rest] = token.split('.');
    const members: unknown = JSON.parse(Buffer.from(header, 'base64url').toString());
    const changed = { ...(typeof members === 'object' ? members : {}), ...change };
    return [Buffer.from(JSON.stringify(changed)).toString('base64url'), ...rest].join('.');
  };
  /** The public key as a secret: the oldest trick. */
  const symmetric = (token: string): string => {
    const input = renamed(token, { alg: 'HS256' }).split('.').slice(0, 2).join('.');
    return `${input}.${createHmac('sha256', JSON.stringify(publicJwkOf(key)))
      .update(input)
      .digest('base64url')}`;
  };
  const outcome = (verifier: TokenVerifier, token: string): string => {
    try {
      verifier.verify(token);
      return 'ACCEPTED';
    } catch (error) {
      if (error instanceof TokenError) return error.code;
      throw error;
    }
  };
  const changed = (shape: TokenShape, claims: JsonObject): TokenShape => ({
    ...shape,
    claims: { ...shape.claims, ...claims },
  });

  it.each(accepted)(
    '%s is accepted by %s, first seen and repeated, and by jose',
    async (name, profile, principal, scopes) => {
      const shape = shapeOf(name);
      const verifier = await verifierOf(shape, profile);
      const token = await mint(shape);
      for (let look = 0; look < 2; look += 1) {
        const made = verifier.verify(token);
        expect(made).toMatchObject({ issuer: shape.issuer, audience: shape.audience, ...principal });
        expect([...made.scopes]).toEqual(scopes);
      }
      const { issuer, audience, claims } = shape;
      const wanted = {
        issuer,
        currentDate: new Date(now * 1_000),
        ...(claims['aud'] === undefined ? {} : { audience }),
      };
      await jwtVerify(token, createLocalJWKSet(jwks(shape)), wanted);
    },
  );

  it.each(accepted)(
    '%s by %s is refused from another issuer, for another audience, expired, forged and unsigned',
    async (name, profile) => {
      const shape = shapeOf(name);
      const verifier = await verifierOf(shape, profile);
      const token = await mint(shape);
      const elsewhere = { aud: ['others', `${shape.audience}x`, shape.audience.slice(1)], scope: 'others/read' };
      const twins: readonly (readonly [string, string])[] = [
        ['ISSUER_MISMATCH', await mint(changed(shape, { iss: `${shape.issuer}/` }))],
        ['AUDIENCE_MISMATCH', await mint(changed(shape, elsewhere))],
        ['TOKEN_EXPIRED', await mint(changed(shape, { exp: now - 6 }))],
        ['TOKEN_NOT_YET_VALID', await mint(changed(shape, { nbf: now + 6 }))],
        ['TOKEN_NOT_YET_VALID', await mint(changed(shape, { iat: now + 6 }))],
        ['CLAIM_MISSING', await mint(changed(shape, { exp: undefined }))],
        ['SIGNATURE_INVALID', await mint(shape, stranger)],
        ['SIGNATURE_INVALID', token.slice(0, token.lastIndexOf('.') + 1)],
        [
          'ALG_NOT_ALLOWED',
          `${Buffer.from(JSON.stringify({ ...shape.header, alg: 'none' })).toString('base64url')}.${token.split('.')[1] ?? ''}.`,
        ],
        ['ALG_NOT_ALLOWED', symmetric(token)],
        ['KEY_MISMATCH', renamed(token, { alg: shape.namesAlg ? 'PS256' : 'ES256' })],
        ['TYP_NOT_ALLOWED', await mint({ ...shape, header: { ...shape.header, typ: 'logout+jwt' } })],
        ['CLAIM_INVALID', await mint(changed(shape, { cnf: { 'x5t#S256': 'x' } }))],
      ];
      for (const [code, twin] of twins) expect([code, outcome(verifier, twin)]).toEqual([code, code]);
      expect(outcome(verifier, token)).toBe('ACCEPTED');
    },
  );

  it.each(tokenTraps().map((trap) => [trap.profile, trap.what, trap.shape, trap] as const))(
    '%s refuses %s (%s)',
    async (profile, _what, name, { header, claims, code }) => {
      if (!isProfileName(profile)) throw new Error(`no profile ${profile}`);
      const shape = changed(shapeOf(name), claims);
      const verifier = await verifierOf(shapeOf(name), profile);
      const trap = { ...shape, header: { ...shape.header, ...header } };
      expect(outcome(verifier, await mint(trap))).toBe(code);
    },
  );

  it('each have their own traps', () => {
    const trapped = new Set(tokenTraps().map(({ profile }) => profile));
    expect([...trapped].sort()).toEqual(Object.keys(knownProfiles).sort());
  });

  it('are opt-in: our own tokens have one audience, a scope, and typ at+jwt', async () => {
    const taken: string[] = [];
    for (const [name, shape] of shapes) {
      const verifier = await verifierOf(shape, undefined);
      if (outcome(verifier, await mint(shape)) === 'ACCEPTED') taken.push(name);
    }
    expect(taken).toEqual([
      'Auth0 RFC 9068 profile, M2M',
      'oidc-provider (panva) JWT access token, client_credentials',
    ]);
  });

  it('report what differed', async () => {
    const shape = shapeOf(keycloakUser);
    const verifier = await verifierOf({ ...shape, audience: 'payments' }, 'keycloak');
    const token = await mint(shape);
    expect(() => verifier.verify(token)).toThrow(
      expect.objectContaining({ code: 'AUDIENCE_MISMATCH', expected: 'payments', actual: 'orders account' }),
    );
    const auth0 = shapeOf('Auth0 RFC 9068 profile, user');
    const own = await verifierOf(auth0, undefined);
    const listed = await mint(auth0);
    expect(() => own.verify(listed)).toThrow(
      expect.objectContaining({ code: 'CLAIM_INVALID', detail: 'aud', actual: 'a list' }),
    );
    const id = await mint(changed(shape, { typ: 'ID', aud: 'payments' }));
    expect(() => verifier.verify(id)).toThrow(expect.objectContaining({ code: 'TYP_NOT_ALLOWED', detail: 'typ' }));
  });

  it('identify a token without id by its fingerprint, by which it can be revoked', async () => {
    const shape = shapeOf(auth0User);
    const revocations = new MemoryRevocationList();
    const verifier = await verifierOf(shape, 'auth0', revocations);
    const [one, other] = [await mint(shape), await mint(changed(shape, { sub: 'auth0|7' }))];
    const { tokenId } = verifier.verify(one);
    expect(tokenId).toMatch(/^[\w-]{43}$/);
    expect(verifier.verify(other).tokenId).not.toBe(tokenId);
    revocations.add({ kind: 'token', tokenId, until: now + 3_600 });
    expect([outcome(verifier, one), outcome(verifier, other)]).toEqual(['TOKEN_REVOKED', 'ACCEPTED']);
  });

  it('accept a token that is bound to a certificate together with that certificate', async () => {
    const shape = shapeOf(mtls);
    const certificate = Buffer.from('a certificate in DER');
    const cnf = { 'x5t#S256': createHash('sha256').update(certificate).digest('base64url') };
    const verifier = await verifierOf(shape, 'rfc9068');
    const token = await mint(changed(shape, { cnf }));
    await expect(verifier.verifyWithCertificate(token, certificate)).resolves.toMatchObject({ clientId: 'shop' });
    for (const other of [Buffer.from('another'), undefined])
      await expect(verifier.verifyWithCertificate(token, other)).rejects.toThrow('does not have');
    expect(outcome(verifier, token)).toBe('CERTIFICATE_MISMATCH');
  });

  it('leave it to a custom check which client of the realm may call', async () => {
    const shape = shapeOf(keycloakUser);
    server.publish(shape.issuer, jwks(shape).keys);
    const { issuer, audience } = shape;
    const checks = [({ azp }: JsonObject) => (azp === 'web' ? undefined : 'azp')];
    const options = { issuer, audience, profile: 'keycloak', fetch: server.fetch, checks } as const;
    const verifier = await createVerifier({ ...options, now: () => now * 1_000 });
    open.push(verifier);
    expect(outcome(verifier, await mint(shape))).toBe('ACCEPTED');
    expect(outcome(verifier, await mint(changed(shape, { azp: 'other' })))).toBe('CLAIM_INVALID');
  });

  it('accept service accounts of Google, and times with fractions', async () => {
    const claims = { email: 'orders@acme.iam.gserviceaccount.com', email_verified: true, at_hash: undefined };
    const shape = changed(shapeOf(google), { ...claims, iat: now - 0.5, exp: now + 10.5 });
    const verifier = await verifierOf(shape, 'google');
    expect(verifier.verify(await mint(shape))).toMatchObject({
      subject: '114567890123456789012',
      expiresAt: now + 10.5,
    });
    expect(outcome(verifier, await mint(changed(shape, { email_verified: false })))).toBe('TYP_NOT_ALLOWED');
  });

  it('count the roles of the Zitadel project that this service is, and none that the caller’s own project gave', async () => {
    const shape = shapeOf(zitadel);
    const roles = { 'urn:zitadel:iam:org:project:69234237810729019:roles': { reader: { 1: 'acme' } } };
    const others = {
      'urn:zitadel:iam:org:project:roles': { admin: { 1: 'eve' } },
      'urn:zitadel:iam:org:project:6923423781072:roles': { admin: { 1: 'eve' } },
    };
    const verifier = await verifierOf(shape, 'zitadel');
    expect(verifier.verify(await mint(changed(shape, { ...others, ...roles }))).roles).toEqual(['reader']);
    expect(verifier.verify(await mint(changed(shape, others))).roles).toEqual([]);
  });

  it('can be custom', async () => {
    const profile: TokenProfile = {
      name: 'acme',
      types: ['acme-access+jwt'],
      client: ['app'],
      scopes: ({ rights }) => rights,
      notAccessToken: ({ kind }) => (kind === 'access' ? undefined : 'kind'),
    };
    const claims = {
      iss: 'https://acme.test',
      aud: ['a', 'orders'],
      sub: 'ada',
      app: 'web',
      rights: ['r', 'w'],
      kind: 'access',
      iat: now,
      exp: now + 60,
    };
    const shape = {
      issuer: 'https://acme.test',
      audience: 'orders',
      header: { typ: 'Acme-Access+JWT' },
      namesAlg: true,
      claims,
    };
    const verifier = await verifierOf(shape, profile);
    const made = verifier.verify(await mint(shape));
    expect([made.clientId, [...made.scopes]]).toEqual(['web', ['r', 'w']]);
    expect(outcome(verifier, await mint(changed(shape, { kind: 'id' })))).toBe('TYP_NOT_ALLOWED');
    for (const [code, change] of [
      ['CLAIM_INVALID', { rights: [1] }],
      ['CLAIM_INVALID', { rights: ['x'.repeat(10), ''] }],
      ['CLAIM_INVALID', { aud: ['orders', 7] }],
      ['CLAIM_INVALID', { aud: Array.from({ length: 300 }, () => 'orders') }],
      ['CLAIM_INVALID', { app: ['web', 'other'] }],
      ['CLAIM_INVALID', { exp: '1' }],
      ['CLAIM_MISSING', { app: undefined }],
      ['CLAIM_MISSING', { sub: undefined }],
    ] as const)
      expect([code, outcome(verifier, await mint(changed(shape, change)))]).toEqual([code, code]);
  });
});
