import { createDpopProof, generateSigningKey, thumbprintOf, type PrivateJwk } from '@countersign/auth-core';
import { CLOCK, DATABASE, type Database } from '@countersign/service-host';
import { decodeJwt } from 'jose';
import { newPkce, type Pkce } from '@countersign/people-provider';
import { applications, basic, REDIRECT, registerApplications } from '../testing/applications.js';
import { startIssuer, type Answer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { signedIn, type SignedIn } from '../testing/signed-in.js';
import { hiddenFields, open, submit } from '../testing/visit.js';
import { delegationIdSchema } from '../delegations/delegation.js';
import { Delegations } from '../delegations/delegations.service.js';
import { type Code } from './code.js';
import { CodesStore } from './codes.store.js';
import { digestOfSecret, newOneTimeSecret } from './one-time-secret.js';

describe('an authorization code', () => {
  let issuer: IssuerUnderTest;
  let other: string;
  let secret: string;
  let ada: SignedIn;
  let delegations: Delegations;

  beforeAll(async () => {
    issuer = await startIssuer({}, 2);
    other = issuer.urls[1] ?? '';
    secret = await registerApplications(issuer);
    delegations = issuer.app.get(Delegations);
    ada = await signedIn(issuer.app, issuer.url, 'ada', { roles: ['treasurer'], acr: 'urn:example:strong' });
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  /** A code as the authorization endpoint issues it. */
  const issue = async (change: Partial<Code> = {}, who = ada): Promise<Pkce & { code: string; id: string }> => {
    const pkce = newPkce();
    const code = newOneTimeSecret();
    const { person, id: sessionId, authenticatedAt, acr, amr } = who.session;
    const id = delegations.newId();
    await issuer.app.get<Database>(DATABASE).transaction((transaction) =>
      issuer.app.get(CodesStore).add(transaction, {
        digest: digestOfSecret(code),
        clientId: 'planner',
        redirectUri: REDIRECT,
        codeChallenge: pkce.challenge,
        dpopKey: undefined,
        allowed: {
          id,
          personId: person.id,
          audience: 'payments',
          scopes: ['openid', 'payments:create', 'payments:refund'],
          sessionId,
          authTime: authenticatedAt,
          acr,
          amr,
          roles: person.roles,
          nonce: 'n-1',
        },
        expiresAt: new Date(Date.now() + 60_000),
        ...change,
      }),
    );
    return { ...pkce, code, id };
  };
  const redeem = (
    { code, verifier }: { code: string; verifier: string },
    change: Readonly<Record<string, string>> = {},
    at = issuer.url,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> => {
    const named: Readonly<Record<string, string>> = 'authorization' in headers ? {} : { client_id: 'planner' };
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: REDIRECT };
    return tokenOf({ ...form, ...named, ...change }, at, headers);
  };
  const tokenOf = async (
    form: Readonly<Record<string, string>>,
    at: string,
    headers: Readonly<Record<string, string>>,
  ) => {
    const filled = Object.entries(form).filter(([, value]) => value !== '');
    const body = new URLSearchParams(filled);
    const response = await fetch(`${at}/oauth2/token`, { method: 'POST', body, headers });
    const json: unknown = await response.json();
    return { status: response.status, headers: response.headers, body: Object.fromEntries(Object.entries(json ?? {})) };
  };
  const reasonsOf = async (id: string): Promise<readonly string[]> => {
    const { rows } = await issuer.database.query<{ because: string | null }>(
      'select ended_because as because from delegation where id = $1',
      [id],
    );
    return rows.map(({ because }) => because ?? 'live');
  };

  it('yields a token about the person: subject, roles, how and when they signed in', async () => {
    const code = await issue();
    const { status, body } = await redeem(code);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { token_type: 'Bearer', scope: 'openid payments:create payments:refund' },
    });
    const { person, authenticatedAt } = ada.session;
    expect(decodeJwt(String(body['access_token']))).toMatchObject({
      sub: person.id,
      client_id: 'planner',
      aud: 'payments',
      kind: 'person',
      txn: code.id,
      roles: ['treasurer'],
      acr: 'urn:example:strong',
      amr: ['pwd'],
      auth_time: Math.floor(authenticatedAt.getTime() / 1_000),
    });
    const { rows } = await issuer.database.query(
      `select event->'data'->'principal'->'person' as person from audit_outbox_event
        where event->>'type' = 'countersign.issuer.token.issued.v1' and event->'data'->>'txn' = $1`,
      [code.id],
    );
    const proven = { acr: 'urn:example:strong', auth_time: Math.floor(authenticatedAt.getTime() / 1_000) };
    expect(rows).toEqual([{ person: { roles: ['treasurer'], ...proven } }]);
    expect(await delegations.find(delegations.newId())).toBeUndefined();
    expect(await reasonsOf(code.id)).toEqual(['live']);
  });

  it('is redeemed once, however many requests reach both replicas at the same moment; then its tokens end', async () => {
    const code = await issue();
    const asked = Array.from({ length: 16 }, (_, n) => redeem(code, {}, n % 2 === 0 ? issuer.url : other));
    const answers = await Promise.all(asked);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status, body } of answers) {
      if (status !== 200) expect([status, body['error']]).toEqual([400, 'invalid_grant']);
    }
    expect(await reasonsOf(code.id)).toEqual(['CODE_REPLAYED']);
    const { rows } = await issuer.database.query('select kind from revocation where name = $1', [code.id]);
    expect(rows).toEqual([{ kind: 'transaction' }]);
  });

  it('has its own outcome among many that are redeemed together', async () => {
    const eve = await signedIn(issuer.app, issuer.url, 'eve');
    await issuer.database.query(`update session set ended_at = now(), ended_by = 'person' where id = $1`, [
      eve.session.id,
    ]);
    const good = await Promise.all(Array.from({ length: 6 }, () => issue()));
    const [twice, ended] = [await issue(), await issue({}, eve)];
    // No issuer makes two codes for one delegation: PostgreSQL refuses a statement with both, and so all that share it.
    const first = await issue();
    const second = await issue({
      allowed: {
        ...{ id: delegationIdSchema.parse(first.id), personId: ada.session.person.id, audience: 'payments' },
        ...{ scopes: ['payments:create'], sessionId: ada.session.id, authTime: new Date(), amr: [], roles: [] },
      },
    });
    const asked = [...good, first, twice, ended, twice, second].map((code) => redeem(code));
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.slice(0, 6)).toEqual([200, 200, 200, 200, 200, 200]);
    expect([statuses[7], statuses[9]].sort()).toEqual([200, 400]);
    expect(statuses[8]).toBe(400);
    expect([statuses[6], statuses[10]].sort()).toEqual([200, 500]);
    for (const { id } of good) expect(await reasonsOf(id)).toEqual(['live']);
    expect(await reasonsOf(twice.id)).toEqual(['CODE_REPLAYED']);
    expect(await reasonsOf(ended.id)).toEqual([]);
  });

  it('whose session is locked by another transaction waits for it, and no other does, however many wait', async () => {
    const fay = await signedIn(issuer.app, issuer.url, 'fay');
    // More than the pool has connections.
    const held = await Promise.all(Array.from({ length: 12 }, () => issue({}, fay)));
    const free = await issue();
    await issuer.database.query('begin');
    await issuer.database.query('select from session where id = $1 for update', [fay.session.id]);
    const [waiting, answered] = [held.map((code) => redeem(code)), await redeem(free)];
    expect(answered.status).toBe(200);
    await issuer.database.query(`update session set ended_at = now(), ended_by = 'person' where id = $1`, [
      fay.session.id,
    ]);
    await issuer.database.query('commit');
    for (const { body } of await Promise.all(waiting)) expect(body['error']).toBe('invalid_grant');
    for (const { id } of held) expect(await reasonsOf(id)).toEqual([]);
  });

  it('that is used a second time ends its tokens, even with a wrong verifier', async () => {
    const code = await issue();
    expect((await redeem(code)).status).toBe(200);
    expect((await redeem(code, { code_verifier: newPkce().verifier }, other)).body['error']).toBe('invalid_grant');
    expect(await reasonsOf(code.id)).toEqual(['CODE_REPLAYED']);
  });

  it.each([
    ['a wrong verifier', { code_verifier: newPkce().verifier }, 'invalid_grant', 'CODE_VERIFIER_WRONG'],
    ['the challenge as verifier (plain)', { code_verifier: 'challenge' }, 'invalid_grant', 'CODE_VERIFIER_WRONG'],
    ['a verifier that is too short', { code_verifier: 'a'.repeat(42) }, 'invalid_grant', 'CODE_VERIFIER_WRONG'],
    ['no verifier', { code_verifier: '' }, 'invalid_request', 'VERIFIER_MISSING'],
    ['no code', { code: '' }, 'invalid_request', 'CODE_MISSING'],
    ['another code', { code: newOneTimeSecret() }, 'invalid_grant', 'CODE_UNKNOWN'],
    ['another redirect_uri', { redirect_uri: `${REDIRECT}/x` }, 'invalid_grant', 'CODE_REDIRECT_DIFFERS'],
    ['another service (RFC 8707)', { resource: 'audit' }, 'invalid_target', 'invalid_target'],
    ['another service by the name of RFC 8693', { audience: 'audit' }, 'invalid_target', 'invalid_target'],
    ["another client's name", { client_id: 'pocket' }, 'invalid_grant', 'CODE_OF_ANOTHER_CLIENT'],
  ])('is useless with %s, and not used up by that', async (_, change, error, reason) => {
    const code = await issue();
    const sent = 'code_verifier' in change && change.code_verifier === 'challenge' ? code.challenge : undefined;
    const answer = await redeem(code, sent === undefined ? change : { code_verifier: sent });
    expect([answer.status, answer.body['error']]).toEqual([400, error]);
    const refused = (await issuer.dataOf('token.refused')).at(-1);
    expect(refused?.reason).toBe(reason);
    expect(refused?.txn === code.id).toBe(/^(?:CODE_(?:VERIFIER|REDIRECT|OF)_|invalid_target)/.test(reason));
    expect((await redeem(code)).status).toBe(200);
  });

  it('may be redeemed without redirect_uri, as in OAuth 2.1', async () => {
    expect((await redeem(await issue(), { redirect_uri: '' })).status).toBe(200);
  });

  it('expires after a minute', async () => {
    const answer = await redeem(await issue({ expiresAt: issuer.app.get<() => Date>(CLOCK)() }));
    expect(answer.body['error']).toBe('invalid_grant');
  });

  it('of a confidential client needs its credentials as well as the verifier', async () => {
    const change = { clientId: 'bookkeeper', redirectUri: 'https://books.example/cb' };
    const redirect_uri = change.redirectUri;
    const code = await issue(change);
    expect((await redeem(code, { client_id: 'bookkeeper', redirect_uri })).body['error']).toBe('invalid_client');
    const wrong = await redeem(code, { redirect_uri }, issuer.url, basic('bookkeeper', 'wrong'));
    expect(wrong.body['error']).toBe('invalid_client');
    expect((await redeem(code, { redirect_uri }, other, basic('bookkeeper', secret))).status).toBe(200);
  });

  it('is only for clients that declare the grant, and the name alone gets a public client nothing', async () => {
    const signed = await issuer.credentials();
    const answer = await issuer.token({ ...signed, grant_type: 'authorization_code', code: 'x', code_verifier: 'y' });
    expect(answer.body['error']).toBe('unauthorized_client');
    const own = {
      grant_type: 'client_credentials',
      client_id: 'planner',
      audience: 'payments',
      scope: 'payments:create',
    };
    expect((await tokenOf(own, issuer.url, {})).body['error']).toBe('unauthorized_client');
  });

  it("grants what the client's policy allows when it is redeemed", async () => {
    const code = await issue({ clientId: 'office', redirectUri: 'https://office.example/cb' });
    const narrower = {
      ...applications.office,
      policy: { people: { payments: ['payments:create'], issuer: ['openid'] } },
    };
    await issuer.admin('PUT', '/admin/clients/office', narrower, other);
    const change = { client_id: 'office', redirect_uri: 'https://office.example/cb' };
    expect((await redeem(code, change)).body['error']).toBe('invalid_scope');
  });

  it('of a session that has ended since yields nothing', async () => {
    const bob = await signedIn(issuer.app, issuer.url, 'bob');
    const code = await issue({}, bob);
    await issuer.database.query(`update session set ended_at = now(), ended_by = 'person' where id = $1`, [
      bob.session.id,
    ]);
    expect((await redeem(code)).body['error']).toBe('invalid_grant');
    expect(await reasonsOf(code.id)).toEqual([]);
  });

  it("yields nothing once the person has ended the application's access, even within its minute", async () => {
    const cleo = await signedIn(issuer.app, issuer.url, 'cleo');
    const [code, elsewhere] = [
      await issue({}, cleo),
      await issue({ clientId: 'pocket', redirectUri: 'http://127.0.0.1/cb' }, cleo),
    ];
    const { form_token: token = '' } = hiddenFields(await open(`${other}/sign-out`, cleo));
    const form = { form_token: token, client_id: 'planner' };
    expect((await submit(`${issuer.url}/account/applications/end`, form, cleo)).status).toBe(303);
    expect((await redeem(code, {}, other)).body['error']).toBe('invalid_grant');
    expect(await reasonsOf(code.id)).toEqual([]);
    const change = { client_id: 'pocket', redirect_uri: 'http://127.0.0.1/cb' };
    expect((await redeem(elsewhere, change)).status).toBe(200);
  });

  it('that has expired by this replica’s clock is revoked too, for a replica whose clock is behind', async () => {
    const code = await issue({ expiresAt: new Date(Date.now() - 2_000) });
    await issuer.app
      .get<Database>(DATABASE)
      .transaction((transaction) => issuer.app.get(CodesStore).withdraw(transaction, { clientId: 'planner' }));
    expect((await issuer.app.get(CodesStore).find(digestOfSecret(code.code)))?.withdrawnAt).toBeInstanceOf(Date);
  });

  it("that is redeemed while the person ends the application's access leaves nothing working", async () => {
    const dora = await signedIn(issuer.app, issuer.url, 'dora');
    const { form_token: token = '' } = hiddenFields(await open(`${issuer.url}/sign-out`, dora));
    const codes = await Promise.all(Array.from({ length: 8 }, () => issue({}, dora)));
    const end = () => submit(`${other}/account/applications/end`, { form_token: token, client_id: 'planner' }, dora);
    await Promise.all([...codes.map((code) => redeem(code)), end()]);
    for (const { id } of codes) expect(await reasonsOf(id)).not.toContain('live');
  });

  it("that is requested without a page while the person ends the application's access is not issued, or yields nothing", async () => {
    const eda = await signedIn(issuer.app, issuer.url, 'eda');
    const asked = { response_type: 'code', client_id: 'planner', redirect_uri: REDIRECT, scope: 'payments:create' };
    const pkce = newPkce();
    const request = { ...asked, code_challenge: pkce.challenge, code_challenge_method: 'S256' };
    const visit = (more = {}, at = issuer.url) =>
      open(`${at}/oauth2/authorize?${new URLSearchParams({ ...request, ...more }).toString()}`, eda);
    const allowed = await submit(`${issuer.url}/consent`, { ...hiddenFields(await visit()), decision: 'allow' }, eda);
    const first = { code: allowed.location?.searchParams.get('code') ?? '', ...pkce };
    expect((await redeem(first)).status).toBe(200);
    // The end of the application waits for what it allowed, while the application asks again, silently.
    const { form_token: token = '' } = hiddenFields(await open(`${issuer.url}/sign-out`, eda));
    await issuer.database.query('begin');
    await issuer.database.query('select from delegation where person_id = $1 for update', [eda.session.person.id]);
    const ended = submit(`${other}/account/applications/end`, { form_token: token, client_id: 'planner' }, eda);
    const waits = async (locktype: string) => {
      const { rows } = await issuer.database.query<{ waiting: boolean }>(
        `select exists (select from pg_locks where locktype = $1 and not granted) as waiting`,
        [locktype],
      );
      return rows[0]?.waiting === true;
    };
    while (!(await waits('transactionid'))) await new Promise(setImmediate);
    let answered = false;
    const silent = visit({ prompt: 'none' }).finally(() => {
      answered = true;
    });
    while (!answered && !(await waits('advisory'))) await new Promise(setImmediate);
    await issuer.database.query('commit');
    expect((await ended).status).toBe(303);
    expect((await silent).location?.searchParams.get('error')).toBe('consent_required');
  });

  it('that names a key is redeemed only with a proof of that key, and its token is bound to it', async () => {
    const [key, thief] = [await generateSigningKey(), await generateSigningKey()];
    const proof = (of: PrivateJwk) => ({
      dpop: createDpopProof({ key: of, method: 'POST', url: `${issuer.url}/oauth2/token` }),
    });
    const code = await issue({ dpopKey: thumbprintOf(key) });
    expect((await redeem(code)).body['error']).toBe('invalid_grant');
    expect((await redeem(code, {}, issuer.url, proof(thief))).body['error']).toBe('invalid_grant');
    const { status, body } = await redeem(code, {}, other, proof(key));
    expect([status, body['token_type']]).toEqual([200, 'DPoP']);
    expect(decodeJwt(String(body['access_token']))).toMatchObject({ cnf: { jkt: thumbprintOf(key) } });
  });
});
