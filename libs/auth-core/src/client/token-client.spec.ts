import { decodeJwt, decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import { localSigner, signJwt } from '../jws/sign.js';
import { generateSigningKey, publicJwkOf, thumbprintOf, type PrivateJwk } from '../keys/jwk.js';
import { verifyDpopProof } from '../dpop/verify-dpop-proof.js';
import { authorizationHeaders } from './authorization-headers.js';
import { createTokenClient } from './token-client.js';
import { type TokenClientOptions } from './token-endpoint.js';
import { TokenRequestError } from './token-request.js';

const issuer = 'https://issuer.test';
const endpoint = `${issuer}/oauth2/token`;

interface Asked {
  readonly form: URLSearchParams;
  readonly headers: Headers;
}

describe('the token client', () => {
  let key: PrivateJwk;
  let now: number;
  let monotonic: number;
  let asked: Asked[];
  let answers: (() => Response | Promise<Response>)[];
  const pass = (ms: number): void => {
    now += ms;
    monotonic += ms;
  };
  const good = (more: object = {}): Response =>
    Response.json({
      access_token: `token-${String(asked.length)}`,
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'a',
      ...more,
    });
  const clientOf = (more: Partial<TokenClientOptions> = {}) =>
    createTokenClient({
      issuer,
      clientId: 'shop',
      key,
      now: () => now,
      monotonic: () => monotonic,
      wait: (ms) => {
        pass(ms);
        return Promise.resolve();
      },
      random: () => 0,
      fetch: async (_url, init) => {
        await Promise.resolve();
        const { body } = init ?? {};
        asked.push({
          form: new URLSearchParams(body instanceof URLSearchParams ? body : ''),
          headers: new Headers(init?.headers),
        });
        return (answers.shift() ?? good)();
      },
      ...more,
    });
  const requested = { audience: 'orders', scopes: ['a'] };
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  beforeAll(async () => {
    key = await generateSigningKey();
  });
  beforeEach(() => {
    now = 1_800_000_000_000;
    monotonic = 0;
    asked = [];
    answers = [];
  });

  it('authenticates by an assertion signed asynchronously by a service that holds the key', async () => {
    const { kid, alg, sign } = localSigner(key);
    await clientOf({ key: { kid, alg, sign: (input) => Promise.resolve(sign(input)) } }).getToken(requested);
    const assertion = asked[0]?.form.get('client_assertion') ?? '';
    const { payload, protectedHeader } = await jwtVerify(assertion, await importJWK({ ...publicJwkOf(key) }), {
      currentDate: new Date(now),
    });
    expect([payload.sub, payload.aud, protectedHeader.kid]).toEqual(['shop', issuer, key.kid]);
  });

  it('authenticates with a new assertion each time, signed by its key for the issuer', async () => {
    const client = clientOf();
    await client.getToken(requested);
    await client.getToken({ ...requested, scopes: ['b'] });
    const assertions = asked.map(({ form }) => form.get('client_assertion') ?? '');
    for (const assertion of assertions) {
      const { payload } = await jwtVerify(assertion, await importJWK(publicJwkOf(key), key.alg), {
        currentDate: new Date(now),
      });
      expect(payload).toMatchObject({ iss: 'shop', sub: 'shop', aud: issuer, exp: now / 1_000 + 30 });
    }
    expect(new Set(assertions.map((assertion) => decodeJwt(assertion).jti)).size).toBe(2);
  });

  it.each([0, -2, -0.5])(
    'treats a token with %p seconds to live as an error, and keeps nothing',
    async (expires_in) => {
      const client = clientOf();
      answers = [() => good({ expires_in })];
      const failed = { code: 'ANSWER_INVALID', message: 'the issuer sent a token that has already expired' };
      await expect(client.exchange({ ...requested, subjectToken: 'a.b.c' })).rejects.toMatchObject(failed);
      pass(500);
      expect((await client.exchange({ ...requested, subjectToken: 'a.b.c' })).token).toBe('token-2');
    },
  );

  it('asks once for many equal requests, whatever the order of their scopes', async () => {
    const client = clientOf();
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        client.getToken({ audience: 'orders', scopes: index % 2 === 0 ? ['a', 'b'] : ['b', 'a', 'b'] }),
      ),
    );
    expect(asked.length).toBe(1);
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(1);
    await client.getToken({ audience: 'other', scopes: ['a', 'b'] });
    expect(asked.length).toBe(2);
  });

  it('answers immediately and renews in the background when four fifths of the lifetime have passed', async () => {
    const client = clientOf();
    await client.getToken(requested);
    pass(239_000);
    await client.getToken(requested);
    expect(asked.length).toBe(1);
    pass(1_000);
    expect((await client.getToken(requested)).token).toBe('token-1');
    await settle();
    expect(asked.length).toBe(2);
    expect((await client.getToken(requested)).token).toBe('token-2');
  });

  it('asks earlier by chance, so that many processes do not ask at once', async () => {
    const client = clientOf({ random: () => 1 });
    await client.getToken(requested);
    pass(196_000);
    await client.getToken(requested);
    await settle();
    expect(asked.length).toBe(2);
  });

  it('keeps using its token while the issuer is unavailable, retries later, and stops when the token expires', async () => {
    const client = clientOf({ retries: 0 });
    await client.getToken(requested);
    const away = () => Promise.reject(new Error('away'));
    pass(250_000);
    answers = [away];
    expect((await client.getToken(requested)).token).toBe('token-1');
    await settle();
    await client.getToken(requested);
    await settle();
    expect(asked.length).toBe(2);
    pass(5_000);
    answers = [away];
    expect((await client.getToken(requested)).token).toBe('token-1');
    await settle();
    expect(asked.length).toBe(3);
    pass(44_000);
    answers = [away];
    await expect(client.getToken(requested)).rejects.toMatchObject({ code: 'NETWORK' });
    expect((await client.getToken(requested)).token).toBe('token-5');
  });

  it('retries after a temporary failure, and honours Retry-After', async () => {
    const client = clientOf();
    answers = [() => new Response('busy', { status: 503, headers: { 'retry-after': '1' } })];
    await client.getToken(requested);
    expect([monotonic, asked.length]).toEqual([1_000, 2]);
  });

  it.each([
    ['401', () => Response.json({ error: 'invalid_client' }, { status: 401 }), 'invalid_client', 500, 1],
    [
      '429 with Retry-After: 60',
      () => new Response('', { status: 429, headers: { 'retry-after': '60' } }),
      'HTTP_429',
      60_000,
      11_000,
    ],
  ])(
    'asks an issuer that answered %s once for fifty requests, then one more time',
    async (_what, no, code, pauseMs, earlierMs) => {
      const client = clientOf();
      answers = [no, no];
      const refused = async (audience: string): Promise<void> => {
        await expect(client.getToken({ ...requested, audience })).rejects.toMatchObject({ code });
      };
      for (let count = 0; count < 50; count += 1) await refused(`audience-${String(count % 5)}`);
      expect(asked.length).toBe(1);
      pass(pauseMs - earlierMs);
      await refused('orders');
      expect(asked.length).toBe(1);
      pass(earlierMs);
      await Promise.all(Array.from({ length: 50 }, (_, count) => refused(`audience-${String(count)}`)));
      expect(asked.length).toBe(2);
      pass(2 * pauseMs);
      const tokens = await Promise.all(
        [1, 2, 3].map((count) => client.getToken({ ...requested, audience: String(count) })),
      );
      expect([tokens.length, asked.length]).toEqual([3, 5]);
    },
  );

  it('pauses longer after each failure, and not at all after a success', async () => {
    const client = clientOf({ retries: 0 });
    const no = () => Response.json({ error: 'invalid_client' }, { status: 401 });
    const pauses: number[] = [];
    for (let failure = 0; failure < 8; failure += 1) {
      answers = [no];
      const before = asked.length;
      const begun = monotonic;
      while (asked.length === before) {
        await client.getToken(requested).catch(() => undefined);
        if (asked.length === before) pass(100);
      }
      pauses.push(monotonic - begun);
    }
    expect(pauses).toEqual([0, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    pass(15_000);
    await client.getToken(requested);
    answers = [no];
    await client.getToken({ ...requested, audience: 'other' }).catch(() => undefined);
    pass(500);
    expect((await client.getToken({ ...requested, audience: 'other' })).token).toBe('token-11');
  });

  it('retries an issuer that was unavailable for long within five seconds, whatever the jitter', async () => {
    const client = clientOf({ retries: 0, random: () => 1 });
    const away = () => Promise.reject(new Error('away'));
    for (let failure = 0; failure < 12; failure += 1) {
      answers = [away];
      await client.getToken(requested).catch(() => undefined);
      pass(5_000);
    }
    expect(asked.length).toBe(12);
    expect((await client.getToken(requested)).token).toBe('token-13');
  });

  it('does not ask an unavailable issuer more often for many concurrent requests', async () => {
    const client = clientOf({ retries: 0 });
    const away = () => Promise.reject(new Error('away'));
    answers = Array.from({ length: 20 }, () => away);
    const fail = (count: number) =>
      Promise.allSettled(
        Array.from({ length: count }, (_, at) => client.getToken({ ...requested, audience: String(at) })),
      );
    await fail(10);
    expect(asked.length).toBe(10);
    const outcomes = await fail(10);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(asked.length).toBe(11);
  });

  it('does not repeat a request that the issuer refuses, and still makes others', async () => {
    const client = clientOf();
    const no = () => Response.json({ error: 'invalid_scope', error_description: 'no' }, { status: 400 });
    answers = [no];
    for (let count = 0; count < 20; count += 1)
      await expect(client.getToken(requested)).rejects.toMatchObject({ code: 'invalid_scope', retryable: false });
    expect(asked.length).toBe(1);
    await client.getToken({ ...requested, audience: 'other' });
    expect(asked.length).toBe(2);
    pass(500);
    await client.getToken(requested);
    expect(asked.length).toBe(3);
  });

  it('renews in time even if the machine’s clock was set back or the machine slept', async () => {
    const client = clientOf();
    await client.getToken(requested);
    now -= 600_000;
    monotonic += 299_000;
    expect((await client.getToken(requested)).token).toBe('token-2');
    now += 299_000;
    expect((await client.getToken(requested)).token).toBe('token-3');
  });

  it('drops a refused token even if the machine’s clock was set back', async () => {
    const client = clientOf();
    const token = await client.getToken(requested);
    now -= 600_000;
    monotonic += 5_000;
    expect(client.forget(token)).toBe(true);
    expect((await client.getToken(requested)).token).toBe('token-2');
  });

  it('joins paths to an issuer that ends in a slash, and names the issuer unchanged', async () => {
    const urls: unknown[] = [];
    const slashed = createTokenClient({
      issuer: `${issuer}/`,
      clientId: 'shop',
      key,
      fetch: (url, init) => {
        urls.push(url);
        const form = new URLSearchParams(init?.body instanceof URLSearchParams ? init.body : '');
        urls.push(decodeJwt(form.get('client_assertion') ?? '').aud);
        return Promise.resolve(
          new Response(`\ufeff${JSON.stringify({ access_token: 'x', token_type: 'Bearer', expires_in: 60 })}`),
        );
      },
    });
    expect((await slashed.getToken(requested)).token).toBe('x');
    expect(urls).toEqual([endpoint, `${issuer}/`]);
  });

  it.each([
    ['no token', {}],
    ['an unknown type of token', { access_token: 'x', token_type: 'mac', expires_in: 1 }],
    ['no life', { access_token: 'x', token_type: 'Bearer' }],
    ['a token that is bound, unasked', { access_token: 'x', token_type: 'DPoP', expires_in: 60 }],
  ])('accepts no response with %s', async (_what, body) => {
    answers = [() => Response.json(body)];
    await expect(clientOf().getToken(requested)).rejects.toBeInstanceOf(TokenRequestError);
  });

  it('keeps exchanged tokens per subject token and never uses one beyond it', async () => {
    const client = clientOf();
    const subject = (sub: string) => signJwt({ typ: 'at+jwt' }, { sub, exp: now / 1_000 + 60 }, key);
    const [ada, bob] = [subject('ada'), subject('bob')];
    await client.exchange({ ...requested, subjectToken: ada });
    await client.exchange({ ...requested, subjectToken: ada });
    await client.exchange({ ...requested, subjectToken: bob });
    expect(asked.map(({ form }) => form.get('subject_token'))).toEqual([ada, bob]);
    pass(59_000);
    await client.exchange({ ...requested, subjectToken: ada });
    expect(asked.length).toBe(3);
  });

  it('states what is exchanged: an access token by default', async () => {
    const client = clientOf();
    await client.exchange({ ...requested, subjectToken: 'a.b.c' });
    await client.exchange({ ...requested, subjectToken: 'a.b.c', subjectTokenType: 'id_token' });
    expect(asked.map(({ form }) => form.get('subject_token_type'))).toEqual([
      'urn:ietf:params:oauth:token-type:access_token',
      'urn:ietf:params:oauth:token-type:id_token',
    ]);
  });

  it('keeps at most its maximum of tokens', async () => {
    const client = clientOf({ cacheSize: 2 });
    for (const audience of ['one', 'two', 'three', 'one']) await client.getToken({ audience, scopes: [] });
    expect(asked.length).toBe(4);
    await client.getToken({ audience: 'three', scopes: [] });
    expect(asked.length).toBe(4);
  });

  it('requests bound tokens with a proof, adopts the issuer’s nonce, and sends them with a proof', async () => {
    const dpopKey = await generateSigningKey();
    const client = clientOf({ dpopKey });
    answers = [
      () => Response.json({ error: 'use_dpop_nonce' }, { status: 400, headers: { 'dpop-nonce': 'n1' } }),
      () => good({ token_type: 'DPoP' }),
    ];
    const token = await client.getToken(requested);
    const [first, second] = asked.map(({ headers }) => headers.get('dpop') ?? '');
    expect([decodeJwt(first ?? '')['nonce'], decodeJwt(second ?? '')['nonce']]).toEqual([undefined, 'n1']);
    const at = { method: 'POST', url: endpoint, now: now / 1_000 };
    expect(verifyDpopProof(second ?? '', at).thumbprint).toBe(thumbprintOf(dpopKey));
    const request = { method: 'GET', url: 'https://orders.test/orders/7' };
    const headers = authorizationHeaders(token, { ...request, dpopKey, now: () => now });
    expect(headers['authorization']).toBe(`DPoP ${token.token}`);
    expect(decodeProtectedHeader(headers['dpop'] ?? '').typ).toBe('dpop+jwt');
    verifyDpopProof(headers['dpop'] ?? '', { ...request, accessToken: token.token, now: now / 1_000 });
    expect(() => authorizationHeaders(token, request)).toThrow(TypeError);
    answers = [() => good()];
    await expect(clientOf({ dpopKey }).getToken(requested)).rejects.toMatchObject({ code: 'ANSWER_INVALID' });
  });
});
