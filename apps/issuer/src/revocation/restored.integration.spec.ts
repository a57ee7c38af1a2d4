import { setTimeout as delay } from 'node:timers/promises';
import {
  CLIENT_ASSERTION_TYPE,
  createVerifier,
  publicJwkOf,
  signClientAssertion,
  TokenError,
  type TokenVerifier,
} from '@countersign/auth-core';
import { startRevocationFeed, type RevocationFeed } from '@countersign/revocation-feed';
import { connect } from '@nats-io/transport-node';
import { decodeJwt } from 'jose';
import pg from 'pg';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

const tables = [
  'registry',
  'client',
  'signing_key',
  'revocation_key',
  'issuer_secret',
  'revocation',
  'client_assertion',
];

/** The issuer's tables as they are now. @returns puts them back, as a restored backup does */
async function backUp(database: pg.Client): Promise<() => Promise<void>> {
  const backup = new Map<string, readonly string[]>();
  for (const table of tables) {
    const { rows } = await database.query<{ row: string }>(`select to_jsonb(t)::text as row from ${table} t`);
    backup.set(
      table,
      rows.map(({ row }) => row),
    );
  }
  return async () => {
    await database.query('begin');
    for (const [table, rows] of backup) {
      await database.query(`delete from ${table}`);
      for (const row of rows) {
        await database.query(`insert into ${table} select * from jsonb_populate_record(null::${table}, $1::jsonb)`, [
          row,
        ]);
      }
    }
    await database.query('commit');
  };
}

describe('an issuer whose database was restored from a backup', () => {
  let issuer: IssuerUnderTest;
  let feed: RevocationFeed;
  let verifier: TokenVerifier;
  let database: pg.Client;
  const requested = { audience: 'payments', scope: 'payments:create' };

  beforeAll(async () => {
    issuer = await startIssuer();
    database = new pg.Client({ connectionString: issuer.databaseUrl });
    await database.connect();
    const { nats, passwords } = issuer.backing;
    const user = { user: 'payments', pass: passwords.payments, inboxPrefix: '_INBOX_payments' };
    feed = startRevocationFeed({
      issuer: issuer.url,
      connect: () => connect({ servers: nats.url, ...user }),
      checkIntervalMs: 500,
    });
    await feed.loaded;
    verifier = await createVerifier({ issuer: issuer.url, audience: 'payments', revocations: feed });
  }, 180_000);
  afterAll(async () => {
    verifier.close();
    await feed.close();
    await database.end();
    await issuer.stop();
  }, 60_000);

  const newToken = async (at = issuer.url) => String((await issuer.token(requested, at)).body['access_token']);
  async function readinessOf(at: string): Promise<Record<string, unknown>> {
    const report = (await (await fetch(`${at}/health/ready`)).json()) as { notes: Record<string, unknown> };
    return report.notes;
  }
  async function restoredAt(at: string): Promise<unknown> {
    for (let attempt = 0; attempt < 300; attempt += 1) {
      const { body } = await issuer.admin('GET', '/admin/restoration', undefined, at);
      if (body['restored_at'] !== null) return body['restored_at'];
      await delay(50);
    }
    return null;
  }
  function codeOf(token: string): string {
    try {
      verifier.verify(token);
      return 'accepted';
    } catch (error) {
      return error instanceof TokenError ? error.code : String(error);
    }
  }

  it('adopts what it had stated, reports it, and refuses older assertions until that is acknowledged', async () => {
    const restore = await backUp(database);
    const [leaked, ofShop] = [await newToken(), await newToken()];
    await issuer.admin('POST', '/admin/revocations', { kind: 'token', jti: decodeJwt(leaked).jti });
    await issuer.admin('POST', '/admin/revocations', { kind: 'client', client_id: 'shop' });
    const used = await issuer.credentials();
    expect((await issuer.token({ ...requested, ...used })).status).toBe(200);
    for (let attempt = 0; attempt < 200 && feed.state().number !== 2; attempt += 1) await delay(50);
    expect(feed.state().number).toBe(2);

    await Promise.all(issuer.apps.map((app) => app.close()));
    await restore();
    const again = await issuer.join({});
    expect(await restoredAt(again)).toEqual(expect.any(String));
    expect((await readinessOf(again))['restored_database']).toMatchObject({ restored: true });
    // An assertion of the very second in which it was noticed is refused too.
    await delay(1_000);
    // The record that the assertion was used is lost.
    expect((await database.query('select 1 from client_assertion where client_id = $1', ['shop'])).rowCount).toBe(0);
    const replayed = await issuer.token({ ...requested, ...used }, again);
    expect([replayed.status, replayed.body['error']]).toEqual([401, 'invalid_client']);
    const { rows } = await database.query<{ kind: string; revoked_by: string }>(
      'select kind, revoked_by from revocation order by kind',
    );
    expect(rows).toEqual([
      { kind: 'client', revoked_by: 'issuer' },
      { kind: 'token', revoked_by: 'issuer' },
    ]);
    for (const token of [leaked, ofShop]) {
      const body = new URLSearchParams({ token, ...(await issuer.credentials()) });
      const answer = await (await fetch(`${again}/oauth2/introspect`, { method: 'POST', body })).json();
      expect([answer, codeOf(token)]).toEqual([{ active: false }, 'TOKEN_REVOKED']);
    }
    // Validators agree with what is stated now, and take what is issued now.
    for (let attempt = 0; attempt < 200 && feed.state().state !== 'current'; attempt += 1) await delay(50);
    expect(feed.state().state).toBe('current');
    expect(codeOf(await newToken(again))).toBe('accepted');

    expect((await issuer.admin('POST', '/admin/restoration/acknowledge', undefined, again)).body).toEqual({
      restored_at: null,
    });
    expect((await readinessOf(again))['restored_database']).toEqual({ restored: false });
    const events = await database.query<{ type: string }>(
      `select event->>'type' as type from audit_outbox_event where event->>'type' like 'countersign.issuer.database.%' order by position`,
    );
    expect(events.rows.map(({ type }) => type)).toEqual([
      'countersign.issuer.database.restored.v1',
      'countersign.issuer.database.acknowledged.v1',
    ]);
  }, 120_000);
});

describe('a database that goes back behind issuers that keep running', () => {
  let issuer: IssuerUnderTest;
  beforeAll(async () => {
    issuer = await startIssuer({}, 2);
  }, 180_000);
  afterAll(async () => {
    await issuer.stop();
  }, 60_000);

  it('is noticed: what was revoked since stays revoked, and no replica knows a client that the database lacks', async () => {
    const { url, urls, database, keys } = issuer;
    const restore = await backUp(database);
    const { kid, ...jwk } = publicJwkOf(keys.shop);
    const policy = { audiences: { payments: ['payments:create'] } };
    const late = { client_id: 'late', jwks: { keys: [{ kid, ...jwk }] }, policy };
    expect((await issuer.admin('POST', '/admin/clients', late)).status).toBe(201);
    const asLate = async (at: string): Promise<number> => {
      const client_assertion = await signClientAssertion({ clientId: 'late', audience: url, key: keys.shop });
      const form = { audience: 'payments', scope: 'payments:create', client_assertion_type: CLIENT_ASSERTION_TYPE };
      return (await issuer.token({ ...form, client_assertion }, at)).status;
    };
    for (const at of urls) expect(await asLate(at)).toBe(200);
    const leaked = String(
      (await issuer.token({ audience: 'payments', scope: 'payments:create' })).body['access_token'],
    );
    await issuer.admin('POST', '/admin/revocations', { kind: 'token', jti: decodeJwt(leaked).jti });
    // The whole list is stated with it within a quarter of a second.
    await delay(1_000);

    await restore();
    for (const at of urls) {
      let restoredAt: unknown = null;
      for (let attempt = 0; attempt < 200 && restoredAt === null; attempt += 1) {
        await delay(50);
        restoredAt = (await issuer.admin('GET', '/admin/restoration', undefined, at)).body['restored_at'];
      }
      expect(restoredAt).toEqual(expect.any(String));
      expect(await asLate(at)).toBe(401);
      await delay(1_000);
      const body = new URLSearchParams({ token: leaked, ...(await issuer.credentials()) });
      expect(await (await fetch(`${at}/oauth2/introspect`, { method: 'POST', body })).json()).toEqual({
        active: false,
      });
    }
    const { rows } = await database.query<{ kind: string; revoked_by: string }>(
      'select kind, revoked_by from revocation',
    );
    expect(rows).toEqual([{ kind: 'token', revoked_by: 'issuer' }]);
  }, 120_000);
});
