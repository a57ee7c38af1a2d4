import { randomUUID } from 'node:crypto';
import {
  generateSigningKey,
  publicJwkOf,
  signClientAssertion,
  type PrivateJwk,
  CLIENT_ASSERTION_TYPE,
} from '@countersign/auth-core';
import { importJWK, SignJWT } from 'jose';
import { startIssuer, type Answer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

describe('clients at two replicas', () => {
  let issuer: IssuerUnderTest;
  let other: string;
  const policy = { audiences: { payments: ['payments:create'] } };
  const requested = { audience: 'payments', scope: 'payments:create' };
  const basic = (id: string, secret: string) => ({
    authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
  });

  beforeAll(async () => {
    issuer = await startIssuer({}, 2);
    other = issuer.urls[1] ?? '';
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  it('knows a client at every replica as soon as it is registered', async () => {
    const key = await generateSigningKey('EdDSA');
    const registration = { client_id: 'courier', jwks: { keys: [publicJwkOf(key)] }, policy };
    expect((await issuer.admin('POST', '/admin/clients', registration)).status).toBe(201);
    const assertion = await signClientAssertion({ clientId: 'courier', audience: issuer.url, key });
    const form = { ...requested, client_assertion_type: CLIENT_ASSERTION_TYPE, client_assertion: assertion };
    expect((await issuer.token(form, other)).status).toBe(200);
    expect((await issuer.admin('POST', '/admin/clients', registration)).body['code']).toBe('CLIENT_EXISTS');
  });

  it('gives a disabled client nothing at any replica, and reveals nothing to it', async () => {
    expect((await issuer.token(requested, other)).status).toBe(200);
    const answer = await issuer.admin('POST', '/admin/clients/shop/disable');
    expect(answer.body).toMatchObject({ status: 'disabled', disabled_by: 'admin' });
    const [refused, unknown] = [
      await issuer.token(requested, other),
      await issuer.token(requested, other, basic('nobody', 'secret')),
    ];
    expect([refused.status, refused.body]).toEqual([401, unknown.body]);
    await issuer.admin('POST', '/admin/clients/shop/enable', undefined, other);
    expect((await issuer.token(requested)).status).toBe(200);
  });

  it('shows a secret once, keeps two alive, and forgets the third', async () => {
    const registration = { client_id: 'legacy', token_endpoint_auth_method: 'client_secret_basic', policy };
    const { body } = await issuer.admin('POST', '/admin/clients', registration);
    const secrets = [String(body['client_secret'])];
    for (let round = 0; round < 2; round += 1) {
      const made = await issuer.admin('POST', '/admin/clients/legacy/secrets', undefined, issuer.urls[round]);
      secrets.unshift(String(made.body['client_secret']));
    }
    const statuses = await Promise.all(
      [...secrets, 'wrong'].map(
        async (secret) => (await issuer.token(requested, other, basic('legacy', secret))).status,
      ),
    );
    expect(statuses).toEqual([200, 200, 401, 401]);
    const shown = await issuer.admin('GET', '/admin/clients/legacy');
    for (const secret of secrets) expect(JSON.stringify(shown.body)).not.toContain(secret);
    const { rows } = await issuer.database.query(
      'select secrets::text from client union all select event::text from audit_outbox_event',
    );
    for (const secret of secrets) expect(JSON.stringify(rows)).not.toContain(secret);
  });

  describe('under an Idempotency-Key', () => {
    const shown = ({ status, headers, body }: Answer) => [status, headers.get('idempotency-replayed'), body];
    const keyed = (key: string, path: string, body?: object, at?: string): Promise<Answer> =>
      issuer.admin('POST', path, body, at, { 'idempotency-key': key });
    const secretBased = (id: string) => ({ client_id: id, token_endpoint_auth_method: 'client_secret_basic', policy });

    it('shows the same secret again to a repeat at any replica, and makes no second one', async () => {
      const first = await keyed('register', '/admin/clients', secretBased('keyed'));
      expect(shown(first)).toMatchObject([201, null, { client_id: 'keyed', client_secret: expect.any(String) }]);
      // Members in another order are the same body.
      const { policy: last, ...others } = secretBased('keyed');
      const repeats = [
        await keyed('register', '/admin/clients', { policy: last, ...others }),
        await keyed('"register"', '/admin/clients', secretBased('keyed'), other),
      ];
      expect(repeats.map(shown)).toEqual(repeats.map(() => [201, 'true', first.body]));
      expect((await issuer.token(requested, other, basic('keyed', String(first.body['client_secret'])))).status).toBe(
        200,
      );
      const addSecret = async (at: string): Promise<Answer> => {
        const answer = await keyed('secret', '/admin/clients/keyed/secrets', undefined, at);
        return answer.status === 409 ? addSecret(at) : answer;
      };
      const many = await Promise.all(issuer.urls.flatMap((at) => [addSecret(at), addSecret(at), addSecret(at)]));
      expect(new Set(many.map(({ body }) => JSON.stringify(body))).size).toBe(1);
      expect(many.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
      expect(await issuer.dataOf('client-secret.added')).toHaveLength(
        (await issuer.dataOf('answer.replayed')).filter((data) => JSON.stringify(data).includes('client-secret:add'))
          .length - 2,
      );
      expect((await issuer.dataOf('answer.replayed')).at(-1)).toMatchObject({
        resource: 'client/keyed',
        action: 'client-secret:add',
        outcome: 'allowed',
      });
    });

    it('stores its responses encrypted', async () => {
      const { body } = await keyed('sealed', '/admin/clients', secretBased('sealed'));
      const { rows } = await issuer.database.query('select answer::text from idempotency_key');
      expect(rows.length).toBeGreaterThan(0);
      for (const hidden of [String(body['client_secret']), 'client_secret_basic'])
        expect(JSON.stringify(rows)).not.toContain(hidden);
    });

    it('treats another body as another request, and is free again after a day', async () => {
      const make = (id: string) => keyed('reused', '/admin/clients', secretBased(id));
      expect((await make('one')).status).toBe(201);
      expect(shown(await make('two'))).toMatchObject([422, null, { code: 'IDEMPOTENCY_KEY_REUSED' }]);
      expect((await keyed('reused', '/admin/clients/one/secrets')).body['code']).toBe('IDEMPOTENCY_KEY_REUSED');
      expect((await keyed('not one', '/admin/clients/one/secrets')).body['code']).toBe('IDEMPOTENCY_KEY_INVALID');
      expect((await issuer.dataOf('idempotency-key.refused')).at(-1)).toMatchObject({
        resource: 'idempotency-key/reused',
        outcome: 'failed',
        reason: 'IDEMPOTENCY_KEY_REUSED',
      });
      await issuer.database.query(
        `update idempotency_key set created_at = created_at - interval '25 hours' where key = 'reused'`,
      );
      expect(shown(await make('two'))).toMatchObject([201, null, { client_id: 'two' }]);
    });

    it('is not kept for a refusal: the same request is decided again', async () => {
      expect((await keyed('early', '/admin/clients/later/enable')).body['code']).toBe('CLIENT_UNKNOWN');
      await issuer.admin('POST', '/admin/clients', secretBased('later'));
      expect(shown(await keyed('early', '/admin/clients/later/enable'))).toMatchObject([
        200,
        null,
        { status: 'active' },
      ]);
    });

    it('gets 409 while its first request runs for long, and creates nothing', async () => {
      await issuer.database.query('begin');
      await issuer.database.query('update registry set version = version');
      const running = keyed('slow', '/admin/clients', secretBased('slow'));
      // The first one waits for the registry, with the key, before the second one asks for it.
      for (let locks = 0; locks === 0;) {
        const { rows } = await issuer.database.query<{ count: number }>(
          `select count(*)::int from pg_locks where locktype = 'advisory' and granted and objsubid = 1
             and pid <> pg_backend_pid()
             and database = (select oid from pg_database where datname = current_database())
             and pid in (select pid from pg_stat_activity where wait_event_type = 'Lock')`,
        );
        locks = rows[0]?.count ?? 0;
      }
      expect(shown(await keyed('slow', '/admin/clients', secretBased('slow'), other))).toMatchObject([
        409,
        null,
        { code: 'IDEMPOTENCY_IN_FLIGHT' },
      ]);
      await issuer.database.query('commit');
      expect((await running).status).toBe(201);
      expect(
        (await keyed('slow', '/admin/clients', secretBased('slow'), other)).headers.get('idempotency-replayed'),
      ).toBe('true');
    });

    it('also answers declarations and revocations once', async () => {
      const declared = { clients: [], dry_run: true };
      const dry = await keyed('dry', '/admin/clients/apply', declared);
      expect(shown(await keyed('dry', '/admin/clients/apply', declared))).toEqual([200, 'true', dry.body]);
      const revocation = { kind: 'subject', subject: 'mallory', reason: 'gone' };
      const { body } = await keyed('revoke', '/admin/revocations', revocation);
      expect(shown(await keyed('revoke', '/admin/revocations', revocation, other))).toEqual([
        201,
        'true',
        { ...body, pushed: false },
      ]);
      expect(await issuer.dataOf('subject.revoked')).toHaveLength(1);
    });
  });

  it('rotates the keys of a client without an outage', async () => {
    const next = await generateSigningKey();
    await issuer.admin('POST', '/admin/clients/payments/keys', publicJwkOf(next));
    const old = String(issuer.keys.payments.kid);
    const removed = await issuer.admin('DELETE', `/admin/clients/payments/keys/${old}`);
    expect([removed.status, JSON.stringify(removed.body['jwks']).includes(old)]).toEqual([200, false]);
    const last = await issuer.admin('DELETE', `/admin/clients/payments/keys/${next.kid}`);
    expect([last.status, last.body['code']]).toEqual([422, 'REGISTRATION_INVALID']);
    const form = {
      ...requested,
      ...(await issuer.credentials('payments')),
    };
    expect((await issuer.token(form, other)).status).toBe(401);
  });

  it('reports the difference of a declaration, applies it once, and never undoes what an admin did', async () => {
    const key = publicJwkOf(await generateSigningKey());
    const declared = [{ client_id: 'declared', jwks: { keys: [key] }, policy }];
    const apply = (clients: object[], dryRun = false) =>
      issuer.admin('POST', '/admin/clients/apply', { clients, dry_run: dryRun });
    const keep = ['shop', 'payments', 'operator'];
    const stand = async () => {
      const { body } = await issuer.admin('GET', '/admin/clients?limit=200');
      const clients = body['clients'];
      if (!Array.isArray(clients)) throw new Error('no page of clients');
      return clients.map((client: { client_id: string; status: string }) => client);
    };
    const known = async () =>
      (await stand())
        .filter(({ client_id: id }) => keep.includes(id))
        .map((client) => {
          const {
            client_id,
            jwks,
            policy: own,
          } = client as unknown as { client_id: string; jwks: object; policy: object };
          return { client_id, jwks, policy: own };
        });
    const all = [...(await known()), ...declared];
    const dry = await apply(all, true);
    expect(dry.body['changes']).toContainEqual({
      client_id: 'declared',
      kind: 'register',
      text: '+ declared: registered',
    });
    expect((await issuer.admin('GET', '/admin/clients/declared')).status).toBe(404);
    await apply(all);
    expect((await apply(all)).body['changes']).toEqual([]);
    await issuer.admin('POST', '/admin/clients/declared/disable');
    expect((await apply(all)).body['changes']).toEqual([]);
    await issuer.admin('POST', '/admin/clients/declared/enable');
    expect((await apply(await known())).body['changes']).toEqual([
      { client_id: 'declared', kind: 'disable', text: '- declared: no longer declared, disabled' },
    ]);
    expect((await apply(all)).body['changes']).toMatchObject([{ client_id: 'declared', kind: 'change' }]);
  });

  /** What the failed authentication of a request cost, by the issuer's own count. */
  async function workOf(fail: () => Promise<{ status: number }>): Promise<string> {
    const counts = async () => {
      const text = await (await fetch(`${other}/metrics`)).text();
      const kinds = text.matchAll(/^issuer_authentication_work_total\{kind="(\w+)".*\} (\d+(?:\.\d+)?)$/gm);
      return [...kinds].map(([, kind = '', count]) => [kind, Number(count)] as const);
    };
    const before = new Map(await counts());
    expect((await fail()).status).toBe(401);
    return (await counts()).map(([kind, count]) => `${kind} ${String(count - (before.get(kind) ?? 0))}`).join(', ');
  }

  it('does the same work for everyone who fails: nobody, a wrong key, a wrong secret, a disabled client', async () => {
    const stranger = await generateSigningKey();
    const secretBased = { token_endpoint_auth_method: 'client_secret_basic', policy };
    const { body } = await issuer.admin('POST', '/admin/clients', { client_id: 'gone', ...secretBased });
    await issuer.admin('POST', '/admin/clients/gone/disable');
    await issuer.admin('POST', '/admin/clients/shop/disable');
    const signedBy = (clientId: string, key: PrivateJwk) => async () => {
      const client_assertion = await signClientAssertion({ clientId, audience: issuer.url, key });
      return issuer.token({ ...requested, client_assertion_type: CLIENT_ASSERTION_TYPE, client_assertion }, other);
    };
    const knowing = (id: string, secret: string) => () => issuer.token(requested, other, basic(id, secret));
    const bySignature = [
      signedBy('nobody', stranger),
      signedBy('operator', stranger),
      signedBy('operator', { ...stranger, kid: issuer.keys.operator.kid }),
      signedBy('legacy', stranger),
      signedBy('shop', issuer.keys.shop),
    ];
    // A replica that has not seen a change yet decides twice.
    await knowing('nobody', 'x')();
    for (const fail of bySignature) expect(await workOf(fail)).toBe('signature 1, digest 0, scrypt 0');
    const nameless = (clientId: string) => async () => {
      const claims = { iss: clientId, sub: clientId, aud: issuer.url, jti: randomUUID() };
      const key = await importJWK(stranger, stranger.alg);
      const client_assertion = await new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256' })
        .setExpirationTime('30s')
        .sign(key);
      return issuer.token({ ...requested, client_assertion_type: CLIENT_ASSERTION_TYPE, client_assertion }, other);
    };
    for (const clientId of ['nobody', 'operator', 'legacy', 'shop']) {
      expect(await workOf(nameless(clientId))).toBe('signature 4, digest 0, scrypt 0');
    }
    const wrong = [knowing('nobody', 'x'), knowing('legacy', 'x'), knowing('operator', 'x'), knowing('gone', 'x')];
    for (const fail of [...wrong, knowing('gone', String(body['client_secret']))]) {
      expect(await workOf(fail)).toBe('signature 0, digest 1, scrypt 0');
    }
    const imported_secret = `$scrypt$ln=14,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;
    await issuer.admin('POST', '/admin/clients', { client_id: 'imported', ...secretBased, imported_secret });
    await knowing('nobody', 'x')();
    for (const fail of [...wrong, knowing('imported', 'x')]) {
      expect(await workOf(fail)).toBe('signature 0, digest 2, scrypt 1');
    }
    await issuer.admin('POST', '/admin/clients/shop/enable');
  });

  it('pages, and refuses callers without the scope', async () => {
    const first = await issuer.admin('GET', '/admin/clients?limit=1');
    const second = await issuer.admin('GET', `/admin/clients?limit=1&cursor=${String(first.body['next_cursor'])}`);
    expect(first.body['clients']).not.toEqual(second.body['clients']);
    const { body } = await issuer.token(requested);
    const headers = { authorization: `Bearer ${String(body['access_token'])}` };
    expect((await fetch(`${issuer.url}/admin/clients`, { headers })).status).toBe(401);
    expect((await fetch(`${issuer.url}/admin/clients`)).status).toBe(401);
  });

  it('records each change with what was before and after', async () => {
    expect((await issuer.dataOf('client.disabled'))[0]?.changes).toMatchObject({
      before: { status: 'active' },
      after: { status: 'disabled' },
    });
  });

  it('publishes the schema of the declared file', async () => {
    const schema = (await (await fetch(`${issuer.url}/schemas/clients.json`)).json()) as { properties: object };
    expect(Object.keys(schema.properties)).toContain('clients');
  });

  it('refuses a secret that was removed, and records that', async () => {
    const registration = { client_id: 'retiring', token_endpoint_auth_method: 'client_secret_basic', policy };
    const { body } = await issuer.admin('POST', '/admin/clients', registration);
    const made = await issuer.admin('POST', '/admin/clients/retiring/secrets');
    const [first, second] = [String(body['client_secret']), String(made.body['client_secret'])];
    const path = `/admin/clients/retiring/secrets/${String(made.body['secret_id'])}`;
    expect((await issuer.admin('DELETE', path)).status).toBe(200);
    const statuses = [first, second].map((secret) => issuer.token(requested, other, basic('retiring', secret)));
    expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([200, 401]);
    expect(await issuer.dataOf('client-secret.removed')).toEqual([
      expect.objectContaining({
        resource: 'client/retiring',
        outcome: 'allowed',
        txn: expect.any(String),
        changes: { before: expect.any(Object), after: expect.any(Object) },
      }),
    ]);
  });

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    expect(await issuer.recorded()).toEqual(
      expect.arrayContaining([
        'client.registered allowed',
        'client.enabled allowed',
        'client-key.added allowed',
        'client-key.removed allowed',
      ]),
    );
  });
});
