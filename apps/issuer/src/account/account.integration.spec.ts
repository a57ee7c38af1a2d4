import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { CookieJar, walkSignIn, walkSignOut } from '@countersign/people-provider';
import { jwtSigner } from '@countersign/auth-core';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, byItself, DATABASE, unattended, type Database } from '@countersign/service-host';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { Consents } from '../consent/consents.service.js';
import { Delegations } from '../delegations/delegations.service.js';
import { DelegationUses } from '../delegations/delegation-uses.service.js';
import { type Delegation } from '../delegations/delegation.js';
import { events } from '../events.js';
import { LOGOUT_EVENT } from '../logout-notices/logout-notice.js';
import { Replica } from '../registry/replica.service.js';
import { RemoteKeys } from '../registry/remote-keys.service.js';
import { sessionIdSchema } from '../sessions/session.js';
import { SessionEnds } from '../sessions/session-ends.service.js';
import { delegationBegun } from '../testing/begun.js';
import { Browser, fieldsOf } from '../testing/browser.js';
import { leadsOnTo } from '../testing/leads-on-to.js';
import { startLogoutReceiver, type LogoutReceiver } from '../testing/logout-receiver.js';
import { startPeopleWorld, type PeopleWorld, type RealProvider } from '../testing/people-world.js';

describe('an account', () => {
  let world: PeopleWorld;
  let receiver: LogoutReceiver;
  const browser = () => new Browser(world.issuer.url);

  beforeAll(async () => {
    world = await startPeopleWorld({ BACKCHANNEL_LOGOUT_TARGETS: 'any', RATE_LIMIT_SIGN_IN_PER_MINUTE: '0' }, 2);
    receiver = await startLogoutReceiver();
    const application = (id: string, further: object) => ({
      client_id: id,
      client_name: `The ${id}`,
      publisher: 'Example Ltd',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [`https://${id}.example/callback`],
      policy: { people: { issuer: ['openid', 'offline_access'], payments: ['payments:create'] } },
      ...further,
    });
    const planner = {
      post_logout_redirect_uris: ['https://planner.example/bye'],
      backchannel_logout_uri: receiver.url,
    };
    for (const one of [application('planner', planner), application('store', {})]) {
      const { status, body } = await world.issuer.admin('POST', '/admin/clients', one);
      if (status !== 201) throw new Error(JSON.stringify(body));
    }
  }, 120_000);
  afterAll(async () => {
    await world.stop();
    await receiver.close();
  }, 60_000);

  const rows = async (sql: string, ...values: unknown[]) =>
    (await world.issuer.database.query<Record<string, unknown>>(sql, values)).rows;
  /** Somebody who has just signed in. */
  const visit = async (person: string, at: RealProvider = 'people') => {
    const [visitor, provider] = [browser(), new CookieJar()];
    await world.signIn(visitor, person, '', provider, at);
    const [session] = await rows(
      `select s.id, s.person_id, s.provider_session from session s join person p on p.id = s.person_id where p.subject = $1 order by s.created_at desc, s.id desc limit 1`,
      person,
    );
    return {
      visitor,
      provider,
      sessionId: String(session?.['id']),
      personId: String(session?.['person_id']),
      sid: String(session?.['provider_session']),
    };
  };
  const allow = (
    { sessionId, personId }: { sessionId: string; personId: string },
    clientId = 'planner',
    scopes = ['openid', 'payments:create'],
  ): Promise<Delegation> => {
    const now = new Date();
    const delegations = world.issuer.app.get(Delegations);
    const proof = {
      authTime: now,
      acr: undefined,
      amr: ['pwd'],
      roles: [],
      nonce: undefined,
      dpopKey: undefined,
      createdAt: now,
    };
    const delegation = {
      id: delegations.newId(),
      personId,
      clientId,
      audience: 'payments',
      scopes,
      sessionId,
      ...proof,
    };
    const who = byItself(unattended({ clientId }));
    return delegationBegun(world.issuer, delegation, who);
  };
  const isLive = async ({ id }: Delegation) =>
    (await world.issuer.app.get(Delegations).find(id))?.endedAt === undefined;
  const isSignedIn = async (visitor: Browser, at = world.issuer.url) =>
    (await visitor.get(`${at}/account`)).status === 200;

  /** An ID token of this issuer. */
  const idTokenOf = async (
    somebody: { personId: string; sessionId: string },
    change: Record<string, unknown> = {},
    typ = 'JWT',
  ) => {
    const { signer } = world.issuer.app.get(Replica);
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      iss: world.issuer.url,
      aud: 'planner',
      sub: somebody.personId,
      sid: somebody.sessionId,
      iat: now - 900,
      exp: now - 600,
      ...change,
    };
    return jwtSigner({ typ, kid: signer.kid }, signer)(claims);
  };

  describe('page', () => {
    it('shows applications, what they may do and did, and sessions, and records the read', async () => {
      const somebody = await visit('olga');
      const allowed = await allow(somebody);
      await rows(
        `insert into delegation_use (delegation_id, client_id, audience, scope, times, first_at, last_at)
         values ($1, 'payments', 'accounts', 'openid transfers:create', 3, now(), '2026-01-02T03:04:05Z')`,
        allowed.id,
      );
      const page = await somebody.visitor.get('/account');
      for (const text of [
        'The planner',
        'payments:create',
        // What it was for; that it also says who she is goes without saying.
        'through <bdi>payments</bdi>: <bdi>transfers:create</bdi>; 3 times',
        '2026-01-02 03:04 UTC',
        'Firefox on Linux',
        'Olga Brandt',
        '(this browser)',
      ])
        expect(page.text).toContain(text);
      expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; .*frame-ancestors 'none'/);
      expect((await world.issuer.dataOf('account.shown')).at(-1)).toMatchObject({
        resource: `person/${somebody.personId}`,
      });
    });

    it('redirects to the sign-in without a session', async () => {
      expect((await browser().get('/account')).location?.pathname).toBe('/sign-in');
    });

    it('shows what tokens were issued for, also to services that acted for the application', async () => {
      const somebody = await visit('olga');
      const allowed = await allow(somebody, 'store');
      // As the token endpoint announces it.
      const principal = {
        subject: somebody.personId,
        client_id: 'store',
        actors: [],
        scopes: ['payments:create'],
        jti: 'j',
      };
      const event = events.event(
        'token.issued',
        { principal, txn: allowed.id },
        { id: 'payments', action: 'token:issue', changes: { audience: 'payments' } },
      );
      for (let time = 0; time < 2; time += 1)
        await world.issuer.app.get<AuditOutbox>(AUDIT_OUTBOX).recordDurably(event);
      await world.issuer.app.get(DelegationUses).write();
      await world.issuer.app.get<AuditOutbox>(AUDIT_OUTBOX).recordDurably(event);
      await world.issuer.app.get(DelegationUses).write();
      const read = async () => (await world.issuer.app.get(DelegationUses).of([allowed.id]))[0];
      // The service writes each second by itself, too, and may still be at it.
      for (const end = Date.now() + 60_000; (await read())?.times !== 3 && Date.now() < end;);
      expect(await read()).toMatchObject({
        clientId: 'store',
        audience: 'payments',
        scope: 'payments:create',
        times: 3,
      });
    });
  });

  describe('ends', () => {
    it('what an application was allowed, and nothing else', async () => {
      const somebody = await visit('samir');
      const [first, second, other] = [await allow(somebody), await allow(somebody), await allow(somebody, 'store')];
      await world.issuer.app.get<Database>(DATABASE).transaction((transaction) => {
        const key = { personId: somebody.personId, clientId: 'planner', audience: 'payments' };
        return world.issuer.app
          .get(Consents)
          .give(transaction, key, ['payments:create'], {}, byItself(unattended({ clientId: 'planner' })));
      });
      const { text } = await somebody.visitor.get('/account');
      const forms = [...text.matchAll(/<form.*?<\/form>/gs)]
        .map(([form]) => form)
        .filter((form) => form.includes('"planner"'));
      const answer = await somebody.visitor.post(
        '/account/applications/end',
        fieldsOf(forms.join(), 'applications/end'),
      );
      expect([answer.status, answer.location?.pathname]).toEqual([303, '/account']);
      expect([await isLive(first), await isLive(second), await isLive(other)]).toEqual([false, false, true]);
      const revoked = await rows(`select kind from revocation where name = any ($1)`, [first.id, second.id]);
      expect(revoked).toHaveLength(2);
      // It must ask again.
      expect(await world.issuer.app.get(Consents).ofPerson(somebody.personId, 10)).toEqual([]);
      expect((await somebody.visitor.get('/account')).text).not.toContain('The planner');
    });

    it('another session immediately at every replica, with everything allowed in it', async () => {
      const [here, lost] = [await visit('samir'), await visit('samir')];
      const offline = await allow(lost, 'planner', ['openid', 'offline_access', 'payments:create']);
      const { form_token: late = '' } = fieldsOf((await lost.visitor.get('/account')).text, 'sessions/end-others');
      const { form_token: token = '' } = fieldsOf((await here.visitor.get('/account')).text, 'sessions/end');
      await here.visitor.post('/account/sessions/end', { form_token: token, session_id: lost.sessionId });
      expect([await isSignedIn(lost.visitor), await isSignedIn(lost.visitor, world.issuer.urls[1])]).toEqual([
        false,
        false,
      ]);
      expect(await isLive(offline)).toBe(false);
      expect(await isSignedIn(here.visitor)).toBe(true);
      // By a page, not by a redirect, which the policy of the form's page would hold as far as the provider.
      const over = await lost.visitor.post('/account/sessions/end-others', { form_token: late });
      expect([over.status, leadsOnTo(over.text)]).toEqual([200, `${world.issuer.url}/sign-in`]);
      expect((await world.issuer.dataOf('session.ended')).at(-1)).toMatchObject({
        resource: `session/${lost.sessionId}`,
        changes: { because: 'person', person: here.personId },
      });
    });

    it('all other sessions, and only those of the person', async () => {
      const [here, there, stranger] = [await visit('samir'), await visit('samir'), await visit('carol')];
      const { form_token: token = '' } = fieldsOf((await here.visitor.get('/account')).text, 'sessions/end-others');
      await here.visitor.post('/account/sessions/end', { form_token: token, session_id: stranger.sessionId });
      await here.visitor.post('/account/sessions/end-others', { form_token: token });
      const signedIn = [here, there, stranger].map(({ visitor }) => isSignedIn(visitor));
      expect(await Promise.all(signedIn)).toEqual([true, false, true]);
    });
  });

  it('accepts no form from another site, or with the token of another session (CSRF)', async () => {
    const [victim, attacker] = [await visit('olga'), await visit('carol')];
    const allowed = await allow(victim);
    const own = fieldsOf((await victim.visitor.get('/sign-out')).text, '/sign-out')['form_token'] ?? '';
    const foreign = fieldsOf((await attacker.visitor.get('/sign-out')).text, '/sign-out')['form_token'] ?? '';
    const attempts: (readonly [Record<string, string>, Record<string, string>])[] = [
      [{}, {}],
      [{ form_token: foreign }, {}],
      [{ form_token: '' }, {}],
      [{ form_token: own }, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
      [{ form_token: own }, { origin: 'null' }],
      [{ form_token: own }, { 'sec-fetch-site': 'same-site' }],
    ];
    for (const [form, headers] of attempts) {
      for (const [path, fields] of [
        ['/account/applications/end', { client_id: 'planner' }],
        ['/account/sessions/end-others', {}],
        ['/sign-out', {}],
      ] as const) {
        const refused = await victim.visitor.post(path, { ...fields, ...form }, headers);
        expect([path, refused.status]).toEqual([path, 400]);
        expect(refused.text).toContain('This form does not belong to a page');
      }
    }
    expect([await isSignedIn(victim.visitor), await isLive(allowed)]).toEqual([true, true]);
    const refused = (await world.issuer.dataOf('requests.refused')).filter((data) =>
      JSON.stringify(data).includes('FORM_FOREIGN'),
    );
    for (const path of ['/account/applications/end', '/account/sessions/end-others', '/sign-out'])
      expect(refused).toContainEqual(expect.objectContaining({ resource: `route/POST ${path}`, outcome: 'denied' }));
  });

  describe('is signed out', () => {
    const endSession = (parameters: Record<string, string>) =>
      `/oauth2/end-session?${new URLSearchParams(parameters).toString()}`;
    const bye = 'https://planner.example/bye';

    it("by an application with this person's ID token, even an expired one, and returns with its state", async () => {
      const somebody = await visit('olga');
      const [online, offline] = [
        await allow(somebody, 'store', ['payments:create']),
        await allow(somebody, 'store', ['payments:create', 'offline_access']),
      ];
      const hint = await idTokenOf(somebody);
      const answer = await somebody.visitor.get(
        endSession({ id_token_hint: hint, post_logout_redirect_uri: bye, state: 'a b' }),
      );
      expect([answer.status, answer.location?.href]).toEqual([303, `${bye}?state=a+b`]);
      expect(await isSignedIn(somebody.visitor)).toBe(false);
      // What was allowed for the time when the person is away stays.
      expect([await isLive(online), await isLive(offline)]).toEqual([false, true]);
    });

    it('not immediately, and is redirected nowhere, by a disabled application', async () => {
      const somebody = await visit('olga');
      const id_token_hint = await idTokenOf(somebody);
      await world.issuer.admin('POST', '/admin/clients/planner/disable');
      try {
        for (const who of [{ id_token_hint }, { client_id: 'planner' }]) {
          const sent = await somebody.visitor.get(endSession({ ...who, post_logout_redirect_uri: bye }));
          expect([sent.status, sent.location]).toEqual([400, undefined]);
        }
        const asked = await somebody.visitor.get(endSession({ id_token_hint }));
        expect([asked.status, asked.text.includes('Sign out?')]).toEqual([200, true]);
        expect(await isSignedIn(somebody.visitor)).toBe(true);
        const signedOut = await browser().get(endSession({ client_id: 'planner', post_logout_redirect_uri: bye }));
        expect([signedOut.status, signedOut.location]).toEqual([400, undefined]);
      } finally {
        await world.issuer.admin('POST', '/admin/clients/planner/enable');
      }
    });

    it('by a form too, which comes back by GET', async () => {
      const somebody = await visit('olga');
      const form = { id_token_hint: await idTokenOf(somebody), post_logout_redirect_uri: bye };
      const answer = await browser().post('/oauth2/end-session', form, {
        origin: 'https://planner.example',
        'sec-fetch-site': 'cross-site',
      });
      expect(answer.status).toBe(303);
      expect((await somebody.visitor.get(answer.location ?? '')).location?.href).toBe(bye);
    });

    it("only after being asked, without an ID token or with somebody else's", async () => {
      const [somebody, other] = [await visit('olga'), await visit('carol')];
      for (const hint of [
        {},
        { id_token_hint: await idTokenOf(other) },
        { id_token_hint: await idTokenOf(other, { sid: somebody.sessionId }) },
        { id_token_hint: await idTokenOf(somebody, { sid: randomUUID() }) },
      ]) {
        const asked = await somebody.visitor.get(
          endSession({ ...hint, client_id: 'planner', post_logout_redirect_uri: bye, state: 's' }),
        );
        expect([asked.status, asked.text.includes('The planner')]).toEqual([200, true]);
        expect(asked.headers.get('content-security-policy')).toContain("form-action 'self';");
        expect(await isSignedIn(somebody.visitor)).toBe(true);
      }
      const page = await somebody.visitor.get(
        endSession({ client_id: 'planner', post_logout_redirect_uri: bye, state: 's' }),
      );
      const answer = await somebody.visitor.post('/sign-out', fieldsOf(page.text, '/sign-out'));
      expect([answer.status, leadsOnTo(answer.text)]).toEqual([200, `${bye}?state=s`]);
      expect(await isSignedIn(somebody.visitor)).toBe(false);
    });

    it.each<[string, (somebody: { personId: string; sessionId: string }) => Promise<Record<string, string>>]>([
      [
        'an address that is not registered',
        async (one) => ({
          id_token_hint: await idTokenOf(one),
          post_logout_redirect_uri: 'https://planner.example/bye/',
        }),
      ],
      ['an address of nobody', () => Promise.resolve({ post_logout_redirect_uri: bye })],
      [
        "another application's address",
        async (one) => ({ id_token_hint: await idTokenOf(one, { aud: 'store' }), post_logout_redirect_uri: bye }),
      ],
      [
        'another client than the token is of',
        async (one) => ({ id_token_hint: await idTokenOf(one), client_id: 'store' }),
      ],
      ['an access token', async (one) => ({ id_token_hint: await idTokenOf(one, {}, 'at+jwt') })],
      ['a logout token', async (one) => ({ id_token_hint: await idTokenOf(one, {}, 'logout+jwt') })],
      [
        'a token of a type that is not known yet',
        async (one) => ({ id_token_hint: await idTokenOf(one, {}, 'x+jwt') }),
      ],
      [
        'a token of another issuer',
        async (one) => ({ id_token_hint: await idTokenOf(one, { iss: 'https://evil.example' }) }),
      ],
      ['a forged token', async (one) => ({ id_token_hint: `${(await idTokenOf(one)).slice(0, -6)}AAAAAA` })],
    ])('not at all with %s', async (_what, parametersOf) => {
      const somebody = await visit('olga');
      const refused = await somebody.visitor.get(endSession(await parametersOf(somebody)));
      expect([refused.status, refused.location]).toEqual([400, undefined]);
      expect(await isSignedIn(somebody.visitor)).toBe(true);
      expect(await world.issuer.dataOf('requests.refused')).toContainEqual(
        expect.objectContaining({ resource: 'route/GET /oauth2/end-session', reason: 'SIGN_OUT_REFUSED' }),
      );
    });

    it('with notices to its applications, until they have acknowledged', async () => {
      const somebody = await visit('samir');
      await allow(somebody);
      await allow(somebody, 'store');
      receiver.answer(302);
      const first = receiver.next();
      const page = await somebody.visitor.get('/sign-out');
      await somebody.visitor.post('/sign-out', fieldsOf(page.text, '/sign-out'));
      await first;
      receiver.answer(200);
      const token = await receiver.next();
      const keys = createRemoteJWKSet(new URL(`${world.issuer.url}/.well-known/jwks.json`));
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        issuer: world.issuer.url,
        audience: 'planner',
        typ: 'logout+jwt',
      });
      expect(payload).toMatchObject({
        sub: somebody.personId,
        sid: somebody.sessionId,
        events: { [LOGOUT_EVENT]: {} },
      });
      expect([payload['nonce'], protectedHeader.typ]).toEqual([undefined, 'logout+jwt']);
      // A redirect is not followed, and is not an answer.
      expect(receiver.tokens.length).toBeGreaterThanOrEqual(2);
      // It is not an access token anywhere.
      const used = await fetch(`${world.issuer.url}/admin/people`, { headers: { authorization: `Bearer ${token}` } });
      expect(used.status).toBe(401);
      const sent = async () => JSON.stringify(await world.issuer.dataOf('logout.sent')).includes(somebody.sessionId);
      for (const deadline = Date.now() + 20_000; !(await sent()) && Date.now() < deadline; await delay(20));
      const end = (await world.issuer.dataOf('session.ended')).find(
        ({ resource }) => resource === `session/${somebody.sessionId}`,
      );
      expect(end?.txn).toEqual(expect.any(String));
      expect(await world.issuer.dataOf('logout.sent')).toContainEqual(
        expect.objectContaining({
          resource: 'client/planner',
          outcome: 'allowed',
          principal: null,
          txn: end?.txn,
          changes: { session: somebody.sessionId, person: somebody.personId, attempts: expect.any(Number) },
        }),
      );
    });
  });

  describe('is signed out at the provider too', () => {
    type Visitor = Awaited<ReturnType<typeof visit>>;
    const bye = 'https://planner.example/bye';
    /** By the page of this issuer, for an application where it asks. */
    const signOut = async ({ visitor }: Visitor, parameters: Record<string, string> = {}) => {
      const asked = new URLSearchParams(parameters).toString();
      const page = await visitor.get(asked === '' ? '/sign-out' : `/oauth2/end-session?${asked}`);
      return visitor.post('/sign-out', fieldsOf(page.text, '/sign-out'));
    };
    /** The provider's address on a page. */
    const linkTo = (page: string, at: RealProvider): URL => {
      const links = [...page.matchAll(/<a class="button" href="([^"]+)"/g)].map(([, href = '']) =>
        href.replaceAll('&amp;', '&'),
      );
      return new URL(links.find((href) => href.startsWith(`${world.real[at].url}/`)) ?? '');
    };
    /** Whether the provider lets the person in without asking who they are. */
    const isKnownAt = async (at: RealProvider, cookies: CookieJar) => {
      const { location } = await browser().get(`/sign-in/with/${at}`);
      return (await walkSignIn(location ?? '', { person: undefined, cookies })).searchParams.has('code');
    };
    const hintsOf = async ({ sessionId }: Visitor) =>
      (await rows('select provider_hint from session where id = $1', sessionId))[0]?.['provider_hint'];

    it('if the person wants it, which the page offers by default', async () => {
      const somebody = await visit('samir', 'offering');
      expect(await isKnownAt('offering', somebody.provider)).toBe(true);
      expect(String(await hintsOf(somebody))).toMatch(/^[\w-]{100,}$/);
      const { status, text } = await signOut(somebody);
      expect([status, await isSignedIn(somebody.visitor), await hintsOf(somebody)]).toEqual([200, false, null]);
      expect(text).toContain('anyone who uses this browser next could sign in');
      const link = linkTo(text, 'offering');
      expect([...link.searchParams.keys()].sort()).toEqual(['client_id', 'id_token_hint']);
      // Nothing but a hint: the provider has verified it, and asks.
      expect((await walkSignOut(link, { cookies: somebody.provider })).pathname).toBe('/session/end/success');
      expect(await isKnownAt('offering', somebody.provider)).toBe(false);
    });

    it('and comes back to this issuer, or through it to the application, with its state, once', async () => {
      const asking = { client_id: 'planner', post_logout_redirect_uri: bye, state: 'a&b' };
      for (const [parameters, leadsTo] of [
        [{}, undefined],
        [asking, `${bye}?state=a%26b`],
      ] as const) {
        const somebody = await visit('samir', 'returning');
        expect(await hintsOf(somebody)).toBeNull();
        const { text } = await signOut(somebody, parameters);
        // Declared so: the provider then knows the person by its cookie only.
        expect(linkTo(text, 'returning').searchParams.has('id_token_hint')).toBe(false);
        expect(text.includes(`href="${bye}?state=a%26b"`)).toBe(leadsTo !== undefined);
        const back = await walkSignOut(linkTo(text, 'returning'), { cookies: somebody.provider });
        expect(back.pathname).toBe('/sign-in/signed-out/returning');
        // At any replica.
        const returned = await somebody.visitor.get(new URL(back.pathname + back.search, world.issuer.urls[1]));
        expect(returned.location?.href).toBe(leadsTo);
        expect(returned.text.includes('was asked to sign you out too')).toBe(leadsTo === undefined);
        expect((await somebody.visitor.get(back)).location).toBeUndefined();
      }
    });

    it('automatically, if the provider is declared so, for an application that signs the person out immediately', async () => {
      const somebody = await visit('samir', 'leading');
      const hint = await idTokenOf(somebody);
      const asked = new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: bye, state: 's' });
      const { status, location } = await somebody.visitor.get(`/oauth2/end-session?${asked.toString()}`);
      expect([status, location?.origin]).toEqual([303, world.real.leading.url]);
      // It is the provider's own ID token that goes there, not ours.
      expect(location?.searchParams.get('id_token_hint')).not.toBe(hint);
      expect(await isSignedIn(somebody.visitor)).toBe(false);
      const back = await walkSignOut(location ?? '', { cookies: somebody.provider });
      expect((await somebody.visitor.get(back)).location?.href).toBe(`${bye}?state=s`);
      expect(await isKnownAt('leading', somebody.provider)).toBe(false);
    });

    it("automatically after the page that asks, without a redirect that its form's policy would block", async () => {
      const somebody = await visit('samir', 'leading');
      const { status, text } = await signOut(somebody);
      const link = linkTo(text, 'leading');
      expect([status, await isSignedIn(somebody.visitor)]).toEqual([200, false]);
      expect(text).toContain(`<meta http-equiv="refresh" content="0;url=${link.href.replaceAll('&', '&amp;')}"`);
      // Who stays signed in there comes back too.
      const back = await walkSignOut(link, { cookies: somebody.provider, stay: true });
      expect((await somebody.visitor.get(back)).text).toContain('You are signed out');
      expect(await isKnownAt('leading', somebody.provider)).toBe(true);
    });

    it('never if the provider is declared so, and then nothing is stored for it', async () => {
      const somebody = await visit('carol');
      expect(await hintsOf(somebody)).toBeNull();
      const { text } = await signOut(somebody);
      expect(text).not.toContain(world.people.url);
      expect(await isKnownAt('people', somebody.provider)).toBe(true);
    });

    it('if it responds: an unavailable one keeps nobody signed in here', async () => {
      const somebody = await visit('samir', 'leading');
      await rows(`update person set provider = 'gone' where id = $1`, somebody.personId);
      const asking = { client_id: 'planner', post_logout_redirect_uri: bye };
      const { status, text } = await signOut(somebody, asking);
      expect([status, await isSignedIn(somebody.visitor)]).toEqual([200, false]);
      expect(text).toContain('is not responding right now');
      expect(text).toContain(`href="${bye}"`);
    });

    it('and nobody is redirected, or signed out, by a return that their browser did not start', async () => {
      const [somebody, victim] = [await visit('samir', 'returning'), await visit('carol')];
      const { text } = await signOut(somebody, { client_id: 'planner', post_logout_redirect_uri: bye });
      const state = linkTo(text, 'returning').searchParams.get('state') ?? '';
      for (const [visitor, path] of [
        [victim.visitor, `returning?state=${state}`],
        [browser(), `returning?state=${state}`],
        [somebody.visitor, `leading?state=${state}`],
        [somebody.visitor, `nobody?state=${state}`],
        [somebody.visitor, `returning?state=${state}x`],
        [somebody.visitor, 'returning'],
      ] as const) {
        const { status, location } = await visitor.get(`/sign-in/signed-out/${path}`);
        expect([path, status, location]).toEqual([path, 200, undefined]);
      }
      expect(await isSignedIn(victim.visitor)).toBe(true);
      const own = await somebody.visitor.get(`/sign-in/signed-out/returning?state=${state}`);
      expect(own.location?.href).toBe(bye);
    });
  });

  it('is announced to an application that just registered for it, even by a replica that does not know yet', async () => {
    const there = world.issuer.apps[1];
    if (there === undefined) throw new Error('no second replica');
    const replica = there.get(Replica);
    const [client, refresh] = [replica.client.bind(replica), replica.refresh.bind(replica)];
    let isBehind = true;
    const spies = [
      jest.spyOn(replica, 'client').mockImplementation((id) => (isBehind ? undefined : client(id))),
      jest.spyOn(replica, 'refresh').mockImplementation(async () => {
        await refresh();
        isBehind = false;
      }),
    ];
    const somebody = await visit('samir');
    await allow(somebody);
    const heard = receiver.next();
    isBehind = true;
    await there
      .get(SessionEnds)
      .end({ id: sessionIdSchema.parse(somebody.sessionId) }, 'admin', byItself(unattended()));
    expect(decodeJwt(await heard)).toMatchObject({ sub: somebody.personId });
    for (const spy of spies) spy.mockRestore();
  });

  it('is announced to an application, however many others hang', async () => {
    const [hanging, quick] = [await startLogoutReceiver(), await startLogoutReceiver()];
    hanging.hang();
    for (const [id, { url }] of [
      ['hanging', hanging],
      ['quick', quick],
    ] as const) {
      const { body: known } = await world.issuer.admin('GET', '/admin/clients/store');
      const { client_name, publisher, token_endpoint_auth_method, grant_types, redirect_uris, policy } = known;
      const copy = { client_name, publisher, token_endpoint_auth_method, grant_types, redirect_uris, policy };
      await world.issuer.admin('POST', '/admin/clients', { ...copy, client_id: id, backchannel_logout_uri: url });
    }
    const somebody = await visit('samir');
    const begun = hanging.next();
    await rows(
      `insert into logout_notice (id, client_id, person_id, session_id, attempts, due_at, created_at)
       select gen_random_uuid(), 'hanging', $1, $2, 0, now() - interval '1 minute', now() from generate_series(1, 200)`,
      somebody.personId,
      somebody.sessionId,
    );
    await begun;
    await allow(somebody, 'quick');
    const heard = quick.next();
    const page = await somebody.visitor.get('/sign-out');
    await somebody.visitor.post('/sign-out', fieldsOf(page.text, '/sign-out'));
    await heard;
    // Two of each of the two replicas at a time, of 200 that wait.
    expect(hanging.peak()).toBeLessThanOrEqual(4);
    await rows(`delete from logout_notice where client_id = 'hanging'`);
    await Promise.all([hanging.close(), quick.close()]);
  }, 120_000);

  describe('is signed out by its provider', () => {
    const logout = async (provider: string, token: string, at = world.issuer.url) => {
      const body = new URLSearchParams({ logout_token: token });
      const answer = await fetch(`${at}/sign-in/logout/${provider}`, { method: 'POST', body });
      return answer.status;
    };
    const signInAtForger = async () => {
      const visitor = browser();
      const { location } = await visitor.get('/sign-in/with/forger');
      world.forger.forge({ claims: { sid: 'provider-session' } });
      await visitor.get(world.forger.answer(location ?? new URL(world.forger.url)));
      world.forger.forge({});
      return visitor;
    };
    const claims = (change: Record<string, unknown> = {}) => {
      const now = Math.floor(Date.now() / 1_000);
      const honest = {
        iss: world.forger.url,
        aud: 'countersign',
        iat: now,
        exp: now + 120,
        jti: randomUUID(),
        sub: 'mallory',
        events: { [LOGOUT_EVENT]: {} },
      };
      return Object.fromEntries(Object.entries({ ...honest, ...change }).filter(([, value]) => value !== undefined));
    };

    it('when a real one says so, in the one browser that it names', async () => {
      const [somebody, elsewhere] = [await visit('carol'), await visit('carol')];
      const end = new URL(`${world.people.url}/session/end`);
      const page = await fetch(end, { headers: { cookie: somebody.provider.header('/session/end') } });
      somebody.provider.take(page);
      const text = await page.text();
      const xsrf = /name="xsrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
      const action = /action="([^"]+)"/.exec(text)?.[1] ?? '';
      await fetch(action, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: somebody.provider.header('/session/end/confirm') },
        body: new URLSearchParams({ xsrf, logout: 'yes' }),
      });
      expect([await isSignedIn(somebody.visitor), await isSignedIn(elsewhere.visitor)]).toEqual([false, true]);
      expect((await world.issuer.dataOf('session.ended')).at(-1)).toMatchObject({ changes: { because: 'provider' } });
    });

    it('by session, or by subject for all of its sessions', async () => {
      const [first, second] = [await signInAtForger(), await signInAtForger()];
      expect(await logout('forger', await world.forger.sign(claims({ sub: undefined, sid: 'another' })))).toBe(200);
      expect(await isSignedIn(first)).toBe(true);
      expect(await logout('forger', await world.forger.sign(claims()))).toBe(200);
      expect([await isSignedIn(first), await isSignedIn(second)]).toEqual([false, false]);
      const third = await signInAtForger();
      expect(
        await logout('forger', await world.forger.sign(claims({ sub: undefined, sid: 'provider-session' }), 'JWT')),
      ).toBe(200);
      expect(await isSignedIn(third)).toBe(false);
      expect((await world.issuer.dataOf('logout.received')).at(-1)).toMatchObject({
        resource: 'provider/forger',
        outcome: 'allowed',
        txn: expect.any(String),
        changes: { sessions: [expect.any(String)] },
      });
    });

    it('never by a token that is forged, for another client, too old, an ID token, or already used', async () => {
      const visitor = await signInAtForger();
      const now = Math.floor(Date.now() / 1_000);
      const forged = [
        await world.forger.sign(claims(), 'logout+jwt', true),
        await world.forger.sign(claims({ iss: 'https://evil.example' })),
        await world.forger.sign(claims({ aud: 'somebody-else' })),
        await world.forger.sign(claims({ iat: now - 900, exp: now - 700 })),
        await world.forger.sign(claims({ iat: now + 900, exp: now + 990 })),
        await world.forger.sign(claims({ events: undefined })),
        await world.forger.sign(claims({ events: { 'https://example.com/other': {} } })),
        await world.forger.sign(claims({ nonce: 'n' })),
        await world.forger.sign(claims({ sub: undefined })),
        await world.forger.sign(claims({ jti: undefined })),
        await world.forger.sign(claims(), 'at+jwt'),
        // An ID token, as it is and with the event that it lacks.
        await world.forger.sign(claims({ events: undefined, nonce: 'n', auth_time: now }), 'JWT'),
        await world.forger.sign(claims({ nonce: 'n', auth_time: now }), 'JWT'),
        'not.a.token',
        `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims())).toString('base64url')}.`,
      ];
      for (const token of forged) expect(await logout('forger', token)).toBe(400);
      // What one provider signed means nothing at another's address.
      expect(await logout('people', await world.forger.sign(claims()))).toBe(400);
      expect(await logout('nobody', await world.forger.sign(claims()))).toBe(400);
      expect(await world.issuer.dataOf('requests.refused')).toContainEqual(
        expect.objectContaining({ resource: 'route/POST /sign-in/logout/:provider', reason: 'PROVIDER_UNKNOWN' }),
      );
      expect(await isSignedIn(visitor)).toBe(true);
      const token = await world.forger.sign(claims({ sub: 'nobody-here' }));
      expect([await logout('forger', token), await logout('forger', token)]).toEqual([200, 400]);
      expect((await world.issuer.dataOf('logout.refused')).at(-1)).toMatchObject({
        reason: 'LOGOUT_REPLAYED',
        resource: 'provider/forger',
      });
      // At every replica.
      const [, other = ''] = world.issuer.urls;
      expect(await logout('forger', token, other)).toBe(400);
    });

    it('again by a token that failed, because it was not used up', async () => {
      const visitor = await signInAtForger();
      const token = await world.forger.sign(claims());
      const ends = world.issuer.app.get(SessionEnds);
      const endIn = ends.endIn.bind(ends);
      // Only what this provider says: a real one may still send what happened before.
      const failure = jest
        .spyOn(ends, 'endIn')
        .mockImplementation((transaction, which, by, who) =>
          which.issuer === world.forger.url
            ? Promise.reject(new Error('a database fails'))
            : endIn(transaction, which, by, who),
        );
      expect(await logout('forger', token)).toBe(500);
      failure.mockRestore();
      expect(await isSignedIn(visitor)).toBe(true);
      expect(await logout('forger', token)).toBe(200);
      expect(await isSignedIn(visitor)).toBe(false);
    });

    it('later, if the provider’s keys are not loaded yet: the provider does not learn that its token is invalid', async () => {
      const visitor = await signInAtForger();
      const token = await world.forger.sign(claims());
      const keys = world.issuer.app.get(RemoteKeys);
      const none = jest.spyOn(keys, 'candidates').mockReturnValue([]);
      const away = jest.spyOn(keys, 'areThere').mockReturnValue(false);
      expect(await logout('forger', token)).toBe(503);
      none.mockRestore();
      away.mockRestore();
      expect(await isSignedIn(visitor)).toBe(true);
      expect(await logout('forger', token)).toBe(200);
      expect(await isSignedIn(visitor)).toBe(false);
    });

    it('not if they have signed in again since: a late token concerns the earlier session', async () => {
      const visitor = await signInAtForger();
      const now = Math.floor(Date.now() / 1_000);
      expect(await logout('forger', await world.forger.sign(claims({ iat: now - 120, exp: now + 120 })))).toBe(200);
      expect(await isSignedIn(visitor)).toBe(true);
      expect(await logout('forger', await world.forger.sign(claims()))).toBe(200);
      expect(await isSignedIn(visitor)).toBe(false);
    });
  });

  describe('is administered', () => {
    it('by pages, by role and by status, each read recorded', async () => {
      await visit('olga');
      const first = await world.issuer.admin('GET', '/admin/people?limit=1');
      expect(first.status).toBe(200);
      const next = await world.issuer.admin(
        'GET',
        `/admin/people?limit=200&cursor=${String(first.body['next_cursor'])}`,
      );
      expect([first.body['people'], next.body['next_cursor']]).toEqual([[expect.objectContaining({})], null]);
      const operators = await world.issuer.admin('GET', '/admin/people?role=operator&status=active');
      expect(operators.body['people']).toEqual([expect.objectContaining({ name: 'Olga Brandt', status: 'active' })]);
      expect(await world.issuer.dataOf('people.listed')).toHaveLength(3);
      expect((await world.issuer.admin('GET', '/admin/people?cursor=x')).status).toBe(400);
      expect((await fetch(`${world.issuer.url}/admin/people`)).status).toBe(401);
    });

    it('by ending all sessions and all that the person allowed', async () => {
      const [here, there] = [await visit('carol'), await visit('carol')];
      const allowed = await allow(here, 'store', ['offline_access']);
      const end = () =>
        world.issuer.admin('POST', `/admin/people/${here.personId}/end-sessions`, undefined, undefined, {
          'idempotency-key': 'end-of-carol',
        });
      const { status, body } = await end();
      expect([status, body['sessions'], body['delegations']]).toEqual([200, [], []]);
      expect(await end()).toMatchObject({ status: 200, body });
      expect([await isSignedIn(here.visitor), await isSignedIn(there.visitor), await isLive(allowed)]).toEqual([
        false,
        false,
        false,
      ]);
      expect((await visit('carol')).personId).toBe(here.personId);
      expect(await world.issuer.dataOf('person.sessions_ended')).toEqual([
        expect.objectContaining({
          resource: `person/${here.personId}`,
          outcome: 'allowed',
          txn: expect.any(String),
          principal: expect.objectContaining({ subject: 'operator' }),
        }),
      ]);
    });

    it("even while one of their delegations ends by itself: neither waits for the other's locks", async () => {
      const somebody = await visit('carol');
      await allow(somebody, 'store');
      const held = await allow({ ...somebody, sessionId: randomUUID() }, 'store');
      const { database } = world.issuer;
      const isWaitedFor = async (): Promise<boolean> => {
        await database.query('select pg_stat_clear_snapshot()');
        const { rowCount } = await database.query(
          'select from pg_stat_activity where pg_backend_pid() = any (pg_blocking_pids(pid))',
        );
        return (rowCount ?? 0) > 0;
      };
      await database.query('begin');
      // As the end of one does it: first the delegation, then the registry, for its revocation.
      await database.query(`update delegation set ended_at = now(), ended_because = 'BY_CLIENT' where id = $1`, [
        held.id,
      ]);
      const ended = world.issuer.admin('POST', `/admin/people/${somebody.personId}/end-sessions`);
      while (!(await isWaitedFor())) await delay(5);
      await database.query('update registry set revocations = revocations');
      await database.query('commit');
      expect(await ended).toMatchObject({ status: 200, body: { delegations: [] } });
    });

    it('by ending one session, with what was allowed in it, and no other', async () => {
      const [here, there] = [await visit('carol'), await visit('carol')];
      const [allowed, other] = [await allow(here, 'store', ['offline_access']), await allow(there)];
      const path = (session: string) => `/admin/people/${here.personId}/sessions/${session}/end`;
      const end = () =>
        world.issuer.admin('POST', path(here.sessionId), undefined, undefined, { 'idempotency-key': 'end-of-one' });
      const preview = await world.issuer.admin('GET', `/admin/revocations/preview?kind=session&name=${here.sessionId}`);
      expect(preview.body).toMatchObject({ sessions: 1, delegations: 1, api_keys: 0 });
      const { status, body } = await end();
      expect(status).toBe(200);
      const left = JSON.stringify(body['sessions']);
      expect([left.includes(here.sessionId), left.includes(there.sessionId)]).toEqual([false, true]);
      expect(await end()).toMatchObject({ status: 200, body });
      expect([await isSignedIn(here.visitor), await isSignedIn(there.visitor)]).toEqual([false, true]);
      expect([await isLive(allowed), await isLive(other)]).toEqual([false, true]);
      expect((await world.issuer.dataOf('session.ended')).at(-1)).toMatchObject({
        resource: `session/${here.sessionId}`,
        principal: { subject: 'operator' },
        changes: { person: here.personId, because: 'admin' },
      });
      const stranger = await visit('olga');
      for (const session of [here.sessionId, stranger.sessionId]) {
        const refused = await world.issuer.admin('POST', path(session));
        expect(refused).toMatchObject({ status: 404, body: { code: 'SESSION_UNKNOWN' } });
      }
      expect(await isSignedIn(stranger.visitor)).toBe(true);
      expect((await world.issuer.dataOf('session.end_refused')).at(-1)).toMatchObject({
        resource: `session/${stranger.sessionId}`,
        reason: 'SESSION_UNKNOWN',
        changes: { person: here.personId },
      });
    });

    it('by disabling, which also refuses every token about the person, and by enabling again', async () => {
      const somebody = await visit('carol');
      const detail = await world.issuer.admin('GET', `/admin/people/${somebody.personId}`);
      expect(detail.body['sessions']).toEqual(
        expect.arrayContaining([expect.objectContaining({ id: somebody.sessionId, device: 'Firefox on Linux' })]),
      );
      expect(JSON.stringify(detail.body)).not.toContain('secret');
      const allowed = await allow(somebody, 'store', ['offline_access']);
      const { body } = await world.issuer.admin('POST', `/admin/people/${somebody.personId}/disable`);
      expect(body).toMatchObject({ status: 'disabled', disabled_by: 'operator', sessions: [] });
      expect([await isSignedIn(somebody.visitor), await isLive(allowed)]).toEqual([false, false]);
      // The person's entry refuses them too; many would fill the list.
      expect(await rows('select kind from revocation where name = $1', allowed.id)).toEqual([]);
      expect(await rows(`select kind from revocation where name = $1`, somebody.personId)).toEqual([
        { kind: 'subject' },
      ]);
      expect((await world.signIn(browser(), 'carol')).status).toBe(403);
      await world.issuer.admin('POST', `/admin/people/${somebody.personId}/enable`);
      expect((await world.signIn(browser(), 'carol')).status).toBe(303);
      for (const type of ['person.looked-at', 'person.disabled', 'person.enabled'])
        expect((await world.issuer.dataOf(type)).at(-1)).toMatchObject({
          resource: `person/${somebody.personId}`,
          outcome: 'allowed',
          txn: expect.any(String),
          principal: expect.objectContaining({ subject: 'operator' }),
        });
    });

    it('not where there is nobody', async () => {
      const path = `/admin/people/person:0190a000-0000-7000-8000-000000000000`;
      expect((await world.issuer.admin('GET', path)).status).toBe(404);
      expect((await world.issuer.admin('POST', `${path}/disable`)).status).toBe(404);
      const session = `${path}/sessions/0190a000-0000-7000-8000-000000000001/end`;
      expect(await world.issuer.admin('POST', session)).toMatchObject({ body: { code: 'PERSON_UNKNOWN' } });
    });
  });
});
