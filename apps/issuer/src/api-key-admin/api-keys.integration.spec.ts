import {
  apiKeyHash,
  createVerifier,
  generateSigningKey,
  makeApiKey,
  publicJwkOf,
  type TokenVerifier,
  API_KEY_TOKEN_TYPE,
} from '@countersign/auth-core';
import { uuidv7 } from '@countersign/audit-event';
import { jest } from '@jest/globals';
import { startIssuer, type Answer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

describe('API keys at two replicas of the issuer', () => {
  let issuer: IssuerUnderTest;
  let verifier: TokenVerifier;
  let count = 0;

  beforeAll(async () => {
    issuer = await startIssuer(
      { API_KEYS_PER_CLIENT: '40', API_KEY_ENVIRONMENT: 'test', RATE_LIMIT_ADDRESS_PER_MINUTE: '2000' },
      2,
    );
    verifier = await createVerifier({ issuer: issuer.url, audience: 'payments' });
  }, 120_000);
  afterAll(async () => {
    verifier.close();
    await issuer.stop();
  }, 60_000);

  const wanted = (more: object = {}) => {
    count += 1;
    return { client_id: 'shop', name: `key ${String(count)}`, audiences: { payments: ['payments:read'] }, ...more };
  };
  async function made(
    more: object = {},
  ): Promise<{ readonly id: string; readonly key: string; readonly name: string }> {
    const { status, body } = await issuer.admin('POST', '/admin/api-keys', wanted(more));
    expect(status).toBe(201);
    return { id: String(body['id']), key: String(body['api_key']), name: String(body['name']) };
  }
  async function exchange(
    key: string,
    more: Readonly<Record<string, string>> = {},
    client: 'shop' | 'payments' | 'operator' = 'payments',
    at = issuer.url,
  ): Promise<Answer> {
    const form = {
      grant_type: exchangeGrant,
      subject_token: key,
      subject_token_type: API_KEY_TOKEN_TYPE,
      audience: 'payments',
      ...(await issuer.credentials(client)),
      ...more,
    };
    return issuer.token(form, at);
  }
  /** A key that is live in the database; its text is not known. */
  async function live(offset = 0): Promise<{ readonly id: string }> {
    const { rows } = await issuer.database.query<{ id: string }>(
      'select id from api_key where revoked_at is null and successor is null order by id desc offset $1 limit 1',
      [offset],
    );
    const [row] = rows;
    if (row === undefined) throw new Error('there is a live key');
    return row;
  }
  function reportOf(id: string, count: number, network: string, at = new Date()): object {
    const hour = new Date(Math.floor(at.getTime() / 3_600_000) * 3_600_000).toISOString();
    const use = { api_key_id: id, hour, route_class: 'read', outcome: 'allowed', count };
    return { id: crypto.randomUUID(), uses: [use], networks: [{ api_key_id: id, network }] };
  }
  /** Calls a route of the services, as payments. @returns the status */
  async function asService(path: string, body: object, at = issuer.url): Promise<number> {
    const { body: answer } = await issuer.token({
      audience: 'issuer',
      scope: 'api-keys:report',
      ...(await issuer.credentials('payments')),
    });
    const headers = { authorization: `Bearer ${String(answer['access_token'])}`, 'content-type': 'application/json' };
    return (await fetch(`${at}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).status;
  }
  const tokenOf = async (key: string): Promise<string> => String((await exchange(key)).body['access_token']);
  const codeOf = ({ status, body }: Answer) => [status, body['code'] ?? body['error']];

  it('are shown once, and stored as a digest that never appears in a response or event', async () => {
    const { id, key } = await made();
    expect(key).toMatch(/^csk_test_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}$/);
    const shown = await issuer.admin('GET', `/admin/api-keys/${id}`, undefined, issuer.urls[1]);
    expect(shown.body).toMatchObject({
      id,
      client_id: 'shop',
      status: 'live',
      audiences: { payments: ['payments:read'] },
    });
    const { rows: kept } = await issuer.database.query<{ digest: string }>('select * from api_key where id = $1', [id]);
    const [{ digest } = { digest: '' }] = kept;
    expect(digest).toHaveLength(43);
    await exchange(key);
    const { rows: outbox } = await issuer.database.query('select event from audit_outbox_event');
    const secret = key.slice(-49);
    for (const where of [shown.body, kept, outbox]) expect(JSON.stringify(where)).not.toContain(secret);
    for (const where of [shown.body, outbox]) expect(JSON.stringify(where)).not.toContain(digest);
    expect(JSON.stringify(outbox)).not.toContain(apiKeyHash(key));
  });

  it('are made once for one Idempotency-Key, whose repeat shows the same key', async () => {
    const [body, headers] = [wanted(), { 'idempotency-key': uuidv7() }];
    const first = await issuer.admin('POST', '/admin/api-keys', body, issuer.url, headers);
    const again = await issuer.admin('POST', '/admin/api-keys', body, issuer.urls[1], headers);
    expect([first.status, again.status, again.body['api_key']]).toEqual([201, 201, first.body['api_key']]);
    expect((await issuer.dataOf('answer.replayed')).at(-1)).toMatchObject({
      action: 'api-key:create',
      resource: `api-key/${String(first.body['id'])}`,
    });
    const path = `/admin/api-keys/${String(first.body['id'])}`;
    for (const step of ['disable', 'enable', 'rotate', 'revoke']) {
      const keyed = { 'idempotency-key': uuidv7() };
      const answers = [];
      for (const url of issuer.urls) answers.push(await issuer.admin('POST', `${path}/${step}`, {}, url, keyed));
      expect(answers.map(({ status }) => status)).toEqual(step === 'rotate' ? [201, 201] : [200, 200]);
      expect(answers[1]?.body).toEqual(answers[0]?.body);
    }
  });

  it('last as long as the policy says, or as requested within the limit', async () => {
    const { id } = await made();
    const { body } = await issuer.admin('GET', `/admin/api-keys/${id}`);
    const life = Date.parse(String(body['expires_at'])) - Date.parse(String(body['created_at']));
    expect(life).toBe(90 * 86_400_000);
    for (const expires_at of ['2020-01-01T00:00:00Z', '2099-01-01T00:00:00Z']) {
      const answer = await issuer.admin('POST', '/admin/api-keys', wanted({ expires_at }));
      expect(codeOf(answer)).toEqual([422, 'EXPIRY_INVALID']);
    }
  });

  it('reach no further than the policy of their client', async () => {
    const refused = async (more: object) => codeOf(await issuer.admin('POST', '/admin/api-keys', wanted(more)));
    expect(await refused({ audiences: { payments: ['payments:refund'] } })).toEqual([422, 'POLICY_EXCEEDED']);
    expect(await refused({ audiences: { accounts: ['accounts:read'] } })).toEqual([422, 'POLICY_EXCEEDED']);
    expect(await refused({ audiences: {} })).toEqual([400, 'REQUEST_INVALID']);
    expect(await refused({ client_id: 'nobody' })).toEqual([404, 'CLIENT_UNKNOWN']);
    expect(await refused({ plan: 'gold' })).toEqual([422, 'PLAN_UNKNOWN']);
    expect(await refused({ networks: ['192.0.2.1'] })).toEqual([400, 'REQUEST_INVALID']);
    expect((await issuer.dataOf('api-key.change_refused')).at(-1)).toMatchObject({
      outcome: 'failed',
      reason: 'PLAN_UNKNOWN',
    });
  });

  it('have names that cannot forge a log line or a header', async () => {
    for (const name of ['a\r\nset-cookie: x', 'a\nb', '', ' a', 'a\u0000', 'ключ', 'a'.repeat(65), 'a"b']) {
      const answer = await issuer.admin('POST', '/admin/api-keys', wanted({ name }));
      expect(codeOf(answer)).toEqual([400, 'REQUEST_INVALID']);
    }
  });

  it('are exchanged by a service for a token for its own audience, about the application, naming the key', async () => {
    const { id, key, name } = await made();
    const { status, body } = await exchange(key, {}, 'payments', issuer.urls[1]);
    expect([status, body['scope'], body['token_type']]).toEqual([200, 'payments:read', 'Bearer']);
    const principal = verifier.verify(String(body['access_token']));
    expect(principal).toMatchObject({
      subject: 'shop',
      clientId: 'shop',
      kind: 'application',
      actors: [],
      apiKey: { id, name },
    });
    const issued = (await issuer.dataOf('token.issued')).at(-1);
    expect(issued).toMatchObject({
      principal: { subject: 'shop', api_key: { id, name } },
      action: 'token:exchange',
      changes: { exchanged_by: 'payments' },
    });
  });

  it('stay in the trail through further exchanges', async () => {
    const { id, key } = await made({ audiences: { payments: ['payments:create'] } });
    const { body } = await exchange(await tokenOf(key), {
      subject_token_type: accessTokenType,
      audience: 'accounts',
      scope: 'transfers:create',
    });
    const [, claims = ''] = String(body['access_token']).split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      sub: 'shop',
      act: { sub: 'payments' },
      api_key: { id },
    });
  });

  it('are useless to another service, for another audience or another scope', async () => {
    const { key } = await made();
    expect(codeOf(await exchange(key, {}, 'operator'))).toEqual([400, 'invalid_target']);
    expect(codeOf(await exchange(key, { audience: 'operator' }, 'operator'))).toEqual([400, 'invalid_target']);
    expect(codeOf(await exchange(key, { scope: 'payments:create' }))).toEqual([400, 'invalid_scope']);
    expect(codeOf(await exchange(key, { subject_token_type: accessTokenType }))).toEqual([400, 'invalid_request']);
  });

  it('are refused with one answer and one lookup, whatever is wrong with them', async () => {
    const { id, key } = await made();
    const [revoked, disabled, expired] = [await made(), await made(), await made()];
    await issuer.admin('POST', `/admin/api-keys/${revoked.id}/revoke`, {});
    await issuer.admin('POST', `/admin/api-keys/${disabled.id}/disable`, {});
    await issuer.database.query(`update api_key set expires_at = now() - interval '1 second' where id = $1`, [
      expired.id,
    ]);
    const bad = {
      API_KEY_MALFORMED: `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`,
      API_KEY_UNKNOWN: makeApiKey('test', uuidv7()),
      'API_KEY_UNKNOWN ': makeApiKey('test', id),
      'API_KEY_UNKNOWN  ': makeApiKey('live', id),
      API_KEY_REVOKED: revoked.key,
      API_KEY_DISABLED: disabled.key,
      API_KEY_EXPIRED: expired.key,
    };
    const answers = new Set<string>();
    for (const [reason, text] of Object.entries(bad)) {
      const { status, body } = await exchange(text);
      answers.add(`${String(status)} ${JSON.stringify(body)}`);
      expect((await issuer.dataOf('token.refused')).at(-1)).toMatchObject({ outcome: 'denied', reason: reason.trim() });
    }
    expect([...answers]).toEqual(['400 {"error":"invalid_grant","error_description":"the API key is not accepted"}']);
  });

  it('cost the same work to refuse, whatever is wrong with them: one lookup and one digest', async () => {
    const [{ id, key: good }, revoked, disabled, expired] = [await made(), await made(), await made(), await made()];
    await issuer.admin('POST', `/admin/api-keys/${revoked.id}/revoke`, {});
    await issuer.admin('POST', `/admin/api-keys/${disabled.id}/disable`, {});
    await issuer.database.query(`update api_key set expires_at = now() - interval '1 second' where id = $1`, [
      expired.id,
    ]);
    const { ApiKeysStore } = await import('../api-keys/api-keys.store.js');
    const { Replica } = await import('../registry/replica.service.js');
    const lookUps = issuer.apps.map((app) => jest.spyOn(app.get(ApiKeysStore), 'find'));
    // Each digest takes it once, and nothing else in an exchange does.
    const digests = issuer.apps.map((app) => jest.spyOn(app.get(Replica), 'secretKey', 'get'));
    const callsOf = (spies: readonly { readonly mock: { readonly calls: readonly unknown[] } }[]) =>
      spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
    const workOf = async (text: string): Promise<readonly number[]> => {
      for (const spy of [...lookUps, ...digests]) spy.mockClear();
      const { status } = await exchange(text);
      return [status, callsOf(lookUps), callsOf(digests)];
    };
    try {
      const bad = { unknown: makeApiKey('test', uuidv7()), wrongSecret: makeApiKey('test', id) };
      // What was just revoked has every exchange decided again, until all replicas know it.
      for (let tries = 0; tries < 20 && (await workOf(good))[1] !== 1; tries += 1);
      for (const text of [bad.unknown, bad.wrongSecret, revoked.key, disabled.key, expired.key])
        expect(await workOf(text)).toEqual([400, 1, 1]);
      expect(await workOf(good)).toEqual([200, 1, 1]);
      expect(await workOf(`${good.slice(0, -1)}${good.endsWith('0') ? '1' : '0'}`)).toEqual([400, 0, 0]);
      expect(await workOf(`csk_${'0'.repeat(80)}`)).toEqual([400, 0, 0]);
    } finally {
      for (const spy of [...lookUps, ...digests]) spy.mockRestore();
    }
  });

  it('of a client with a thousand cost no more than one, and end together when their client is disabled', async () => {
    const { Replica } = await import('../registry/replica.service.js');
    const { newApiKey } = await import('../api-keys/new-api-key.js');
    const client_id = `crowd-${String(Date.now())}`;
    const jwks = { keys: [publicJwkOf(await generateSigningKey())] };
    const audiences = { payments: ['payments:read'] };
    const registered = await issuer.admin('POST', '/admin/clients', { client_id, jwks, policy: { audiences } });
    expect(registered.status).toBe(201);
    const secret = issuer.app.get(Replica).secretKey;
    const settings = { environment: 'test', lifetimeDays: 1, lifetimeLimitDays: 1, warningDays: 1, perClient: 1 };
    const expiresAt = new Date(Date.now() + 60 * 86_400_000);
    const keys = Array.from({ length: 1_000 }, (_, n) =>
      newApiKey(
        {
          clientId: client_id,
          name: `crowd ${String(n)}`,
          audiences,
          networks: [],
          plan: null,
          createdBy: 'test',
          expiresAt,
        },
        settings,
        secret,
        new Date(),
      ),
    );
    await issuer.database.query(
      `insert into api_key (id, client_id, name, digest, audiences, networks, created_at, created_by, expires_at)
       select id, client_id, name, digest, $2, '[]', now(), 'test', $3
       from jsonb_to_recordset($1) as k (id uuid, client_id text, name text, digest text)`,
      [
        JSON.stringify(
          keys.map(({ row: { id, clientId, name, digest } }) => ({ id, client_id: clientId, name, digest })),
        ),
        audiences,
        expiresAt,
      ],
    );
    expect(codeOf(await issuer.admin('POST', '/admin/api-keys', wanted({ client_id })))).toEqual([
      409,
      'API_KEYS_LIMIT',
    ]);
    const shown = [keys[0], keys[500], keys[999]].map((made) => made?.key ?? '');
    for (const text of shown) expect((await exchange(text)).status).toBe(200);
    const { rows } = await issuer.database.query<{ 'QUERY PLAN': string }>(
      `explain select * from api_key where id = '${keys[500]?.row.id ?? ''}'`,
    );
    expect(JSON.stringify(rows)).toContain('Index Scan using api_key_pkey');
    await issuer.admin('POST', `/admin/clients/${client_id}/disable`, {});
    for (const text of shown) expect(codeOf(await exchange(text))).toEqual([400, 'invalid_grant']);
  });

  it('that are valid are served through a flood of others, which counts against its network', async () => {
    const { key } = await made();
    const from = { client_address: '192.0.2.77' };
    const statuses: number[] = [];
    for (let guess = 0; guess < 24; guess += 1)
      statuses.push((await exchange(makeApiKey('test', uuidv7()), from)).status);
    expect(statuses.filter((status) => status === 400)).toHaveLength(20);
    expect(statuses.at(-1)).toBe(429);
    // A service must not take another 429, of its own limit, for this.
    expect(codeOf(await exchange(makeApiKey('test', uuidv7()), from))).toEqual([429, 'invalid_grant']);
    expect((await exchange(key, from)).status).toBe(200);
    expect((await exchange(makeApiKey('test', uuidv7()), { client_address: '192.0.2.78' })).status).toBe(400);
  });

  it('are refused when disabled, together with their exchanged tokens, and work again when enabled', async () => {
    const { id, key } = await made({ audiences: { payments: ['payments:create'] } });
    const token = await tokenOf(key);
    expect((await issuer.admin('POST', `/admin/api-keys/${id}/disable`, { reason: 'a look' })).body['status']).toBe(
      'disabled',
    );
    expect(codeOf(await exchange(key, {}, 'payments', issuer.urls[1]))).toEqual([400, 'invalid_grant']);
    const { rows } = await issuer.database.query(`select 1 from revocation where kind = 'api-key' and name = $1`, [id]);
    expect(rows).toHaveLength(1);
    const again = { subject_token_type: accessTokenType, audience: 'accounts', scope: 'transfers:create' };
    expect(codeOf(await exchange(token, again))).toEqual([400, 'invalid_request']);
    const announced = async () => {
      const { rows: found } = await issuer.database.query<{ at: Date }>(
        `select changed_at as at from revocation where kind = 'api-key' and name = $1`,
        [id],
      );
      return found[0]?.at.getTime() ?? 0;
    };
    const before = await announced();
    // A successor would work.
    expect(codeOf(await issuer.admin('POST', `/admin/api-keys/${id}/rotate`, {}))).toEqual([409, 'API_KEY_DISABLED']);
    expect((await issuer.dataOf('api-key.change_refused')).at(-1)).toMatchObject({
      ...{ resource: `api-key/${id}`, action: 'api-key:rotate', reason: 'API_KEY_DISABLED' },
    });
    await issuer.admin('POST', `/admin/api-keys/${id}/enable`, {});
    expect((await exchange(key, {}, 'payments', issuer.urls[1])).status).toBe(200);
    // By what the feed says of it services ask about it again.
    expect(await announced()).toBeGreaterThan(before);
    const good = await tokenOf(key);
    await issuer.admin('POST', `/admin/api-keys/${id}/enable`, {});
    expect((await exchange(good, again)).status).toBe(200);
  });

  it('are refused forever once revoked, immediately at every replica', async () => {
    const { id, key } = await made();
    await Promise.all([0, 1].map((at) => exchange(key, {}, 'payments', issuer.urls[at])));
    await issuer.admin('POST', `/admin/api-keys/${id}/revoke`, { reason: 'leaked' });
    for (const url of issuer.urls)
      expect(codeOf(await exchange(key, {}, 'payments', url))).toEqual([400, 'invalid_grant']);
    expect(codeOf(await issuer.admin('POST', `/admin/api-keys/${id}/enable`, {}))).toEqual([409, 'API_KEY_ENDED']);
    expect(codeOf(await issuer.admin('POST', `/admin/api-keys/${id}/rotate`, {}))).toEqual([409, 'API_KEY_ENDED']);
    expect((await issuer.dataOf('api-key.revoked')).at(-1)).toMatchObject({
      resource: `api-key/${id}`,
      changes: { reason: 'leaked' },
    });
  });

  it('are two for a while after a rotation, and no token outlives the grace period', async () => {
    const { id, key, name } = await made();
    const early = await tokenOf(key);
    const rotated = await issuer.admin('POST', `/admin/api-keys/${id}/rotate`, { grace_seconds: 60 });
    expect([rotated.status, rotated.body['name']]).toEqual([201, name]);
    const successor = String(rotated.body['id']);
    expect((await exchange(String(rotated.body['api_key']))).status).toBe(200);
    const old = verifier.verify(await tokenOf(key));
    const { body } = await issuer.admin('GET', `/admin/api-keys/${id}`);
    expect(body).toMatchObject({ status: 'rotated', successor });
    expect(old.expiresAt * 1_000).toBeLessThanOrEqual(Date.parse(String(body['ends_at'])));
    // What it was exchanged for before would have outlived it.
    const further = { subject_token_type: accessTokenType, audience: 'accounts', scope: 'transfers:create' };
    expect(codeOf(await exchange(early, further))).toEqual([400, 'invalid_request']);
    expect(codeOf(await issuer.admin('POST', `/admin/api-keys/${id}/rotate`, {}))).toEqual([409, 'API_KEY_ROTATED']);
    expect(codeOf(await issuer.admin('POST', `/admin/api-keys/${successor}/rotate`, {}))).toEqual([
      409,
      'API_KEY_EXISTS',
    ]);
    await issuer.database.query(`update api_key set ends_at = now() - interval '1 second' where id = $1`, [id]);
    expect(codeOf(await exchange(key))).toEqual([400, 'invalid_grant']);
  });

  it('with a name in use are refused, and so are more than a client may have, even if all are requested concurrently', async () => {
    const name = 'the same';
    const same = await Promise.all(
      [0, 1, 0, 1].map((at) => issuer.admin('POST', '/admin/api-keys', wanted({ name }), issuer.urls[at])),
    );
    expect(same.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    const many = await Promise.all(
      Array.from({ length: 60 }, (_, n) => issuer.admin('POST', '/admin/api-keys', wanted(), issuer.urls[n % 2])),
    );
    expect(
      codeOf(many.find(({ status }) => status === 409) ?? { status: 0, headers: new Headers(), body: {} }),
    ).toEqual([409, 'API_KEYS_LIMIT']);
    const { rows } = await issuer.database.query<{ live: number }>(
      `select count(*)::int as live from api_key where client_id = 'shop' and revoked_at is null and expires_at > now() and (ends_at is null or ends_at > now())`,
    );
    expect(rows[0]?.live).toBe(40);
  });

  it('are listed page by page, of one client or of all, and found again by those who found them', async () => {
    const ids: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const page: Answer = await issuer.admin('GET', `/admin/api-keys?client_id=shop&limit=7${cursor}`);
      const keys = page.body['api_keys'];
      if (!Array.isArray(keys)) throw new Error('a page has keys');
      ids.push(...keys.map(({ id }: { id: string }) => id));
      const next = page.body['next_cursor'];
      cursor = typeof next === 'string' ? `&cursor=${next}` : undefined;
    }
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort().reverse()).toEqual(ids);
    expect((await issuer.admin('GET', '/admin/api-keys?client_id=payments')).body).toEqual({ api_keys: [] });
    const [soon = '', sooner = ''] = ids;
    await issuer.database.query(`update api_key set expires_at = now() + interval '3 days' where id = $1`, [soon]);
    await issuer.database.query(`update api_key set ends_at = now() + interval '1 day' where id = $1`, [sooner]);
    const until = new Date(Date.now() + 14 * 86_400_000).toISOString();
    const ending = await issuer.admin('GET', `/admin/api-keys?ends_before=${until}`);
    expect(ending.body).toMatchObject({ api_keys: [{ id: sooner }, { id: soon }] });
    expect((await issuer.admin('GET', `/admin/api-keys?ends_before=${until}&cursor=${soon}`)).status).toBe(400);
    await issuer.database.query(
      `update api_key set expires_at = now() + interval '90 days', ends_at = null where id = any ($1)`,
      [[soon, sooner]],
    );
    const live = await issuer.database.query<{ id: string }>(
      'select id from api_key where revoked_at is null and successor is null order by id desc limit 1',
    );
    const [{ id } = { id: '' }] = live.rows;
    await issuer.admin('POST', `/admin/api-keys/${id}/revoke`, {});
    const { id: own, key } = await made();
    const found = [
      { id: own, sha256: apiKeyHash(key) },
      { id: own, sha256: apiKeyHash(`${key}x`) },
      { id: uuidv7(), sha256: apiKeyHash(key) },
    ];
    const { body } = await issuer.admin('POST', '/admin/api-keys/lookup', { keys: found });
    expect(body['keys']).toMatchObject([
      { id: own, status: 'live', client_id: 'shop' },
      { status: 'unknown' },
      { status: 'unknown' },
    ]);
  });

  it('have their use counted, each report once, and shown by hour, class and outcome', async () => {
    const { id } = await live();
    const report = reportOf(id, 7, '192.0.2.1');
    for (const url of issuer.urls) expect(await asService('/api-keys/usage', { reports: [report] }, url)).toBe(204);
    expect(await asService('/api-keys/usage', { reports: [reportOf(id, 5, '192.0.2.1')] })).toBe(204);
    const { body } = await issuer.admin('GET', `/admin/api-keys/${id}/usage`);
    expect(body).toMatchObject({
      totals: { allowed: 12, denied: 0, limited: 0 },
      uses: [{ audience: 'payments', route_class: 'read', outcome: 'allowed', count: 12 }],
    });
    expect(codeOf(await issuer.admin('GET', `/admin/api-keys/${id}/usage?from=2020-01-01T00:00:00Z`))).toEqual([
      400,
      'PERIOD_INVALID',
    ]);
    const unknown = uuidv7();
    expect(codeOf(await issuer.admin('GET', `/admin/api-keys/${unknown}/usage`))).toEqual([404, 'API_KEY_UNKNOWN']);
    expect(await asService('/api-keys/usage', { reports: [reportOf(unknown, 5, '192.0.2.1')] })).toBe(204);
  });

  it('have no time of the year 0, which the database cannot read', async () => {
    const { id } = await live();
    const yearZero = '0000-06-01T00:00:00Z';
    const paths = [
      `/admin/api-keys/${id}/usage?from=${yearZero}&to=0000-06-02T00:00:00Z`,
      `/admin/api-keys?ends_before=${yearZero}`,
    ];
    for (const path of paths)
      expect([path, codeOf(await issuer.admin('GET', path))]).toEqual([path, [400, 'REQUEST_INVALID']]);
    const use = { api_key_id: id, hour: yearZero, route_class: 'read', outcome: 'allowed', count: 1 };
    expect(await asService('/api-keys/usage', { reports: [{ id: uuidv7(), uses: [use], networks: [] }] })).toBe(400);
  });

  it('have as much reported at once as a service ever sends', async () => {
    const hour = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString();
    const use = { hour, route_class: 'a'.repeat(32), outcome: 'allowed', count: 1_000_000, last_at: hour };
    const full = {
      id: uuidv7(),
      uses: Array.from({ length: 200 }, () => ({ ...use, api_key_id: uuidv7() })),
      networks: Array.from({ length: 100 }, () => ({ api_key_id: uuidv7(), network: '2001:db8:aaaa:bbbb' })),
    };
    expect(await asService('/api-keys/usage', { reports: [full] })).toBe(204);
  });

  it('are noted for a new network, and for an hour with ten times the usual use', async () => {
    const { id } = await live(1);
    const of = async (type: string) =>
      (await issuer.dataOf(type)).filter(({ resource }) => resource === `api-key/${id}`);
    await asService('/api-keys/usage', { reports: [reportOf(id, 1, '192.0.2.1')] });
    expect(await of('api-key.new-network')).toEqual([]);
    await asService('/api-keys/usage', { reports: [reportOf(id, 1, '198.51.100.1')] });
    await asService('/api-keys/usage', { reports: [reportOf(id, 1, '198.51.100.1')] });
    expect(await of('api-key.new-network')).toMatchObject([
      {
        principal: null,
        txn: expect.any(String),
        request: { method: 'POST', route: '/api-keys/usage' },
        changes: { network: '198.51.100.1', service: 'payments' },
      },
    ]);
    const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
    const reports = [reportOf(id, 168, '192.0.2.1', hoursAgo(5)), reportOf(id, 1, '192.0.2.1', hoursAgo(168))];
    await asService('/api-keys/usage', { reports });
    const { id: fresh } = await live(2);
    for (const hours of [2, 1, 0])
      await asService('/api-keys/usage', { reports: [reportOf(fresh, 150, '192.0.2.1', hoursAgo(hours))] });
    const { ApiKeyUsageService } = await import('./api-key-usage.service.js');
    const check = () => Promise.all(issuer.apps.map((app) => app.get(ApiKeyUsageService).check()));
    await check();
    expect(await of('api-key.unusual')).toEqual([]);
    await asService('/api-keys/usage', { reports: [reportOf(id, 300, '192.0.2.1')] });
    await check();
    await check();
    expect(await of('api-key.unusual')).toMatchObject([{ changes: { count: 303, usual: 1 } }]);
    // Used alike in each hour since it is new.
    expect((await issuer.dataOf('api-key.unusual')).map(({ resource }) => resource)).not.toContain(`api-key/${fresh}`);
  });

  it('are marked when a service saw them in a URL, if they exist', async () => {
    const { id } = await live();
    await issuer.database.query('update api_key set revoked_at = now() where id = $1', [id]);
    const { id: exposed, key } = await made();
    expect(await asService('/api-keys/exposures', { api_key: key })).toBe(204);
    expect(await asService('/api-keys/exposures', { api_key: makeApiKey('test', exposed) })).toBe(204);
    expect((await issuer.admin('GET', `/admin/api-keys/${exposed}`)).body).toMatchObject({
      exposed_at: expect.any(String),
      exposed_at_service: 'payments',
    });
    expect(await issuer.dataOf('api-key.exposed')).toMatchObject([
      { resource: `api-key/${exposed}`, outcome: 'allowed' },
      { resource: 'api-key/unknown', outcome: 'failed' },
    ]);
  });

  it('record their last use to the minute, and announce their expiry once', async () => {
    const { rows: some } = await issuer.database.query<{ id: string }>(
      `select id from api_key where client_id = 'shop' and revoked_at is null and successor is null order by id limit 1`,
    );
    const [{ id } = { id: '' }] = some;
    await issuer.database.query(`update api_key set expires_at = now() + interval '3 days' where id = $1`, [id]);
    const { ApiKeyExpiry } = await import('./api-key-expiry.service.js');
    const { ApiKeyUses } = await import('../api-keys/api-key-uses.service.js');
    await Promise.all(issuer.apps.map((app) => app.get(ApiKeyExpiry).check()));
    await Promise.all(issuer.apps.map((app) => app.get(ApiKeyExpiry).check()));
    expect(
      (await issuer.dataOf('api-key.expiring')).filter(({ resource }) => resource === `api-key/${id}`),
    ).toHaveLength(1);
    expect(await (await fetch(`${issuer.url}/metrics`)).text()).toMatch(/^issuer_api_keys_expiring\S* 1$/m);
    await Promise.all(issuer.apps.map((app) => app.get(ApiKeyUses).write()));
    const { rows } = await issuer.database.query<{ at: Date }>(
      'select max(last_used_at) as at from api_key where last_used_at is not null',
    );
    const at = rows[0]?.at.getTime() ?? 0;
    expect(at % 60_000).toBe(0);
    expect(Date.now() - at).toBeLessThan(600_000);
    const [{ id: late } = { id: '' }] = await (async () => {
      const { rows: unused } = await issuer.database.query<{ id: string }>(
        'select id from api_key where last_used_at is null limit 1',
      );
      return unused;
    })();
    // The reports of a service that was unavailable for hours: it says when, and an older one does not.
    const use = {
      api_key_id: late,
      hour: '2026-11-20T10:00:00.000Z',
      route_class: 'read',
      outcome: 'allowed',
      count: 1,
    };
    const lastUse = async (more: object) => {
      const report = { id: uuidv7(), uses: [{ ...use, ...more }], networks: [] };
      expect(await asService('/api-keys/usage', { reports: [report] })).toBe(204);
      await Promise.all(issuer.apps.map((app) => app.get(ApiKeyUses).write()));
      return (await issuer.admin('GET', `/admin/api-keys/${late}`)).body['last_used_at'];
    };
    expect(await lastUse({ last_at: '2026-11-20T10:17:00.000Z' })).toBe('2026-11-20T10:17:00.000Z');
    expect(await lastUse({ hour: '2026-11-20T09:00:00.000Z' })).toBe('2026-11-20T10:17:00.000Z');
    expect(await lastUse({ hour: '2026-11-20T12:00:00.000Z' })).toBe('2026-11-20T12:59:00.000Z');
    expect(await lastUse({ last_at: '2026-11-21T10:17:00.000Z' })).toBe('2026-11-20T12:59:00.000Z');
  });

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    expect(await issuer.recorded()).toEqual(
      expect.arrayContaining([
        'api-key.created allowed',
        'api-key.looked-at allowed',
        'api-key.looked-at failed',
        'api-key.rotated allowed',
        'api-key.disabled allowed',
        'api-key.enabled allowed',
        'api-key.tokens-revoked allowed',
      ]),
    );
  });
});
