import { generateSigningKey, thumbprintOf, type PrivateJwk, DEVICE_CODE } from '@countersign/auth-core';
import { Background, DATABASE, type Database } from '@countersign/service-host';
import { decodeJwt } from 'jose';
import { digestOfSecret } from '../authorization/one-time-secret.js';
import { applications, registerApplications } from '../testing/applications.js';
import { askToken } from '../testing/granted.js';
import { startIssuer, type Answer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { signedIn, type SignedIn } from '../testing/signed-in.js';
import { hiddenFields, open, submit, type Visit } from '../testing/visit.js';
import { DevicesStore } from './devices.store.js';

interface Begun {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
}

describe('a device without a browser', () => {
  let issuer: IssuerUnderTest;
  let other: string;
  let ada: SignedIn;
  let key: PrivateJwk;
  const requested = { client_id: 'terminal', scope: 'openid payments:create', resource: 'payments' };

  beforeAll(async () => {
    issuer = await startIssuer({ RATE_LIMIT_ADDRESS_PER_MINUTE: '0', RATE_LIMIT_CLIENT_PER_MINUTE: '0' }, 2);
    other = issuer.urls[1] ?? '';
    await registerApplications(issuer);
    key = await generateSigningKey();
    ada = await someone('ada');
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  const someone = (subject: string, what: Parameters<typeof signedIn>[3] = {}): Promise<SignedIn> =>
    signedIn(issuer.app, issuer.url, subject, what);
  const ask = async (form: Readonly<Record<string, string>> = {}) => {
    const body = new URLSearchParams({ ...requested, ...form });
    const response = await fetch(`${issuer.url}/oauth2/device_authorization`, { method: 'POST', body });
    return { status: response.status, body: (await response.json()) as Begun & { readonly error?: string } };
  };
  const begin = async (form: Readonly<Record<string, string>> = {}): Promise<Begun> => {
    const { status, body } = await ask(form);
    expect([status, body.error]).toEqual([200, undefined]);
    return body;
  };
  /** Polls as a device that has waited for its interval. */
  const poll = async ({ device_code }: Begun, at = issuer.url, clientId = 'terminal'): Promise<Answer> => {
    await issuer.database.query('update device_authorization set asked_at = null');
    return askToken(issuer, { grant_type: DEVICE_CODE, device_code }, { clientId, key }, { at });
  };
  const errorOf = ({ status, body }: Answer): unknown => [status, body['error']];
  const enter = async (user_code: string, who = ada, at = issuer.url): Promise<Visit> => {
    const page = await open(`${issuer.url}/device`, who);
    return submit(`${at}/device`, { ...hiddenFields(page), user_code }, who);
  };
  const decide = async (begun: Begun, decision: 'allow' | 'refuse', who = ada, at = issuer.url): Promise<Visit> =>
    submit(`${at}/device/decision`, { ...hiddenFields(await enter(begun.user_code, who, at)), decision }, who);

  it('acts for the person who entered its code and allowed it, at whichever replica', async () => {
    const begun = await begin();
    expect(begun).toMatchObject({ expires_in: 600, interval: 5, verification_uri: `${issuer.url}/device` });
    expect(begun.user_code).toMatch(/^[B-Z]{4}-[B-Z]{4}$/);
    expect(errorOf(await poll(begun, other))).toEqual([400, 'authorization_pending']);

    const filled = await open(begun.verification_uri_complete, ada);
    expect(filled.text).toContain(`value="${begun.user_code}"`);
    expect(filled.text).not.toContain('Terminal');

    const page = await enter(begun.user_code.toLowerCase().replace('-', ' '), ada, other);
    expect(page.status).toBe(200);
    for (const text of ['Terminal Ltd', begun.user_code, 'payments:create', 'Ada Lovelace', 'they could act as you']) {
      expect(page.text).toContain(text);
    }
    expect(String(page.headers['content-security-policy'])).toContain("frame-ancestors 'none'");
    const decision = { ...hiddenFields(page), decision: 'allow' };
    expect((await submit(`${issuer.url}/device/decision`, decision, ada)).status).toBe(200);

    const { status, body } = await poll(begun, other);
    expect([status, body['token_type'], body['scope']]).toEqual([200, 'DPoP', requested.scope]);
    const claims = decodeJwt(String(body['access_token']));
    expect(claims).toMatchObject({
      sub: ada.session.person.id,
      kind: 'person',
      client_id: 'terminal',
      aud: 'payments',
    });
    expect(claims['cnf']).toEqual({ jkt: thumbprintOf(key) });
    expect(decodeJwt(String(body['id_token']))).toMatchObject({ sub: ada.session.person.id, aud: 'terminal' });
    expect((await issuer.dataOf('device.decided')).at(-1)).toMatchObject({ outcome: 'allowed', txn: claims['txn'] });

    const refresh = { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) };
    expect((await askToken(issuer, refresh, { clientId: 'terminal', key })).status).toBe(200);
    expect(errorOf(await poll(begun))).toEqual([400, 'invalid_grant']);
  });

  it('is presented like an application: a deceptive name is marked, and the page warns', async () => {
    const names = { client_name: 'T\u0435rminal\u202e', publisher: 'B\u0430nk' };
    const terminal = applications.terminal;
    await issuer.admin('POST', '/admin/clients', { ...terminal, client_id: 'disguised', ...names });
    const { text } = await enter((await begin({ client_id: 'disguised' })).user_code);
    for (const shown of ['<mark>\u0435 U+0435</mark>', '<mark>U+202E</mark>', '<mark>\u0430 U+0430</mark>']) {
      expect(text).toContain(shown);
    }
    expect(text).toContain('Marked characters below');
    expect(text).not.toContain('\u202e');
  });

  it('gets nothing that the page did not name, even if the person could grant more by the time they allow it', async () => {
    const begun = await begin({ scope: 'payments:create payments:refund' });
    const gwen = await someone('gwen');
    const page = hiddenFields(await enter(begun.user_code, gwen));
    expect(page['scope']).toBe('payments:create');
    // Signed in again elsewhere, with another role.
    await someone('gwen', { roles: ['treasurer'] });
    const again = await submit(`${issuer.url}/device/decision`, { ...page, decision: 'allow' }, gwen);
    expect(hiddenFields(again)['scope']).toBe('payments:create payments:refund');
    expect(errorOf(await poll(begun))).toEqual([400, 'authorization_pending']);
    const decided = await submit(`${issuer.url}/device/decision`, { ...hiddenFields(again), decision: 'allow' }, gwen);
    expect(decided.text).toContain('The device is connected');
  });

  it('gets tokens once, however often it polls all replicas at the same moment', async () => {
    const begun = await begin();
    await decide(begun, 'allow');
    const form = { grant_type: DEVICE_CODE, device_code: begun.device_code };
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        askToken(issuer, form, { clientId: 'terminal', key }, { at: issuer.urls[index % 2] ?? other }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status, body } of answers) if (status !== 200) expect(body['error']).toBe('invalid_grant');
  });

  it('gets the refusal of the person; a second answer counts for nothing', async () => {
    const begun = await begin();
    const page = await enter(begun.user_code);
    const answer = (decision: string) => submit(`${other}/device/decision`, { ...hiddenFields(page), decision }, ada);
    expect((await answer('refuse')).status).toBe(200);
    expect((await answer('allow')).status).toBe(400);
    expect(errorOf(await poll(begun))).toEqual([400, 'access_denied']);
  });

  it("gets nothing once the person has ended the application's access, even if they had allowed the device", async () => {
    const begun = await begin();
    await decide(begun, 'allow');
    const { form_token: token = '' } = hiddenFields(await open(`${issuer.url}/account`, ada));
    await submit(`${other}/account/applications/end`, { form_token: token, client_id: 'terminal' }, ada);
    expect(errorOf(await poll(begun))).toEqual([400, 'access_denied']);
  });

  it('is too late after ten minutes, before and after the person has decided', async () => {
    const [waiting, allowed] = [await begin(), await begin()];
    const page = await enter(waiting.user_code);
    await decide(allowed, 'allow');
    await issuer.database.query(`update device_authorization set expires_at = now() - interval '1 second'`);
    expect((await enter(waiting.user_code)).status).toBe(400);
    const late = { ...hiddenFields(page), decision: 'allow' };
    expect((await submit(`${issuer.url}/device/decision`, late, ada)).status).toBe(400);
    for (const begun of [waiting, allowed]) expect(errorOf(await poll(begun))).toEqual([400, 'expired_token']);
  });

  it('must slow down when it polls too often, by another five seconds each time', async () => {
    const begun = await begin();
    // Long, so that no machine is slow enough to poll in time.
    await issuer.database.query('update device_authorization set every = 3600 where expires_at > now()');
    await poll(begun);
    const form = { grant_type: DEVICE_CODE, device_code: begun.device_code };
    for (const at of issuer.urls) {
      expect(errorOf(await askToken(issuer, form, { clientId: 'terminal', key }, { at }))).toEqual([400, 'slow_down']);
    }
    const { rows } = await issuer.database.query('select max(every) as every from device_authorization');
    expect(rows).toEqual([{ every: 3_610 }]);
  });

  it('need not slow down at a replica whose clock is behind', async () => {
    const { device_code: code } = await begin();
    const behind = new DevicesStore(
      issuer.app.get<Database>(DATABASE),
      () => new Date(Date.now() - 4_000),
      issuer.app.get(Background),
    );
    const digest = digestOfSecret(code);
    await issuer.app.get(DevicesStore).poll(digest, 'terminal');
    await issuer.database.query(`update device_authorization set asked_at = asked_at - interval '5 seconds'`);
    expect((await behind.poll(digest, 'terminal'))?.answer).toBe('authorization_pending');
  });

  it('gets no token for a service other than the one allowed (RFC 8707), and its code is not used up by that', async () => {
    const begun = await begin();
    await decide(begun, 'allow');
    const form = { grant_type: DEVICE_CODE, device_code: begun.device_code, resource: 'accounts' };
    expect(errorOf(await askToken(issuer, form, { clientId: 'terminal', key }))).toEqual([400, 'invalid_target']);
    expect((await poll(begun)).status).toBe(200);
  });

  it("gets nothing with another client's code, or after the session in which it was allowed has ended", async () => {
    const begun = await begin();
    const grace = await someone('grace');
    await decide(begun, 'allow', grace);
    const cli = { client_id: 'cli', client_name: 'Cli', publisher: 'Cli Ltd', token_endpoint_auth_method: 'none' };
    const policy = { people: { payments: ['payments:create'] } };
    await issuer.admin('POST', '/admin/clients', { ...cli, grant_types: [DEVICE_CODE], policy });
    expect(errorOf(await poll(begun, issuer.url, 'cli'))).toEqual([400, 'invalid_grant']);
    const signedOut = await submit(
      `${issuer.url}/sign-out`,
      hiddenFields(await open(`${issuer.url}/sign-out`, grace)),
      grace,
    );
    expect(signedOut.status).toBeLessThan(400);
    expect(errorOf(await poll(begun))).toEqual([400, 'invalid_grant']);
    expect((await issuer.dataOf('token.refused')).at(-1)?.reason).toBe('SESSION_ENDED');
  });

  it.each([
    [{ client_id: 'planner' }, 400, 'unauthorized_client'],
    [{ client_id: 'nobody' }, 401, 'invalid_client'],
    [{ scope: 'payments:everything' }, 400, 'invalid_scope'],
    [{ scope: '' }, 400, 'invalid_scope'],
    [{ resource: 'accounts' }, 400, 'invalid_target'],
  ])('gets no code for %j, which is recorded', async (form, status, error) => {
    const before = (await issuer.dataOf('device.refused')).length;
    const answer = await ask(form);
    expect([answer.status, answer.body.error]).toEqual([status, error]);
    expect(await issuer.dataOf('device.refused')).toHaveLength(before + 1);
  });

  it('may not act for a person without the rights that it requests', async () => {
    const begun = await begin({ scope: 'payments:refund' });
    expect((await enter(begun.user_code)).status).toBe(403);
    expect((await issuer.dataOf('device.code_refused')).at(-1)?.reason).toBe('access_denied');
  });

  it('cannot be guessed: a person who enters ten wrong codes must wait, others need not', async () => {
    const begun = await begin();
    const mallory = await someone('mallory');
    const page = hiddenFields(await open(`${issuer.url}/device`, mallory));
    const guess = (user_code: string, at?: string) =>
      submit(`${at ?? issuer.url}/device`, { ...page, user_code }, mallory);
    expect((await guess(begun.user_code)).status).toBe(200);
    // At once and at both replicas: nobody gains by that.
    const wrong = await Promise.all(
      Array.from({ length: 15 }, (_, index) => guess('BBBB-BBBB', issuer.urls[index % 2])),
    );
    expect(wrong.filter(({ status }) => status === 400)).toHaveLength(10);
    expect(wrong.filter(({ status }) => status === 429)).toHaveLength(5);
    expect((await guess(begun.user_code)).status).toBe(429);
    expect((await enter(begun.user_code)).status).toBe(200);
    const reasons = (await issuer.dataOf('device.code_refused')).map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason === 'CODES_TOO_MANY')).toHaveLength(1);
    await issuer.database.query(`update device_guess set since = since - interval '601 seconds'`);
    expect((await guess(begun.user_code)).status).toBe(200);
  });

  it("is allowed only on this issuer's page, by somebody who is signed in", async () => {
    const begun = await begin();
    const page = await enter(begun.user_code);
    const form = { ...hiddenFields(page), decision: 'allow' };
    const url = `${issuer.url}/device/decision`;
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await submit(url, form, ada, foreign)).status).toBe(400);
    expect((await submit(url, { ...form, form_token: 'x' }, ada)).status).toBe(400);
    expect((await submit(url, form, await someone('eve'))).status).toBe(400);
    const { location } = await open(begun.verification_uri_complete);
    expect([location?.pathname, location?.searchParams.get('return_to')]).toEqual([
      '/sign-in',
      `/device?user_code=${begun.user_code}`,
    ]);
    expect(errorOf(await poll(begun))).toEqual([400, 'authorization_pending']);
  });

  it('is not allowed by somebody whose session has ended since, which the page says', async () => {
    const begun = await begin();
    const ivan = await someone('ivan');
    const form = { ...hiddenFields(await enter(begun.user_code, ivan)), decision: 'allow' };
    await issuer.database.query(`update session set ended_at = now(), ended_by = 'admin' where id = $1`, [
      ivan.session.id,
    ]);
    for (const path of ['/device', '/device/decision']) {
      const { status, text } = await submit(issuer.url + path, form, ivan);
      expect([status, text.includes('You are signed out')]).toEqual([401, true]);
    }
    expect(errorOf(await poll(begun))).toEqual([400, 'authorization_pending']);
    expect((await issuer.dataOf('requests.refused')).map(({ reason }) => reason)).toContain('SESSION_OVER');
  });

  it('leaves no code in the database or the trail', async () => {
    const begun = await begin();
    await enter(begun.user_code);
    await poll(begun);
    const { rows } = await issuer.database.query<{ row: string }>(
      'select d::text as row from device_authorization d union all select event::text from audit_outbox_event',
    );
    const kept = rows.map(({ row }) => row).join('\n');
    for (const code of [begun.device_code, begun.user_code, begun.user_code.replace('-', '')]) {
      expect(kept).not.toContain(code);
    }
  });

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    expect(await issuer.recorded()).toEqual(expect.arrayContaining(['device.begun allowed', 'device.shown allowed']));
  });
});
