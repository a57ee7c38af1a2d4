import { anyText, anyWebUrl } from '@countersign/arbitraries';
import { byItself, unattended } from '@countersign/service-host';
import fc from 'fast-check';
import { z } from 'zod';
import { newPkce } from '@countersign/people-provider';
import { Account } from '../account/account.service.js';
import { DeclaredWords } from '../clients/audience-words.service.js';
import { applications, REDIRECT, registerApplications } from '../testing/applications.js';
import { hiddenFields, open, submit, type Visit } from '../testing/visit.js';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { signedIn, type SignedIn } from '../testing/signed-in.js';

describe('the authorization endpoint', () => {
  let issuer: IssuerUnderTest;
  let other: string;
  let ada: SignedIn;
  const { challenge, verifier } = newPkce();
  const base = {
    response_type: 'code',
    client_id: 'planner',
    redirect_uri: REDIRECT,
    scope: 'openid payments:create',
    resource: 'payments',
    state: 's t&=1',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  };

  beforeAll(async () => {
    issuer = await startIssuer({ TRUSTED_PROXIES: '127.0.0.1' }, 2);
    other = issuer.urls[1] ?? '';
    await registerApplications(issuer);
    ada = await someone('ada', { roles: ['treasurer'] });
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  const someone = (subject: string, what: Parameters<typeof signedIn>[3] = {}): Promise<SignedIn> =>
    signedIn(issuer.app, issuer.url, subject, what);
  const addressOf = (change: Readonly<Record<string, string | undefined>>, at = issuer.url): string => {
    const query = Object.entries({ ...base, ...change }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    return `${at}/oauth2/authorize?${new URLSearchParams(query).toString()}`;
  };
  const ask = (
    change: Readonly<Record<string, string | undefined>> = {},
    who: SignedIn | undefined = ada,
    at?: string,
  ) => open(addressOf(change, at), who);
  const queryOf = ({ location }: Visit): Readonly<Record<string, string>> =>
    Object.fromEntries(location?.searchParams ?? []);
  const decide = async (page: Visit, decision: string, who = ada, at = issuer.url): Promise<Visit> =>
    submit(`${at}/consent`, { ...hiddenFields(page), decision }, who);
  const isPage = ({ status, location, headers }: Visit): boolean =>
    status === 400 && location === undefined && String(headers['content-type']).startsWith('text/html');
  const lastReason = async (type: string) => (await issuer.dataOf(type)).at(-1)?.reason;

  /** What `planner` got when the person allowed it, who has before. */
  const idTokenOf = async (who: SignedIn): Promise<string> => {
    const { code = '' } = queryOf(await ask({}, who));
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, client_id: 'planner' };
    const answer = await fetch(`${issuer.url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) });
    return z.object({ id_token: z.string() }).parse(await answer.json()).id_token;
  };

  describe('leads a person who is signed in', () => {
    it('to the page that asks for consent, and then to the application with code, state and iss', async () => {
      const page = await ask({}, ada, other);
      expect([page.status, page.location]).toEqual([200, undefined]);
      for (const text of ['Planner', 'Planner Ltd', 'Ada Lovelace', 'planner.example', 'payments:create']) {
        expect(page.text).toContain(text);
      }
      const answer = await decide(page, 'allow');
      // Not by a redirect: browsers would hold the application's own redirects to the policy of the page that asked.
      expect([answer.status, answer.headers['location']]).toEqual([200, undefined]);
      expect(answer.headers['referrer-policy']).toBe('same-origin');
      expect(answer.location?.origin + (answer.location?.pathname ?? '')).toBe(REDIRECT);
      expect(queryOf(answer)).toEqual({
        code: expect.stringMatching(/^[\w-]{43}$/),
        state: base.state,
        iss: issuer.url,
      });
      const form = { grant_type: 'authorization_code', code: queryOf(answer)['code'] ?? '', code_verifier: verifier };
      const token = await fetch(`${other}/oauth2/token`, {
        method: 'POST',
        body: new URLSearchParams({ ...form, client_id: 'planner', redirect_uri: REDIRECT }),
      });
      expect(token.status).toBe(200);
      expect(await token.json()).toMatchObject({ scope: base.scope });
    });

    it('immediately to the application the next time; asks again when more is requested, and keeps each version', async () => {
      expect(queryOf(await ask({}, ada, other))['code']).toBeDefined();
      const more = await ask({ scope: 'openid payments:create payments:read' });
      expect(more.status).toBe(200);
      expect(queryOf(await decide(more, 'allow', ada, other))['code']).toBeDefined();
      const { rows } = await issuer.database.query(
        `select version, scopes from consent where person_id = $1 and client_id = 'planner' order by version`,
        [ada.session.person.id],
      );
      expect(rows).toEqual([
        { version: 1, scopes: ['openid', 'payments:create'] },
        { version: 2, scopes: ['openid', 'payments:create', 'payments:read'] },
      ]);
      expect(queryOf(await ask({ scope: 'payments:read' }))['code']).toBeDefined();
      expect((await ask({ prompt: 'consent' })).status).toBe(200);
    });

    it('to the page again after they have ended the application on their account page', async () => {
      const who = await someone('grace');
      expect(queryOf(await decide(await ask({}, who), 'allow', who))['code']).toBeDefined();
      expect(queryOf(await ask({}, who))['code']).toBeDefined();
      const trace = { requestId: 'r-1', traceId: '0'.repeat(32), ...unattended() };
      const route = { ...trace, method: 'POST', route: '/account', peer: '127.0.0.1' };
      await issuer.app.get(Account).endApplication(who.session, 'planner', route);
      expect((await ask({}, who)).status).toBe(200);
      const { rows } = await issuer.database.query(
        'select version, withdrawn_at is not null as withdrawn from consent where person_id = $1',
        [who.session.person.id],
      );
      expect(rows).toEqual([{ version: 1, withdrawn: true }]);
    });

    it('to a trusted first-party application without asking', async () => {
      const office = { client_id: 'office', redirect_uri: 'https://office.example/cb' };
      expect(queryOf(await ask(office))['code']).toBeDefined();
      expect((await ask({ ...office, prompt: 'consent' })).status).toBe(200);
    });

    it('to a page each time for an application whose answers other programs on the machine may intercept', async () => {
      const pocket = { client_id: 'pocket', redirect_uri: 'http://127.0.0.1:49152/cb' };
      const answer = await decide(await ask(pocket), 'allow');
      expect(answer.location?.host).toBe('127.0.0.1:49152');
      const asked = await ask(pocket);
      expect([asked.status, asked.location]).toEqual([200, undefined]);
      expect(asked.headers['content-security-policy']).toContain(
        `form-action 'self' ${new URL(pocket.redirect_uri).origin};`,
      );
      // A native application's is one: phones open an application only by that.
      expect((await decide(asked, 'allow')).status).toBe(303);
      expect((await ask(pocket)).location).toBeUndefined();
      const scheme = await decide(await ask({ ...pocket, redirect_uri: 'com.example.pocket:/cb' }), 'allow');
      expect(scheme.location?.protocol).toBe('com.example.pocket:');
    });

    it('away with access_denied when they refuse, and the page works once', async () => {
      const page = await ask({ prompt: 'consent' });
      const answer = await decide(page, 'refuse', ada, other);
      expect(queryOf(answer)).toMatchObject({ error: 'access_denied', state: base.state, iss: issuer.url });
      expect(isPage(await decide(page, 'allow'))).toBe(true);
      expect(await lastReason('authorization-request.refused')).toBe('access_denied');
    });

    it('to sign in again, and back, if their session ended while they decided', async () => {
      const who = await someone('late');
      const page = await ask({}, who);
      await issuer.database.query(`update session set ended_at = now(), ended_by = 'person' where id = $1`, [
        who.session.id,
      ]);
      const answer = await decide(page, 'allow', who);
      expect([answer.status, answer.location?.origin, answer.location?.pathname]).toEqual([
        200,
        issuer.url,
        '/sign-in',
      ]);
      const back = await open(issuer.url + (queryOf(answer)['return_to'] ?? ''), await someone('late'));
      expect([back.status, hiddenFields(back)['client_id']]).toEqual([200, base.client_id]);
    });

    it('to one code, however often the page is sent at the same moment', async () => {
      const page = await ask({ prompt: 'consent' });
      const sent = [issuer.url, other, issuer.url, other].map((at) => decide(page, 'allow', ada, at));
      const answers = await Promise.all(sent);
      expect(answers.filter((answer) => 'code' in queryOf(answer))).toHaveLength(1);
    });

    it('from a form too (OpenID Connect), which is redirected to GET; nowhere from one that is too long', async () => {
      const url = `${issuer.url}/oauth2/authorize`;
      const foreign = { origin: 'https://planner.example', 'sec-fetch-site': 'cross-site' };
      const sent = await submit(url, base, { ...ada, cookie: '' }, foreign);
      expect([sent.status, sent.location?.pathname]).toEqual([303, '/oauth2/authorize']);
      const answer = queryOf(await open(sent.location?.href ?? '', ada));
      expect(answer).toMatchObject({ code: expect.any(String), state: base.state, iss: issuer.url });
      expect(isPage(await submit(url, { ...base, scope: 'openid '.repeat(1_000) }, ada, foreign))).toBe(true);
    });

    it('on, whatever unknown parameters there are, and lets no script of another site read the answer', async () => {
      const odd = { ui_locales: 'de', display: 'popup', unknown: '1', claims: '{}' };
      const answer = await open(addressOf(odd), ada, { origin: 'https://planner.example' });
      expect(queryOf(answer)['code']).toBeDefined();
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    });

    it('to no more than their roles let them grant', async () => {
      const bob = await someone('bob');
      const scope = 'payments:create payments:refund';
      const page = await ask({ scope }, bob);
      expect(hiddenFields(page)['scope']).toBe('payments:create');
      expect(queryOf(await ask({ scope: 'payments:refund' }, bob))['error']).toBe('access_denied');
    });
  });

  describe('asks a person to sign in', () => {
    it('who is not signed in, and remembers the request', async () => {
      const first = await open(addressOf({ login_hint: 'ada@example.com' }, other));
      expect([first.status, first.location?.pathname]).toEqual([303, '/sign-in']);
      expect(queryOf(first)['login_hint']).toBe('ada@example.com');
      expect(queryOf(first)['force']).toBeUndefined();
      const back = await open(issuer.url + (queryOf(first)['return_to'] ?? ''), ada);
      expect(queryOf(back)).toMatchObject({ state: base.state, code: expect.any(String) });
    });

    it.each([
      ['prompt=login', { prompt: 'login' }],
      ['prompt=select_account', { prompt: 'select_account' }],
      ['max_age', { max_age: '60' }],
      ['max_age=0', { max_age: '0' }],
      ['acr_values that were not met', { acr_values: 'urn:example:strong' }],
    ])('again for %s, once', async (_, change) => {
      const authenticatedAt = new Date(Date.now() - 120_000);
      const eve = await someone('eve', { authenticatedAt });
      const first = await ask(change, eve);
      expect([first.location?.pathname, queryOf(first)['force']]).toEqual(['/sign-in', '1']);
      const again = await someone('eve');
      const back = await open(other + (queryOf(first)['return_to'] ?? ''), again);
      expect(back.status).toBe(200);
    });

    it('never with prompt=none: the application learns why', async () => {
      expect(queryOf(await open(addressOf({ prompt: 'none' })))['error']).toBe('login_required');
      const old = await someone('old', { authenticatedAt: new Date(Date.now() - 120_000) });
      expect(queryOf(await ask({ prompt: 'none', max_age: '60' }, old))['error']).toBe('login_required');
      expect(queryOf(await ask({ prompt: 'none' }, old))['error']).toBe('consent_required');
      expect(queryOf(await ask({ prompt: 'none' }))['code']).toBeDefined();
    });

    it('named by an id_token_hint, and nobody else: again, once, and not at all with prompt=none', async () => {
      const id_token_hint = await idTokenOf(ada);
      expect(queryOf(await ask({ id_token_hint, prompt: 'none' }))['code']).toBeDefined();
      expect(queryOf(await ask({ id_token_hint, prompt: 'none' }, await someone('ivy')))['error']).toBe(
        'login_required',
      );
      const ivy = await someone('ivy', { authenticatedAt: new Date(Date.now() - 120_000) });
      const asked = [await ask({ id_token_hint }, ivy), await ask({ id_token_hint }, ivy, other)];
      const back = asked.map((visit) => {
        expect([visit.location?.pathname, queryOf(visit)['force']]).toEqual(['/sign-in', '1']);
        return issuer.url + (queryOf(visit)['return_to'] ?? '');
      });
      const [wrong = '', right = ''] = back;
      const refused = queryOf(await open(wrong, await someone('ivy')));
      expect(refused).toMatchObject({ error: 'login_required', state: base.state, iss: issuer.url });
      const same = await someone('ada', { roles: ['treasurer'] });
      expect(queryOf(await open(right, same))['code']).toBeDefined();
    });
  });

  describe('reports to the application, at its redirect, that', () => {
    it('its id_token_hint is invalid, or belongs to another application', async () => {
      const hint = await idTokenOf(ada);
      const office = { client_id: 'office', redirect_uri: 'https://office.example/cb' };
      for (const change of [
        { id_token_hint: 'x' },
        { id_token_hint: `${hint.slice(0, -8)}AAAAAAAA` },
        { ...office, id_token_hint: hint },
      ]) {
        expect(queryOf(await ask({ prompt: 'none', ...change }))['error']).toBe('invalid_request');
      }
    });

    it.each([
      ['implicit is not supported', { response_type: 'token' }, 'unsupported_response_type'],
      ['hybrid is not supported', { response_type: 'code id_token' }, 'unsupported_response_type'],
      ['response_type is missing', { response_type: undefined }, 'invalid_request'],
      ['the answer comes in the query, not in the fragment', { response_mode: 'fragment' }, 'invalid_request'],
      ['the answer comes in the query, not by a form', { response_mode: 'form_post' }, 'invalid_request'],
      ['the answer comes in the query, not signed', { response_mode: 'query.jwt' }, 'invalid_request'],
      ['the answer comes in the query, not as a message', { response_mode: 'web_message' }, 'invalid_request'],
      ['PKCE is missing', { code_challenge: undefined }, 'invalid_request'],
      ['PKCE is not downgraded to plain', { code_challenge_method: 'plain' }, 'invalid_request'],
      ['PKCE has a method', { code_challenge_method: undefined }, 'invalid_request'],
      ['the challenge is a digest', { code_challenge: 'short' }, 'invalid_request'],
      ['the scope is not its', { scope: 'payments:admin' }, 'invalid_scope'],
      ['no scope was asked for', { scope: undefined }, 'invalid_scope'],
      ['the audience is not its', { resource: 'accounts' }, 'invalid_target'],
      ['the audience is not one', { resource: 'https://x.example/#f' }, 'invalid_target'],
      ['prompt is unknown', { prompt: 'create' }, 'invalid_request'],
      ['prompt=none is the only value', { prompt: 'none login' }, 'invalid_request'],
      ['max_age is not a number', { max_age: '-1' }, 'invalid_request'],
      ['dpop_jkt is not a thumbprint', { dpop_jkt: 'x' }, 'invalid_request'],
      ['request objects are not supported', { request: 'ey.ey.ey' }, 'request_not_supported'],
      ['request_uri is only ours', { request_uri: 'https://planner.example/r' }, 'request_uri_not_supported'],
      ['clients do not register themselves', { registration: '{}' }, 'registration_not_supported'],
      ['nonce is text', { nonce: 'a\u0000' }, 'invalid_request'],
    ])('%s', async (_, change, error) => {
      const answer = await ask(change);
      expect(answer.location?.origin + (answer.location?.pathname ?? '')).toBe(REDIRECT);
      expect(queryOf(answer)).toMatchObject({ error, state: base.state, iss: issuer.url });
      expect(queryOf(answer)['error_description']).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
    });

    it('a parameter was repeated, and returns no repeated state', async () => {
      const twice = await open(`${addressOf({})}&scope=openid`, ada);
      expect(queryOf(twice)).toMatchObject({ error: 'invalid_request', state: base.state });
      expect(queryOf(await open(`${addressOf({})}&state=x`, ada))['state']).toBeUndefined();
    });

    it('two audiences are too many: a token is for one (RFC 8707)', async () => {
      const twice = await open(`${addressOf({})}&resource=accounts`, ada);
      expect(queryOf(twice)).toMatchObject({ error: 'invalid_target', state: base.state, iss: issuer.url });
    });

    it('its state cannot be sent back', async () => {
      expect(queryOf(await ask({ state: 'a\nb' }))).toEqual({
        error: 'invalid_request',
        error_description: expect.stringContaining('state'),
        iss: issuer.url,
      });
    });
  });

  describe('shows a page and sends nothing anywhere', () => {
    const marker = 'zq-marker-zq';
    it.each([
      ['an unknown client', { client_id: marker }],
      ['no client', { client_id: undefined }],
      ['a service, which people do not use', { client_id: 'shop' }],
      ['no redirect', { redirect_uri: undefined }],
      ['an undeclared redirect', { redirect_uri: `https://${marker}.example/` }],
      ['a prefix of the redirect', { redirect_uri: `${REDIRECT}/${marker}` }],
      ['another port', { redirect_uri: REDIRECT.replace('.example', '.example:8443') }],
      ['userinfo', { redirect_uri: REDIRECT.replace('https://', `https://${marker}@`) }],
      ['an encoded slash', { redirect_uri: REDIRECT.replace('/signed', '%2Fsigned') }],
      ['a fragment', { redirect_uri: `${REDIRECT}#${marker}` }],
      ['another case', { redirect_uri: REDIRECT.toUpperCase() }],
      ['localhost for 127.0.0.1', { client_id: 'pocket', redirect_uri: 'http://localhost/cb' }],
      ["another client's redirect", { redirect_uri: 'https://books.example/cb' }],
      ['a request_uri that nobody pushed', { request_uri: `urn:ietf:params:oauth:request_uri:${marker}` }],
    ])('for %s', async (_, change) => {
      const answer = await ask({ state: marker, ...change });
      expect(isPage(answer)).toBe(true);
      expect(answer.text).not.toContain(marker);
    });

    it('for a repeated redirect or client, in either order', async () => {
      for (const more of ['redirect_uri=https%3A%2F%2Fevil.example%2F', 'client_id=office']) {
        expect(isPage(await open(`${addressOf({})}&${more}`, ada))).toBe(true);
        const swapped = addressOf({}).replace('?', `?${more}&`);
        expect(isPage(await open(swapped, ada))).toBe(true);
      }
    });

    it('and is in the trail', async () => {
      const refused = (await issuer.dataOf('requests.refused')).map(({ resource, reason }) => [resource, reason]);
      expect(refused).toContainEqual(['route/GET /oauth2/authorize', 'APPLICATION_UNPROVEN']);
    });

    it('for an application that was disabled, or whose redirect is no longer declared, while the person decided', async () => {
      const client_id = 'moved';
      await issuer.admin('POST', '/admin/clients', { ...applications.planner, client_id });
      const page = await ask({ client_id });
      const redirect_uris = ['https://planner.example/new'];
      await issuer.admin(
        'PUT',
        `/admin/clients/${client_id}`,
        { ...applications.planner, client_id, redirect_uris },
        other,
      );
      expect(isPage(await decide(page, 'allow'))).toBe(true);
      await issuer.admin('POST', `/admin/clients/${client_id}/disable`);
      expect(isPage(await ask({ client_id, redirect_uri: redirect_uris[0] }))).toBe(true);
    });
  });

  describe('keeps other sites out', () => {
    it('of the decision: a form from elsewhere, without its token, or of another session has no effect', async () => {
      const page = await ask({ prompt: 'consent' });
      const form = { ...hiddenFields(page), decision: 'allow' };
      const mallory = await someone('mallory');
      const tries = [
        submit(`${issuer.url}/consent`, form, ada, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }),
        submit(`${issuer.url}/consent`, form, ada, {}),
        submit(`${issuer.url}/consent`, { ...form, form_token: 'x' }, ada),
        submit(`${issuer.url}/consent`, form, mallory),
      ];
      for (const { status, location } of await Promise.all(tries)) expect([status, location]).toEqual([400, undefined]);
      expect(await lastReason('consent.form_refused')).toBe('FORM_FOREIGN');
      expect(queryOf(await decide(page, 'allow'))['code']).toBeDefined();
    });

    it('of what they could measure: no answer in a frame, an image or a script, whether or not somebody is signed in', async () => {
      const foreign = { 'sec-fetch-site': 'cross-site' };
      for (const [mode, dest] of [
        ['navigate', 'iframe'],
        ['no-cors', 'image'],
        ['cors', 'empty'],
        ['navigate', 'object'],
      ]) {
        const headers = { ...foreign, 'sec-fetch-mode': mode ?? '', 'sec-fetch-dest': dest ?? '' };
        const [inside, outside] = [
          await open(addressOf({ prompt: 'none' }), ada, headers),
          await open(addressOf({ prompt: 'none' }), undefined, headers),
        ];
        expect(isPage(inside)).toBe(true);
        expect([inside.status, inside.location]).toEqual([outside.status, outside.location]);
      }
      for (const path of [
        '/account',
        '/sign-in',
        '/sign-out',
        '/device',
        '/oauth2/end-session',
        '/sign-in/callback/people',
        '/sign-in/signed-out/people',
      ]) {
        for (const mode of ['no-cors', 'cors', 'navigate']) {
          const measured = { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': mode, 'sec-fetch-dest': 'iframe' };
          for (const who of [ada, undefined]) {
            const page = await open(issuer.url + path, who, measured);
            expect([path, isPage(page), page.text.includes('not inside another page')]).toEqual([path, true, true]);
          }
        }
        expect((await open(issuer.url + path, ada, {}, 'HEAD')).status).toBe(400);
        // Nobody who opened the window can watch it.
        const visited = await open(issuer.url + path, ada);
        expect([path, visited.headers['cross-origin-opener-policy']]).toEqual([path, 'same-origin']);
      }
      expect(await issuer.dataOf('requests.refused')).toContainEqual(
        expect.objectContaining({ resource: 'route/GET /account', reason: 'NOT_A_NAVIGATION' }),
      );
      const headers = { ...foreign, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
      const moved = await open(addressOf({ prompt: 'none' }), ada, headers);
      expect(queryOf(moved)['code']).toBeDefined();
      expect(moved.headers['cross-origin-opener-policy']).toBe('same-origin');
      expect(moved.headers['referrer-policy']).toBe('no-referrer');
    });

    it('of the page: it cannot be framed, loads and runs nothing, and its form posts only to this host', async () => {
      const page = await ask({ prompt: 'consent' });
      const policy = String(page.headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("form-action 'self';");
      expect(page.headers['x-frame-options']).toBe('DENY');
    });

    it.each([
      '/oauth2/token',
      '/oauth2/par',
      '/oauth2/userinfo',
      '/oauth2/revoke',
      '/oauth2/introspect',
      '/oauth2/device_authorization',
      '/oauth2/authorize',
      '/account',
      '/.well-known/jwks.json',
      '/.well-known/openid-configuration',
    ])('of the response of %s: none of their scripts may read it, whatever it asks first (CORS)', async (path) => {
      const origin = 'https://planner.example';
      const asks = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,dpop' };
      const answers = [
        await open(issuer.url + path, ada, { origin, ...asks }, 'OPTIONS'),
        await open(issuer.url + path, ada, { origin, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }),
        await submit(issuer.url + path, {}, ada, { origin, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }),
      ];
      expect(answers[0]?.status).toBe(405);
      for (const { headers } of answers)
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    });

    it('answers no HEAD, which would only reveal whether somebody is signed in', async () => {
      const { status, location } = await open(addressOf({}), ada, {}, 'HEAD');
      expect([status, location]).toEqual([400, undefined]);
    });
  });

  it('shows the declared texts, which an apply replaces, and records the change', async () => {
    const scopes = { 'payments:create': { title: 'Pay from your account', description: 'Shown on your <statement>.' } };
    const words = issuer.app.get(DeclaredWords);
    const who = byItself(unattended());
    expect(await words.apply({ payments: { title: 'House of payments', scopes } }, true, who)).toEqual(['payments']);
    expect((await ask({ prompt: 'consent' })).text).not.toContain('House of payments');
    await words.apply({ payments: { title: 'House of payments', scopes } }, false, who);
    const { text } = await ask({ prompt: 'consent' }, ada, other);
    for (const shown of [
      'House of payments',
      'Pay from your account',
      'Shown on your &lt;statement&gt;.',
      'Recognize you',
    ]) {
      expect(text).toContain(shown);
    }
    expect(await words.apply({ payments: { title: 'House of payments', scopes } }, false, who)).toEqual([]);
    expect(await words.apply({}, false, who)).toEqual(['payments']);
    const declared = await issuer.dataOf('audience.declared');
    expect(declared.map(({ resource }) => resource)).toEqual(['audience/payments', 'audience/payments']);
  });

  it("marks invisible characters in an application's names, and warns", async () => {
    const client_id = 'disguised';
    const names = { client_name: 'Pl\u0430nner\u202e', publisher: '<b>Bank</b>' };
    await issuer.admin('POST', '/admin/clients', { ...applications.planner, client_id, ...names });
    const { text } = await ask({ client_id });
    expect(text).toContain('<mark>\u0430 U+0430</mark>');
    expect(text).toContain('<mark>U+202E</mark>');
    expect(text).toContain('&lt;b&gt;Bank&lt;/b&gt;');
    expect(text).toContain('Marked characters below');
    expect(text).not.toContain('\u202e');
  });

  it('never sends a browser to an undeclared URL, whatever the parameters', async () => {
    const declared = new Set<string>([...applications.planner.redirect_uris, ...applications.bookkeeper.redirect_uris]);
    const text = fc.oneof(
      fc.string({ maxLength: 30 }),
      anyText(10),
      fc.constantFrom(
        '',
        'none',
        'login',
        'code',
        'S256',
        'https://evil.example/',
        '//evil.example',
        'javascript:alert(1)',
      ),
      fc.constantFrom(
        REDIRECT,
        `${REDIRECT}@evil.example`,
        `${REDIRECT}\\.evil.example`,
        'https://evil.example/?'.concat(REDIRECT),
      ),
      fc.constantFrom('planner', 'bookkeeper', 'pocket', 'office', 'shop', 'urn:ietf:params:oauth:request_uri:x'),
    );
    const names = [
      ...Object.keys(base),
      'prompt',
      'max_age',
      'nonce',
      'login_hint',
      'request',
      'request_uri',
      'response_mode',
      'dpop_jkt',
      'acr_values',
      'claims',
      'registration',
      'id_token_hint',
      'display',
      'ui_locales',
      'iss',
      'error',
      '__proto__',
    ];
    const places = [...declared, 'https://office.example/cb'].map((url) => new URL(url).origin);
    /** More are refused here than one network may have refused in a minute. */
    let visits = 0;
    const elsewhere = () => ({ 'x-forwarded-for': `198.51.100.${String((visits += 1) % 256)}` });
    /** Where a visit may lead the browser: by itself, or by the forms of the page. */
    const check = (visit: Visit): void => {
      const { location } = visit;
      if (location === undefined) {
        expect([200, 400]).toContain(visit.status);
        const policy = String(visit.headers['content-security-policy']);
        const [, targets = ''] = /form-action 'self'([^;]*);/.exec(policy) ?? [];
        for (const target of targets.split(' ').filter((one) => one !== ''))
          expect([...places, 'http://127.0.0.1', 'com.example.pocket:']).toContain(target.replace(/:\d+$/, ''));
        const led = [...visit.text.matchAll(/ (?:href|action)="([^"]*)"/g)].map(([, url = '']) => url);
        expect(led.filter((url) => !/^(?:#main|\/consent)$/.test(url))).toEqual([]);
        return;
      }
      const { origin, pathname } = location;
      const loopback = /^http:\/\/(?:127\.0\.0\.1|\[::1\])(?::\d+)?\/cb$/.test(origin + pathname);
      const signIn = origin === issuer.url && pathname === '/sign-in';
      const office = origin + pathname === 'https://office.example/cb';
      const allowed = signIn || loopback || office || declared.has(origin + pathname);
      expect({ location: location.href, allowed }).toMatchObject({ allowed: true });
    };
    const change = fc.tuple(fc.constantFrom('set', 'add', 'drop', 'front'), fc.constantFrom(...names), text);
    const wanted = [...declared, 'http://127.0.0.1/cb', 'com.example.pocket:/cb'];
    const piece = fc.constantFrom('', '/', '.', '@evil.example', '.evil.example', ':1', '%2f', '?x', '#', 'evil');
    const spliced = fc
      .tuple(fc.constantFrom(...wanted), piece, fc.nat(45), fc.nat(2))
      .map(([url, more, at, drop]) => url.slice(0, at) + more + url.slice(at + drop));
    /** A whole request but for where it wants its answer: what reaches the comparison of redirects. */
    const redirected = fc.record({
      redirect_uri: fc.oneof(anyWebUrl(), spliced, text),
      client_id: fc.constantFrom('planner', 'bookkeeper', 'pocket', 'office'),
    });
    await fc.assert(
      fc.asyncProperty(redirected, fc.boolean(), async (asked, inside) =>
        check(await open(addressOf(asked), inside ? ada : undefined, elsewhere())),
      ),
      { numRuns: 200 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 5 }), fc.boolean(), async (changes, inside) => {
        let entries = Object.entries<string>(base);
        for (const [kind, name, value] of changes) {
          if (kind === 'set' || kind === 'drop') entries = entries.filter(([known]) => known !== name);
          if (kind === 'set' || kind === 'add') entries.push([name, value]);
          if (kind === 'front') entries.unshift([name, value]);
        }
        const query = new URLSearchParams(entries).toString();
        const visit = await open(`${issuer.url}/oauth2/authorize?${query}`, inside ? ada : undefined, elsewhere());
        check(visit);
      }),
      { numRuns: 200 },
    );

    // The query itself, as no honest browser would write it: names in other encodings, broken ones, separators, and several of each.
    const name = fc.constantFrom(...names).chain((known) => {
      const first = known.charCodeAt(0).toString(16);
      return fc.constantFrom(
        known,
        `%${first}${known.slice(1)}`,
        known.toUpperCase(),
        `${known}[]`,
        `${known}%00`,
        ` ${known}`,
      );
    });
    const value = fc.oneof(
      text.map(encodeURIComponent),
      fc.constantFrom(...Object.values(base).map(encodeURIComponent)),
      fc.constantFrom('%', '%zz', '%c0%af', '%00', '+', '=', '%0d%0aLocation:%20https://evil.example/', '\\', ';', '#'),
    );
    const pair = fc.tuple(name, fc.constantFrom('=', '', '%3d', '=='), value).map((parts) => parts.join(''));
    const honest = fc.constantFrom(...Object.entries(base)).map(([key, own]) => `${key}=${encodeURIComponent(own)}`);
    const whole = Object.entries(base).map(([key, own]) => `${key}=${encodeURIComponent(own)}`);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.array(fc.oneof(pair, honest), { maxLength: 12 }), fc.shuffledSubarray(whole, { minLength: 6 })),
        fc.array(pair, { maxLength: 3 }),
        fc.constantFrom('&', '&&', ';'),
        fc.boolean(),
        async (first, more, separator, inside) => {
          const query = [...first, ...more].join(separator).replaceAll('#', '%23');
          check(await open(`${issuer.url}/oauth2/authorize?${query}`, inside ? ada : undefined));
        },
      ),
      { numRuns: 200 },
    );
  }, 120_000);

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    expect(await issuer.recorded()).toEqual(
      expect.arrayContaining([
        'authorization-request.shown allowed',
        'authorization-request.granted allowed',
        'client.replaced allowed',
        'consent.given allowed',
        'consent.withdrawn allowed',
      ]),
    );
  });
});
