import { setTimeout as delay } from 'node:timers/promises';
import {
  CLIENT_ASSERTION_TYPE,
  createDpopProof,
  generateSigningKey,
  publicJwkOf,
  signClientAssertion,
  thumbprintOf,
  type PrivateJwk,
} from '@countersign/auth-core';
import { decodeJwt } from 'jose';
import { applications, basic, registerApplications } from '../testing/applications.js';
import { askToken, granted, issueCode, redeemCode, type TestClient } from '../testing/granted.js';
import { startIssuer, type Answer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { signedIn, type SignedIn } from '../testing/signed-in.js';
import { DelegationExpiry } from './delegation-expiry.service.js';
import { parseRefreshToken } from './refresh-token.js';
import { RefreshTokens } from './refresh-tokens.service.js';

describe('refresh tokens', () => {
  let issuer: IssuerUnderTest;
  let other: string;
  let ada: SignedIn;
  let key: PrivateJwk;
  let bookkeeper: TestClient;
  let planner: TestClient;
  const offline = { scopes: ['openid', 'offline_access', 'payments:create', 'payments:read'] };

  beforeAll(async () => {
    // Long, so that a slow machine is no replay; the tests of its end move the family back in time.
    issuer = await startIssuer({ REFRESH_TOKEN_AGAIN_SECONDS: '600', RATE_LIMIT_ADDRESS_PER_MINUTE: '0' }, 2);
    other = issuer.urls[1] ?? '';
    const secret = await registerApplications(issuer);
    key = await generateSigningKey();
    bookkeeper = { clientId: 'bookkeeper', headers: basic('bookkeeper', secret) };
    planner = { clientId: 'planner', key };
    ada = await signedIn(issuer.app, issuer.url, 'ada', { roles: ['treasurer'], acr: 'urn:example:strong' });
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  const begin = (asking = planner, who = ada, allowed: Parameters<typeof granted>[3] = offline) =>
    granted(issuer, who, asking, allowed);
  const refresh = (token: unknown, asking = planner, further: Readonly<Record<string, string>> = {}, at = issuer.url) =>
    askToken(issuer, { grant_type: 'refresh_token', refresh_token: String(token), ...further }, asking, { at });
  const shift = (id: string, seconds: number) =>
    issuer.database.query(
      `update refresh_family set begun_at = begun_at - make_interval(secs => $2), used_at = used_at - make_interval(secs => $2),
         rotations = (select coalesce(jsonb_agg(at::float8 - $2 * 1000), '[]') from jsonb_array_elements_text(rotations) at)
       where delegation_id = $1`,
      [id, seconds],
    );
  const endOf = async (id: string) => {
    const { rows } = await issuer.database.query<{ because: string | null }>(
      'select ended_because as because from delegation where id = $1',
      [id],
    );
    return rows[0]?.because ?? 'live';
  };
  /** Adds delegations like one that there is. */
  const repeat = (id: string, times: number) =>
    issuer.database.query(
      `insert into delegation (id, person_id, client_id, audience, scopes, session_id, auth_time, amr, roles, created_at)
       select gen_random_uuid(), person_id, client_id, audience, scopes, session_id, auth_time, amr, roles, created_at
       from delegation cross join generate_series(1, $2) where id = $1`,
      [id, times],
    );
  const refusedAs = async ({ status, body }: Answer) => [
    status,
    body['error'],
    (await issuer.dataOf('token.refused')).at(-1)?.reason,
  ];

  it('are rotated at each use, and yield a token like the previous one', async () => {
    const first = await begin();
    const second = await refresh(first.body['refresh_token'], planner, {}, other);
    const third = await refresh(second.body['refresh_token']);
    expect([first, second, third].map(({ status }) => status)).toEqual([200, 200, 200]);
    const tokens = [first, second, third].map(({ body }) => String(body['refresh_token']));
    expect(new Set(tokens).size).toBe(3);
    const { exp, iat, jti, ...before } = decodeJwt(String(first.body['access_token']));
    expect(decodeJwt(String(third.body['access_token']))).toMatchObject(before);
    expect(before).toMatchObject({ kind: 'person', txn: first.id, roles: ['treasurer'], acr: 'urn:example:strong' });
    expect(before).toMatchObject({ cnf: { jkt: thumbprintOf(key) }, auth_time: expect.any(Number) });
    expect([typeof exp, typeof iat, typeof jti]).toEqual(['number', 'number', 'string']);
    const { rows } = await issuer.database.query('select * from refresh_family');
    const kept = JSON.stringify(rows);
    for (const token of tokens) expect(kept).not.toContain(token.slice(-40));
  });

  it('are for public clients only with a key, and only for clients that declare the grant', async () => {
    const unbound = await begin({ clientId: 'planner' });
    expect([unbound.status, unbound.body['refresh_token']]).toEqual([200, undefined]);
    const office = await begin({ clientId: 'office', key });
    expect([office.status, office.body['refresh_token']]).toEqual([200, undefined]);
    const stranger = await refresh('x', { clientId: 'office' });
    expect(stranger.body['error']).toBe('unauthorized_client');
  });

  it('return the same successor within the window, at every replica, and after it end everything, with an alert', async () => {
    const { body, id } = await begin();
    const used = body['refresh_token'];
    const { body: second } = await refresh(used);
    for (const at of [other, issuer.url]) {
      const again = await refresh(used, planner, {}, at);
      expect([again.status, again.body['refresh_token']]).toEqual([200, second['refresh_token']]);
    }
    await shift(id, 601);
    expect(await refusedAs(await refresh(used))).toEqual([400, 'invalid_grant', 'REFRESH_TOKEN_REPLAYED']);
    expect(await endOf(id)).toBe('REFRESH_REPLAYED');
    expect(await refusedAs(await refresh(second['refresh_token'], planner, {}, other))).toEqual([
      400,
      'invalid_grant',
      'DELEGATION_ENDED',
    ]);
    const { rows } = await issuer.database.query<{ type: string }>(
      `select event->>'type' as type from audit_outbox_event where event->'data'->>'txn' = $1 and event->>'type' !~ 'token.(issued|refused)'`,
      [id],
    );
    expect(rows.map(({ type }) => type.split('.').slice(2, 4).join('.')).sort()).toEqual([
      'delegation.begun',
      'delegation.ended',
      'refresh-token.replayed',
      'transaction.revoked',
    ]);
    const metrics = await (await fetch(`${issuer.url}/metrics`)).text();
    expect(metrics).toMatch(/issuer_refresh_tokens_total\{outcome="replayed"[^}]*\} [1-9]/);
  });

  it('are useless with another key, without one, or for another client, and not used up by that', async () => {
    const { body, id } = await begin();
    const token = body['refresh_token'];
    const thief = await generateSigningKey();
    for (const asking of [{ clientId: 'planner' }, { clientId: 'planner', key: thief }]) {
      expect((await refresh(token, asking)).body['error']).toBe('invalid_grant');
    }
    const pocket = await refresh(token, { clientId: 'pocket', key });
    expect(await refusedAs(pocket)).toEqual([400, 'invalid_grant', 'REFRESH_TOKEN_OF_ANOTHER_CLIENT']);
    expect((await refresh(token)).status).toBe(200);
    // A used one, shown without the key, ends nothing: else anyone who saw it could sign the person out.
    await shift(id, 601);
    expect((await refresh(token, { clientId: 'planner', key: thief })).body['error']).toBe('invalid_grant');
    expect(await endOf(id)).toBe('live');
  });

  it('are not used up by a replayed proof, nor are codes; a copied request ends nothing', async () => {
    const copied = (): TestClient => ({
      clientId: 'planner',
      headers: { dpop: createDpopProof({ key, method: 'POST', url: `${issuer.url}/oauth2/token` }) },
    });
    const once = copied();
    const { body, id } = await begin();
    const used = body['refresh_token'];
    const places = [issuer.url, other, issuer.url, other, issuer.url, other];
    const answers = await Promise.all(places.map((at) => refresh(used, once, {}, at)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400, 400]);
    const next = answers.find(({ status }) => status === 200)?.body['refresh_token'];
    expect(await refusedAs(await refresh(next, once, {}, other))).toEqual([
      400,
      'invalid_dpop_proof',
      'DPOP_PROOF_REPLAYED',
    ]);
    const code = await issueCode(issuer, ada, { dpopKey: thumbprintOf(key) });
    expect(await refusedAs(await redeemCode(issuer, code, once))).toEqual([
      400,
      'invalid_dpop_proof',
      'DPOP_PROOF_REPLAYED',
    ]);
    const refusals = (await issuer.dataOf('token.refused')).filter(({ reason }) => reason === 'DPOP_PROOF_REPLAYED');
    expect(refusals.slice(-7).map(({ txn }) => txn)).toEqual([id, id, id, id, id, id, code.id]);
    expect((await redeemCode(issuer, code, planner)).status).toBe(200);
    await shift(id, 601);
    expect((await refresh(used, once)).body['error']).toBe('invalid_dpop_proof');
    expect(await endOf(id)).toBe('live');
    const thief = copied();
    expect(await refusedAs(await refresh(used, thief))).toEqual([400, 'invalid_grant', 'REFRESH_TOKEN_REPLAYED']);
    expect(await endOf(id)).toBe('REFRESH_REPLAYED');
    // What was refused has used its proof up too.
    expect((await redeemCode(issuer, await issueCode(issuer, ada), thief)).body['error']).toBe('invalid_dpop_proof');
  });

  it('of a confidential client need its credentials, and keep yielding bound tokens if they started so', async () => {
    const tokens = await begin(bookkeeper);
    expect((await refresh(tokens.body['refresh_token'], { clientId: 'bookkeeper' })).body['error']).toBe(
      'invalid_client',
    );
    expect((await refresh(tokens.body['refresh_token'], bookkeeper)).status).toBe(200);
    const bound = await begin({ ...bookkeeper, key });
    expect((await refresh(bound.body['refresh_token'], bookkeeper)).body['error']).toBe('invalid_grant');
    const moved = await refresh(bound.body['refresh_token'], { ...bookkeeper, key: await generateSigningKey() });
    expect([moved.status, moved.body['token_type']]).toEqual([200, 'DPoP']);
  });
  it('yield less when less is requested, and never more', async () => {
    const { body, id } = await begin();
    let token = body['refresh_token'];
    const narrow = await refresh(token, planner, { scope: 'payments:create' });
    expect([narrow.body['scope'], narrow.body['id_token']]).toEqual(['payments:create', undefined]);
    token = narrow.body['refresh_token'];
    const whole = await refresh(token, planner, { resource: 'payments' });
    expect(whole.body['scope']).toBe(offline.scopes.join(' '));
    token = whole.body['refresh_token'];
    const who = await refresh(token, planner, { resource: 'issuer' });
    expect([who.status, who.body['scope']]).toEqual([200, 'openid offline_access']);
    token = who.body['refresh_token'];
    for (const [further, error] of [
      [{ scope: 'payments:refund' }, 'invalid_scope'],
      [{ scope: 'a"b' }, 'invalid_scope'],
      [{ resource: 'accounts' }, 'invalid_target'],
      [{ resource: 'issuer', scope: 'payments:create' }, 'invalid_target'],
    ] as const) {
      expect((await refresh(token, planner, further)).body['error']).toBe(error);
      expect((await issuer.dataOf('token.refused')).at(-1)?.txn).toBe(id);
    }
    expect((await refresh(token)).status).toBe(200);
  });

  it('end with the session, unless the person allowed offline_access', async () => {
    const bob = await signedIn(issuer.app, issuer.url, 'bob');
    const online = await begin(planner, bob, { scopes: ['openid', 'payments:create'] });
    const away = await begin(planner, bob);
    await issuer.database.query(`update session set seen_at = now() - interval '2 hours' where id = $1`, [
      bob.session.id,
    ]);
    const ended = await refresh(online.body['refresh_token']);
    expect(await refusedAs(ended)).toEqual([400, 'invalid_grant', 'SESSION_ENDED']);
    expect((await refresh(away.body['refresh_token'])).status).toBe(200);
  });

  it.each([
    ['unused for too long', 14 * 86_400 + 1],
    ['too old', 90 * 86_400 + 1],
  ])('end when they are %s', async (_why, seconds) => {
    const { body, id } = await begin();
    await shift(id, seconds);
    const answer = await refresh(body['refresh_token']);
    expect(answer.body['error']).toBe('invalid_grant');
    expect(await endOf(id)).toBe('live');
  });

  it('of a disabled person yield nothing, and roles are current', async () => {
    const carol = await signedIn(issuer.app, issuer.url, 'carol', { roles: ['treasurer'] });
    const { body, id } = await begin(planner, carol);
    await issuer.database.query(`update person set roles = '{clerk}' where id = $1`, [carol.session.person.id]);
    const demoted = await refresh(body['refresh_token']);
    expect(decodeJwt(String(demoted.body['access_token']))['roles']).toEqual(['clerk']);
    await issuer.database.query(`update person set disabled_at = now(), disabled_by = 'x' where id = $1`, [
      carol.session.person.id,
    ]);
    expect(await refusedAs(await refresh(demoted.body['refresh_token']))).toEqual([
      400,
      'invalid_grant',
      'PERSON_DISABLED',
    ]);
    // By which an auditor finds whose it was.
    expect((await issuer.dataOf('token.refused')).at(-1)?.txn).toBe(id);
  });

  it.each(['', 'csr_', `csr_${'A'.repeat(70)}`, 'not-one'])('are not %j', async (token) => {
    expect((await refresh(token)).body['error']).toMatch(/invalid_grant|invalid_request/);
  });

  it('whose family is locked by another transaction wait for it, and no others do', async () => {
    const [held, free] = [await begin(), await begin()];
    await issuer.database.query('begin');
    await issuer.database.query('select from refresh_family where delegation_id = $1 for update', [held.id]);
    const waiting = refresh(held.body['refresh_token']);
    expect((await refresh(free.body['refresh_token'])).status).toBe(200);
    await issuer.database.query('commit');
    expect((await waiting).status).toBe(200);
  });

  it('return the currently valid token if another replica rotated while they waited', async () => {
    const { body, id } = await begin();
    await issuer.database.query('begin');
    await issuer.database.query('select from refresh_family where delegation_id = $1 for update', [id]);
    const waiting = refresh(body['refresh_token']);
    // Another use ends only after it has read what it is of, and the first one began before.
    const free = await begin();
    expect((await refresh(free.body['refresh_token'])).status).toBe(200);
    await issuer.database.query('update refresh_family set generation = 2, rotations = $2 where delegation_id = $1', [
      id,
      JSON.stringify([Date.now(), Date.now()]),
    ]);
    await issuer.database.query('commit');
    const { status, body: got } = await waiting;
    expect([status, parseRefreshToken(String(got['refresh_token']))?.generation]).toEqual([200, 2]);
    const { rows } = await issuer.database.query('select generation from refresh_family where delegation_id = $1', [
      id,
    ]);
    expect(rows).toEqual([{ generation: 2 }]);
    expect((await refresh(got['refresh_token'], planner, {}, other)).status).toBe(200);
  });

  it('codes and assertions work once in two groups of one process, and waiting in one delays nobody in the other', async () => {
    const own = await generateSigningKey();
    const clientId = 'signer';
    const declared = { ...applications.bookkeeper, client_id: clientId, token_endpoint_auth_method: 'private_key_jwt' };
    const { status } = await issuer.admin('POST', '/admin/clients', {
      ...declared,
      jwks: { keys: [publicJwkOf(own)] },
    });
    expect(status).toBe(201);
    const sign = () => signClientAssertion({ clientId, key: own, audience: issuer.url });
    const ask = (form: Readonly<Record<string, string>>, assertion: string) =>
      askToken(issuer, { ...form, client_assertion_type: CLIENT_ASSERTION_TYPE, client_assertion: assertion }, {});
    const code = async () => {
      const { code: text, verifier, id } = await issueCode(issuer, ada, { clientId, allowed: offline });
      return { id, form: { grant_type: 'authorization_code', code: text, code_verifier: verifier } };
    };
    const use = async () => {
      const { form } = await code();
      const { body } = await ask(form, await sign());
      return { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) };
    };
    /** Another transaction uses up an assertion, and has not decided yet. */
    const hold = async (assertion: string): Promise<void> => {
      const { jti, exp } = decodeJwt(assertion);
      await issuer.database.query('begin');
      await issuer.database.query(`insert into client_assertion values ($1, $2, to_timestamp($3))`, [
        clientId,
        jti,
        exp,
      ]);
    };
    const held = async (): Promise<void> => {
      const waits = `select from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))`;
      while ((await issuer.database.query(waits)).rowCount === 0) await delay(5);
    };

    const [taken, other, third] = [await code(), await code(), await code()];
    const [first, copied] = [await sign(), await sign()];
    await hold(first);
    const redeemed = ask(taken.form, first);
    await held();
    const [again, stolen] = [ask(taken.form, copied), ask(third.form, first)];
    expect((await ask(other.form, await sign())).status).toBe(200);
    await issuer.database.query('rollback');
    const answers = await Promise.all([redeemed, again, stolen]);
    expect(answers.map(({ body }) => body['error'])).toEqual([undefined, 'invalid_grant', 'invalid_client']);
    expect([await endOf(taken.id), await endOf(other.id)]).toEqual(['CODE_REPLAYED', 'live']);

    const [family, apart] = [await use(), await use()];
    const last = await sign();
    await hold(last);
    const rotated = ask(family, last);
    await held();
    const uses = [ask(family, await sign()), ask(family, await sign())];
    expect((await ask(apart, await sign())).status).toBe(200);
    await issuer.database.query('rollback');
    const successors = (await Promise.all([rotated, ...uses])).map(({ body }) => String(body['refresh_token']));
    expect(new Set(successors).size).toBe(1);
    expect(parseRefreshToken(successors[0] ?? '')?.generation).toBe(1);
  });

  it('end by revocation (RFC 7009), used or not, with the access tokens of their delegation', async () => {
    const { body, id } = await begin();
    await refresh(body['refresh_token']);
    const revoke = (token: unknown, client: string) =>
      fetch(`${other}/oauth2/revoke`, {
        method: 'POST',
        body: new URLSearchParams({ token: String(token), client_id: client, token_type_hint: 'refresh_token' }),
      });
    const resource = `delegation/${id}`;
    expect((await revoke(body['refresh_token'], 'pocket')).status).toBe(400);
    expect((await issuer.dataOf('token.revoke_refused')).at(-1)).toMatchObject({ resource, txn: id });
    expect(await endOf(id)).toBe('live');
    expect((await revoke(body['refresh_token'], 'planner')).status).toBe(200);
    expect(await endOf(id)).toBe('BY_CLIENT');
    expect((await revoke(body['refresh_token'], 'planner')).status).toBe(200);
    expect((await issuer.dataOf('token.revoke_ignored')).at(-1)).toMatchObject({ resource, txn: id });
    const another = await begin();
    // As another request does at this moment.
    await issuer.database.query(`update delegation set ended_at = now(), ended_because = 'BY_PERSON' where id = $1`, [
      another.id,
    ]);
    expect((await revoke(another.body['access_token'], 'planner')).status).toBe(200);
    const { jti } = decodeJwt(String(another.body['access_token']));
    expect((await issuer.dataOf('token.revoked')).at(-1)?.resource).toBe(`token/${String(jti)}`);
  });

  it('reveal nothing by introspection, no matter who asks (RFC 7662, section 4)', async () => {
    const { body } = await begin(bookkeeper);
    const token = String(body['refresh_token']);
    const payments = await issuer.credentials('payments');
    for (const [form, headers] of [
      [payments, {}],
      [{}, bookkeeper.headers ?? {}],
    ] as const) {
      const sent = { method: 'POST', headers, body: new URLSearchParams({ token, ...form }) };
      expect(await (await fetch(`${issuer.url}/oauth2/introspect`, sent)).json()).toEqual({ active: false });
    }
    expect((await refresh(token, bookkeeper)).status).toBe(200);
  });

  describe('end with what an administrator revokes', () => {
    const revoke = (body: object) => issuer.admin('POST', '/admin/revocations', body);
    const live = async ({ session }: SignedIn) => {
      const { rows } = await issuer.database.query('select from session where id = $1 and ended_at is null', [
        session.id,
      ]);
      return rows.length === 1;
    };

    it('their person, whose sessions end too; not by a revocation up to a time before they began', async () => {
      const eve = await signedIn(issuer.app, issuer.url, 'eve');
      const subject = eve.session.person.id;
      const { body, id } = await begin(planner, eve);
      const waiting = await issueCode(issuer, eve, { dpopKey: thumbprintOf(key) });
      const earlier = new Date(Date.now() - 60_000).toISOString();
      expect((await revoke({ kind: 'subject', subject, issued_before: earlier })).status).toBe(201);
      expect([await endOf(id), await live(eve)]).toEqual(['live', true]);
      expect((await revoke({ kind: 'subject', subject })).status).toBe(201);
      expect([await endOf(id), await live(eve)]).toEqual(['BY_ADMIN', false]);
      const entries = 'select kind from revocation where name = any ($1)';
      expect((await issuer.database.query(entries, [[id, subject]])).rows).toEqual([{ kind: 'subject' }]);
      expect(await refusedAs(await refresh(body['refresh_token']))).toEqual([400, 'invalid_grant', 'DELEGATION_ENDED']);
      expect(await refusedAs(await redeemCode(issuer, waiting, planner))).toEqual([
        400,
        'invalid_grant',
        'SESSION_ENDED',
      ]);
      expect(await live(ada)).toBe(true);
    });

    it('their client, with waiting codes, and their transaction', async () => {
      const pocket = { clientId: 'pocket', key };
      const [first, second] = [await begin(pocket), await begin(planner)];
      const waiting = await issueCode(issuer, ada, { clientId: 'pocket', dpopKey: thumbprintOf(key) });
      await repeat(first.id, 450);
      const keyed = () =>
        issuer.admin('POST', '/admin/revocations', { kind: 'client', client_id: 'pocket' }, issuer.url, {
          'idempotency-key': 'all-of-pocket',
        });
      expect((await keyed()).status).toBe(201);
      const { rows } = await issuer.database.query(
        `select count(*)::int as ended, count(distinct xmin::text)::int as transactions
         from delegation where client_id = 'pocket' and ended_because = 'BY_ADMIN'`,
      );
      // One over very many takes longer than a statement may.
      expect(rows).toEqual([{ ended: 451, transactions: 3 }]);
      await repeat(first.id, 250);
      expect((await keyed()).status).toBe(201);
      expect((await issuer.dataOf('answer.replayed')).at(-1)?.resource).toBe('client/pocket');
      const begun = `select count(*)::int as live from delegation where client_id = 'pocket' and ended_at is null`;
      expect((await issuer.database.query(begun)).rows).toEqual([{ live: 250 }]);
      expect([await endOf(first.id), await endOf(second.id)]).toEqual(['BY_ADMIN', 'live']);
      expect(await refusedAs(await redeemCode(issuer, waiting, pocket))).toEqual([
        400,
        'invalid_grant',
        'CONSENT_WITHDRAWN',
      ]);
      const jti = decodeJwt(String(second.body['access_token'])).jti;
      expect((await revoke({ kind: 'token', jti, txn: second.id, with_derived: true })).status).toBe(201);
      expect(await endOf(second.id)).toBe('BY_ADMIN');
      expect((await begin(pocket)).status).toBe(200);
    });
  });

  it('keep a delegation alive: one that can no longer yield tokens ends by itself', async () => {
    const dave = await signedIn(issuer.app, issuer.url, 'dave');
    const online = { scopes: ['payments:create'] };
    const age = (id: string) =>
      issuer.database.query(`update delegation set created_at = created_at - interval '1 hour' where id = $1`, [id]);
    const [young, once, kept, away] = [
      await begin({ clientId: 'planner' }, dave, online),
      await begin({ clientId: 'planner' }, dave, online),
      await begin(planner, dave, online),
      await begin(planner, dave),
    ];
    for (const { id } of [once, kept, away]) await age(id);
    const expiry = issuer.app.get(DelegationExpiry);
    await expiry.run();
    const ends = async () => {
      const found = [];
      for (const { id } of [young, once, kept, away]) found.push(await endOf(id));
      return found;
    };
    expect(await ends()).toEqual(['live', 'EXPIRED', 'live', 'live']);
    await issuer.database.query(
      `update session set seen_at = seen_at - interval '90 days', created_at = created_at - interval '90 days' where id = $1`,
      [dave.session.id],
    );
    await expiry.run();
    expect(await ends()).toEqual(['live', 'EXPIRED', 'EXPIRED', 'live']);
    await issuer.database.query('delete from refresh_family where delegation_id = $1', [away.id]);
    await expiry.run();
    expect(await ends()).toEqual(['live', 'EXPIRED', 'EXPIRED', 'EXPIRED']);
    await repeat(away.id, 450);
    expect(await expiry.run(undefined, 100)).toBe(450);
    const { rows } = await issuer.database.query('select from revocation where name = any ($1)', [
      [once.id, kept.id, away.id],
    ]);
    expect(rows).toEqual([]);
  });

  it('are deleted only when the last token from them has expired, so that it can be ended until then', async () => {
    const { id } = await begin();
    const grow = async (minutes: number): Promise<string> => {
      await issuer.database.query(
        `update refresh_family set begun_at = begun_at - make_interval(mins => $2) where delegation_id = $1`,
        [id, minutes],
      );
      await issuer.app.get(RefreshTokens).prune();
      await issuer.app.get(DelegationExpiry).run();
      return endOf(id);
    };
    await issuer.database.query(`update delegation set created_at = created_at - interval '90 days' where id = $1`, [
      id,
    ]);
    expect(await grow(90 * 24 * 60 + 1)).toBe('live');
    expect(await grow(14)).toBe('live');
    expect(await grow(3)).toBe('EXPIRED');
  });

  it('sign nobody out: a thousand parallel, interrupted and cut-off uses at two replicas leave one chain', async () => {
    const { body, id } = await begin(planner);
    const seen = new Map<number, Set<string>>();
    const note = (token: unknown): string => {
      const generation = parseRefreshToken(String(token))?.generation ?? -1;
      const tokens = seen.get(generation) ?? new Set<string>();
      seen.set(generation, tokens.add(String(token)));
      return String(token);
    };
    let newest = note(body['refresh_token']);
    let before = newest;
    const answers = { good: 0, interrupted: 0, failed: 0 };
    for (let round = 0; round < 20; round += 1) {
      const uses = Array.from({ length: 50 }, async (_, n) => {
        const abort = new AbortController();
        if (n % 5 === 0)
          setTimeout(() => {
            abort.abort();
          }, n);
        // Some come late, with the token before.
        const token = n % 7 === 0 ? before : newest;
        try {
          const form = { grant_type: 'refresh_token', refresh_token: token };
          const at = n % 2 === 0 ? issuer.url : other;
          const answer = await askToken(issuer, form, planner, { at, signal: abort.signal });
          if (answer.status >= 500) answers.failed += 1;
          else {
            expect({ status: answer.status, error: answer.body['error'] }).toEqual({ status: 200, error: undefined });
            answers.good += 1;
            note(answer.body['refresh_token']);
          }
        } catch (error) {
          if (!abort.signal.aborted) throw error;
          answers.interrupted += 1;
        }
      });
      if (round % 5 === 4) {
        await issuer.database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and query ilike '%refresh_family%'`,
        );
      }
      await Promise.all(uses);
      before = newest;
      const last = Math.max(...seen.keys());
      newest = [...(seen.get(last) ?? [])][0] ?? newest;
    }
    expect(answers.good + answers.interrupted + answers.failed).toBe(1_000);
    expect(answers.good).toBeGreaterThan(100);
    // Each generation is one token, at whichever replica it was made.
    for (const [generation, tokens] of seen) expect([generation, tokens.size]).toEqual([generation, 1]);
    const { rows } = await issuer.database.query<{ generation: number }>(
      'select generation from refresh_family where delegation_id = $1',
      [id],
    );
    expect(rows[0]?.generation).toBeGreaterThanOrEqual(Math.max(...seen.keys()));
    expect(await endOf(id)).toBe('live');
    expect((await refresh(newest)).status).toBe(200);
  }, 300_000);
});
