import { signJwt } from '../jws/sign.js';
import { KeyServer } from '../testing/key-server.js';
import { createVerifier, type TokenVerifier } from '../token-verifier.js';
import { type KeysReport, type VerifierOptions } from '../verifier-options.js';
import { metadataUrls } from './discovery.js';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from './jwk.js';

describe('an issuer’s metadata', () => {
  it.each([
    [
      'https://op.test',
      ['https://op.test/.well-known/openid-configuration', 'https://op.test/.well-known/oauth-authorization-server'],
    ],
    [
      'https://op.test/',
      ['https://op.test/.well-known/openid-configuration', 'https://op.test/.well-known/oauth-authorization-server'],
    ],
    [
      'https://op.test:8443/realms/acme',
      [
        'https://op.test:8443/realms/acme/.well-known/openid-configuration',
        'https://op.test:8443/.well-known/oauth-authorization-server/realms/acme',
        'https://op.test:8443/.well-known/openid-configuration/realms/acme',
        'https://op.test:8443/realms/acme/.well-known/oauth-authorization-server',
      ],
    ],
    [
      'https://op.test/tenant/',
      [
        'https://op.test/tenant/.well-known/openid-configuration',
        'https://op.test/.well-known/oauth-authorization-server/tenant',
        'https://op.test/.well-known/openid-configuration/tenant',
        'https://op.test/tenant/.well-known/oauth-authorization-server',
      ],
    ],
  ])('of %s is looked up in both forms', (issuer, urls) => {
    expect(metadataUrls(issuer)).toEqual(urls);
  });

  it.each(['acme', 'urn:acme', 'https://op.test?x', 'https://op.test#x', 'https://me:pw@op.test', 'ftp://op.test', ''])(
    'of %j does not exist: pass jwksUrl',
    (issuer) => {
      expect(() => metadataUrls(issuer)).toThrow(TypeError);
    },
  );
});

describe('a verifier that knows only its issuer', () => {
  let server: KeyServer;
  let key: PrivateJwk;
  let reports: KeysReport[];
  const open: TokenVerifier[] = [];
  const now = 1_800_000_000;
  beforeAll(async () => {
    key = await generateSigningKey();
    server = await KeyServer.start();
  });
  beforeEach(() => {
    reports = [];
  });
  afterEach(() => {
    for (const verifier of open.splice(0)) verifier.close();
    server.asked.splice(0);
  });
  afterAll(() => server.close());

  const knowing = async (issuer: string, options: Partial<VerifierOptions> = {}): Promise<TokenVerifier> => {
    const verifier = await createVerifier({
      issuer,
      audience: 'orders',
      profile: 'rfc9068',
      fetch: server.fetch,
      now: () => now * 1_000,
      onKeys: (report) => {
        reports.push(report);
      },
      ...options,
    });
    open.push(verifier);
    return verifier;
  };
  const tokenOf = (iss: string): string => {
    const claims = { iss, aud: 'orders', sub: 'ada', client_id: 'web', jti: '1', iat: now, exp: now + 60 };
    return signJwt({ typ: 'at+jwt', kid: key.kid }, claims, key);
  };
  /** Metadata at one address only. */
  const describedAt = (url: string, metadata: object, keysAt: string): void => {
    server.answer(url, metadata);
    server.answer(keysAt, { keys: [publicJwkOf(key)] });
  };

  it.each([
    ['https://a.test', 'https://a.test/.well-known/openid-configuration'],
    ['https://b.test/', 'https://b.test/.well-known/openid-configuration'],
    ['https://c.test', 'https://c.test/.well-known/oauth-authorization-server'],
    ['https://d.test/realms/acme', 'https://d.test/realms/acme/.well-known/openid-configuration'],
    ['https://e.test/acme', 'https://e.test/.well-known/oauth-authorization-server/acme'],
    ['https://f.test/acme/', 'https://f.test/.well-known/openid-configuration/acme'],
    ['https://g.test/acme', 'https://g.test/acme/.well-known/oauth-authorization-server'],
  ])('finds the keys of %s by %s', async (issuer, url) => {
    describedAt(url, { issuer, jwks_uri: 'https://keys.test/set' }, 'https://keys.test/set');
    const verifier = await knowing(issuer);
    expect(verifier.verify(tokenOf(issuer))).toMatchObject({ subject: 'ada', issuer });
    expect(server.asked.slice(-2)).toEqual([url, 'https://keys.test/set']);
    expect(reports).toEqual([]);
  });

  it('reports immediately that the metadata belongs to another issuer, even if one character differs', async () => {
    const url = 'https://h.test/.well-known/openid-configuration';
    describedAt(url, { issuer: 'https://h.test/', jwks_uri: 'https://h.test/keys' }, 'https://h.test/keys');
    const verifier = await knowing('https://h.test');
    expect(verifier.keysLoaded).toBe(false);
    expect(reports).toMatchObject([{ issuer: 'https://h.test', ok: false }]);
    expect(reports[0]?.message).toContain(`${url} is for the issuer "https://h.test/", not "https://h.test"`);
    expect(verifier.lastKeyError).toContain('is for the issuer');
    expect(() => verifier.verify(tokenOf('https://h.test'))).toThrow('keys are not available');
  });

  it('reports once and immediately that the issuer is unavailable, with the cause, and when it is back', async () => {
    let away = true;
    const cause = Object.assign(new Error('getaddrinfo ENOTFOUND keycloak.internal'), { code: 'ENOTFOUND' });
    const fetch: typeof globalThis.fetch = (url, init) =>
      away ? Promise.reject(new TypeError('fetch failed', { cause })) : server.fetch(url, init);
    server.publish('https://keycloak.internal', [publicJwkOf(key)]);
    const verifier = await knowing('https://keycloak.internal', { fetch });
    await verifier.loadKeys();
    const message =
      'the keys of https://keycloak.internal cannot be loaded: fetch failed: getaddrinfo ENOTFOUND keycloak.internal';
    expect(reports).toEqual([{ issuer: 'https://keycloak.internal', ok: false, message }]);
    away = false;
    await verifier.loadKeys();
    expect(reports.slice(1)).toMatchObject([{ ok: true }]);
    expect(verifier.lastKeyError).toBe('');
    expect(verifier.verify(tokenOf('https://keycloak.internal')).subject).toBe('ada');
  });

  it('names the error of a real lookup and of a closed port', async () => {
    await knowing('https://no-such-host.invalid', { fetch: globalThis.fetch });
    const gone = await KeyServer.start();
    const { origin } = gone;
    await gone.close();
    await knowing(origin, { fetch: globalThis.fetch });
    expect(reports.map(({ message }) => /E[A-Z_]{5,}/.exec(message)?.[0])).toEqual([
      expect.stringMatching(/^E(NOTFOUND|AI_AGAIN)$/),
      'ECONNREFUSED',
    ]);
  });

  it.each([
    ['plain http elsewhere', 'http://keys.test/set'],
    ['the machine itself', 'https://localhost/set'],
    ['this machine by address', 'http://127.0.0.1:9/set'],
    ['the credentials of a cloud', 'https://169.254.169.254/latest'],
    ['a private network', 'https://10.0.0.7/set'],
    ['another private network', 'https://172.20.1.1/set'],
    ['a private network of IPv6', 'https://[fd00::1]/set'],
    ['another scheme', 'file:///etc/passwd'],
    ['credentials in the URL', 'https://me:pw@keys.test/set'],
    ['no address', 7],
  ])('fetches no keys from where metadata must not point: %s', async (_what, jwksUri) => {
    const issuer = 'https://i.test';
    const url = `${issuer}/.well-known/openid-configuration`;
    server.answer(url, { issuer, jwks_uri: jwksUri });
    const verifier = await knowing(issuer);
    expect(verifier.keysLoaded).toBe(false);
    expect(server.asked.filter((asked) => !asked.includes('/.well-known/'))).toEqual([]);
    expect(reports[0]?.message).toContain('cannot be used');
  });

  it('calls a plain http issuer beyond this machine only if allowed to', async () => {
    const issuer = 'http://op.internal';
    await expect(knowing(issuer)).rejects.toThrow('plain http to another machine');
    server.publish(issuer, [publicJwkOf(key)]);
    const verifier = await knowing(issuer, { allowPlainHttp: true });
    expect(verifier.verify(tokenOf(issuer)).subject).toBe('ada');
    const loopback = await knowing(server.origin, { fetch: globalThis.fetch });
    expect(loopback.keysLoaded).toBe(false);
  });

  it('rediscovers the keys when they have moved', async () => {
    const issuer = 'https://moved.test';
    const url = `${issuer}/.well-known/openid-configuration`;
    describedAt(url, { issuer, jwks_uri: `${issuer}/old` }, `${issuer}/old`);
    const verifier = await knowing(issuer);
    describedAt(url, { issuer, jwks_uri: `${issuer}/new` }, `${issuer}/new`);
    server.answer(`${issuer}/old`, undefined);
    await verifier.loadKeys();
    expect(verifier.lastKeyError).toBe(`${issuer}/old answered 404`);
    await verifier.loadKeys();
    expect(verifier.lastKeyError).toBe('');
    expect(server.asked.at(-1)).toBe(`${issuer}/new`);
  });
});
