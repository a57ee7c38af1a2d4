import { createHash } from 'node:crypto';
import { CookieJar, walkSignIn } from '@countersign/people-provider';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { Browser, type Visited } from '../testing/browser.js';
import { type Forgery } from '../testing/forging-provider.js';
import { startPeopleWorld, type PeopleWorld } from '../testing/people-world.js';

describe('signing in', () => {
  let world: PeopleWorld;
  beforeAll(async () => {
    world = await startPeopleWorld({ RATE_LIMIT_SIGN_IN_PER_MINUTE: '0' }, 2);
  }, 120_000);
  afterAll(() => world.stop(), 60_000);

  const browser = () => new Browser(world.issuer.url);
  const person = async (subject: string) => {
    const { rows } = await world.issuer.database.query<Record<string, unknown>>(
      'select id, name, email, roles, provider from person where subject = $1',
      [subject],
    );
    return rows[0];
  };
  const sessionsOf = async (subject: string) => {
    const { rows } = await world.issuer.database.query<Record<string, unknown>>(
      'select s.* from session s join person p on p.id = s.person_id where p.subject = $1 order by s.created_at',
      [subject],
    );
    return rows;
  };
  const isSignedIn = async (visitor: Browser): Promise<boolean> =>
    (await visitor.get('/sign-in')).location?.pathname === '/account';

  describe('at a real provider', () => {
    it('starts a session and returns to where it was requested, with roles by the mapping', async () => {
      const visitor = browser();
      const answer = await world.signIn(visitor, 'olga', `return_to=${encodeURIComponent('/device?user_code=ABC')}`);
      expect([answer.status, answer.location?.href]).toEqual([303, `${world.issuer.url}/device?user_code=ABC`]);
      expect(await person('olga')).toEqual({
        id: expect.stringMatching(/^person:[0-9a-f-]{36}$/),
        name: 'Olga Brandt',
        email: 'olga@people.example',
        roles: ['employee', 'operator'],
        provider: 'people',
      });
      expect(answer.headers.getSetCookie().join()).toMatch(
        /countersign-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax/,
      );
      expect(await isSignedIn(visitor)).toBe(true);
      const [signedIn] = (await world.issuer.dataOf('person.signed_in')).slice(-1);
      expect(signedIn).toMatchObject({
        action: 'person:sign-in',
        outcome: 'allowed',
        changes: { provider: 'people', first: true, roles: { before: null, after: ['employee', 'operator'] } },
      });
    });

    it('may be finished at another replica than it was started at', async () => {
      const visitor = browser();
      const { location } = await visitor.get(`${world.issuer.urls[1] ?? ''}/sign-in/with/people`);
      const callback = await walkSignIn(location ?? '', { person: 'carol' });
      expect((await visitor.get(callback)).location?.pathname).toBe('/account');
    });

    it('gives the session a new secret at each sign-in, so that a planted one is useless', async () => {
      const visitor = browser();
      visitor.cookies.set('countersign-session', 'p'.repeat(43));
      await world.signIn(visitor, 'samir');
      const first = visitor.cookies.value('countersign-session') ?? '';
      expect(first).not.toBe('p'.repeat(43));
      await world.signIn(visitor, 'samir', 'force=1');
      const second = visitor.cookies.value('countersign-session') ?? '';
      expect(second).not.toBe(first);
      const old = browser();
      old.cookies.set('countersign-session', first);
      expect([await isSignedIn(old), await isSignedIn(visitor)]).toEqual([false, true]);
      // The session itself continued, with what was allowed in it.
      expect(await sessionsOf('samir')).toHaveLength(1);
    });

    it('ends the session of another person in the same browser', async () => {
      const visitor = browser();
      await world.signIn(visitor, 'samir');
      await world.signIn(visitor, 'carol');
      expect((await sessionsOf('samir')).at(-1)).toMatchObject({ ended_by: 'another-person' });
    });

    it('asks the provider again when forced, and not when somebody is signed in', async () => {
      const visitor = browser();
      const { location } = await visitor.get('/sign-in/with/people?force=1&login_hint=olga');
      expect(location?.searchParams.get('prompt')).toBe('login');
      expect(location?.searchParams.get('max_age')).toBe('0');
      expect(location?.searchParams.get('login_hint')).toBe('olga');
      expect(location?.searchParams.get('code_challenge_method')).toBe('S256');
      await world.signIn(visitor, 'olga');
      expect((await visitor.get('/sign-in?return_to=/account')).location?.href).toBe(`${world.issuer.url}/account`);
    });

    it('signs nobody in who cancels, and says so on a page', async () => {
      const visitor = browser();
      const { location } = await visitor.get('/sign-in/with/people');
      const answer = await visitor.get(await walkSignIn(location ?? '', { person: undefined }));
      expect(answer.status).toBe(403);
      expect(answer.text).toContain('You are not signed in');
      expect((await world.issuer.dataOf('person.sign_in_refused')).at(-1)).toMatchObject({
        resource: 'provider/people',
        reason: 'PROVIDER_DECLINED',
      });
    });

    it('does not admit a disabled person', async () => {
      const visitor = browser();
      await world.signIn(visitor, 'carol');
      await world.issuer.database.query(
        `update person set disabled_at = now(), disabled_by = 'operator' where subject = 'carol'`,
      );
      expect(await isSignedIn(visitor)).toBe(false);
      const again = await world.signIn(browser(), 'carol');
      expect([again.status, again.text.includes('has been disabled')]).toEqual([403, true]);
      expect(again.headers.getSetCookie()).toEqual([]);
      const { rows } = await world.issuer.database.query<{ id: string }>(
        `select id from person where subject = 'carol'`,
      );
      expect((await world.issuer.dataOf('person.sign_in_refused')).at(-1)).toMatchObject({
        reason: 'PERSON_DISABLED',
        changes: { person: rows[0]?.id },
      });
      await world.issuer.database.query(
        `update person set disabled_at = null, disabled_by = null where subject = 'carol'`,
      );
    });
  });

  it('lets a person choose where, and stays on this issuer afterwards', async () => {
    const page = await browser().get('/sign-in');
    expect(page.text).toContain('The provider people');
    expect(page.text).toContain('The provider forger');
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    for (const place of ['https://evil.example', '//evil.example', '/admin/clients', '/account/../x']) {
      const refused = await browser().get(`/sign-in?return_to=${encodeURIComponent(place)}`);
      expect([refused.status, refused.location]).toEqual([400, undefined]);
      expect(refused.text).not.toContain('evil');
    }
  });

  it('shows nothing that an application says about the person, and passes it on as text', async () => {
    const hints = { login_hint: `"><script>alert(1)</script>`, acr_values: `" onmouseover="alert(1)` };
    const page = await browser().get(`/sign-in?${new URLSearchParams(hints).toString()}`);
    expect([page.status, page.text.includes('<script'), page.text.includes('" onmouseover')]).toEqual([
      200,
      false,
      false,
    ]);
    const link = /href="([^"]*\/with\/forger[^"]*)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const { location } = await browser().get(link);
    expect(location?.origin).toBe(world.forger.url);
    expect(location?.searchParams.get('login_hint')).toBe(hints.login_hint);
  });

  it('says on a page that a provider is unavailable, and continues with the others', async () => {
    const answer = await browser().get('/sign-in/with/gone');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(answer.text).toContain('Your sign-in provider is not available');
    expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
    expect((await browser().get('/sign-in/with/people')).status).toBe(303);
    expect((await browser().get('/sign-in/with/nobody')).status).toBe(404);
  });

  describe('refuses', () => {
    const begin = async (visitor: Browser) => {
      const { location } = await visitor.get('/sign-in/with/forger');
      if (location === undefined) throw new Error('no redirect');
      return location;
    };
    const noSession = (answer: Visited) => {
      expect(answer.headers.getSetCookie().filter((line) => line.startsWith('countersign-session'))).toEqual([]);
    };
    afterEach(() => {
      world.forger.forge({});
    });

    it('an answer in a different browser from the one that asked for it (login CSRF)', async () => {
      const [attacker, victim] = [browser(), browser()];
      const answer = world.forger.answer(await begin(attacker));
      await begin(victim);
      const refused = await victim.get(answer);
      expect([refused.status, refused.text.includes('This sign-in has expired')]).toEqual([400, true]);
      noSession(refused);
      expect((await browser().get(answer)).status).toBe(400);
      expect(await world.issuer.dataOf('requests.refused')).toContainEqual(
        expect.objectContaining({ resource: 'route/GET /sign-in/callback/:provider', reason: 'SIGN_IN_UNKNOWN' }),
      );
      // The one who asked is not kept from finishing by that.
      expect((await attacker.get(answer)).status).toBe(303);
    });

    it('an answer that was used before', async () => {
      const visitor = browser();
      const answer = world.forger.answer(await begin(visitor));
      expect((await visitor.get(answer)).status).toBe(303);
      const again = await visitor.get(answer);
      expect(again.status).toBe(400);
      noSession(again);
    });

    it("an answer at another provider's callback, from another provider, or from one that does not identify itself (mix-up)", async () => {
      const visitor = browser();
      const mixed = world.forger.answer(await begin(visitor));
      mixed.pathname = '/sign-in/callback/people';
      expect((await visitor.get(mixed)).status).toBe(400);
      for (const iss of [world.people.url, '']) {
        const answer = world.forger.answer(await begin(visitor), { iss });
        if (iss === '') answer.searchParams.delete('iss');
        const asked = world.forger.tokenRequests.length;
        const refused = await visitor.get(answer);
        expect(refused.status).toBe(502);
        noSession(refused);
        // The code went nowhere.
        expect(world.forger.tokenRequests).toHaveLength(asked);
      }
    });

    it('an answer that is older than ten minutes', async () => {
      const visitor = browser();
      const answer = world.forger.answer(await begin(visitor));
      await world.issuer.database.query(`update sign_in set started_at = now() - interval '11 minutes'`);
      expect((await visitor.get(answer)).status).toBe(400);
    });

    const now = () => Math.floor(Date.now() / 1_000);
    it.each<[string, () => Forgery]>([
      ['another nonce', () => ({ claims: { nonce: 'n'.repeat(43) } })],
      ['no nonce', () => ({ claims: { nonce: undefined } })],
      ['another audience', () => ({ claims: { aud: 'someone-else' } })],
      ['another issuer', () => ({ claims: { iss: 'https://evil.example' } })],
      ['another key', () => ({ foreignKey: true })],
      ['no signature', () => ({ algorithm: 'none' })],
      ['a past end', () => ({ claims: { exp: now() - 600, iat: now() - 900 } })],
      ['no subject', () => ({ claims: { sub: undefined } })],
      ['no time of the sign-in', () => ({ claims: { auth_time: undefined } })],
      ['a sign-in of long ago', () => ({ claims: { auth_time: now() - 90_000 } })],
      ['a sign-in of the future', () => ({ claims: { auth_time: now() + 900 } })],
      ['userinfo of somebody else', () => ({ userinfo: { sub: 'somebody-else' } })],
      [
        'an answer without an ID token',
        () => ({ tokenAnswer: { status: 200, body: '{"access_token":"a","token_type":"Bearer"}' } }),
      ],
      ['an answer that is not JSON', () => ({ tokenAnswer: { status: 200, body: '<html>' } })],
      ['an endless answer', () => ({ tokenAnswer: { status: 200, body: `{"a":"${'x'.repeat(300_000)}"}` } })],
      ['a refusal of the code', () => ({ tokenAnswer: { status: 400, body: '{"error":"invalid_grant"}' } })],
    ])('an ID token with %s', async (_what, forgery) => {
      const visitor = browser();
      const answer = world.forger.answer(await begin(visitor));
      world.forger.forge(forgery());
      const refused = await visitor.get(answer);
      expect(refused.status).toBe(502);
      noSession(refused);
      expect(await isSignedIn(visitor)).toBe(false);
      expect((await world.issuer.dataOf('person.sign_in_refused')).at(-1)).toMatchObject({
        outcome: 'denied',
        reason: 'PROVIDER_ANSWER_INVALID',
      });
    });

    it('a sign-in that should be a new one and is not', async () => {
      const visitor = browser();
      const { location } = await visitor.get('/sign-in/with/forger?force=1');
      const answer = world.forger.answer(location ?? new URL(world.forger.url));
      world.forger.forge({ claims: { auth_time: now() - 3_600 } });
      expect((await visitor.get(answer)).status).toBe(502);
    });

    it('with 503 while the provider fails', async () => {
      const visitor = browser();
      const answer = world.forger.answer(await begin(visitor));
      world.forger.forge({ tokenAnswer: { status: 503, body: '{}' } });
      const refused = await visitor.get(answer);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    });
  });

  it('stores names on one line without invisible characters, only verified addresses, and roles only by the mapping', async () => {
    const visitor = browser();
    const { location } = await visitor.get('/sign-in/with/forger');
    world.forger.forge({
      claims: {
        name: ' Mal\u202elory\n<b> ',
        email: 'mallory@evil.example',
        email_verified: false,
        groups: ['admin', 'staff'],
      },
    });
    await visitor.get(world.forger.answer(location ?? new URL(world.forger.url)));
    world.forger.forge({});
    expect(await person('mallory')).toMatchObject({ name: 'Mallory <b>', email: null, roles: ['employee'] });
  });

  it('authenticates to a provider by a signed assertion, and proves that it asked for the code', async () => {
    const visitor = browser();
    const { location = new URL(world.forger.url) } = await visitor.get('/sign-in/with/forger');
    await visitor.get(world.forger.answer(location));
    const form = world.forger.tokenRequests.at(-1);
    const keys = createLocalJWKSet({ keys: [world.clientKey] });
    const { payload } = await jwtVerify(form?.get('client_assertion') ?? '', keys, { audience: world.forger.url });
    expect([payload.iss, payload.sub, form?.has('client_secret')]).toEqual(['countersign', 'countersign', false]);
    const challenge = createHash('sha256')
      .update(form?.get('code_verifier') ?? '')
      .digest('base64url');
    expect(location.searchParams.get('code_challenge')).toBe(challenge);
  });

  it('creates one person for concurrent first sign-ins', async () => {
    await Promise.all(Array.from({ length: 4 }, () => world.signIn(browser(), 'olga', '', new CookieJar())));
    const { rows } = await world.issuer.database.query(`select id from person where subject = 'olga'`);
    expect(rows).toHaveLength(1);
  });
});
