import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, newPassword, startPostgres, withDatabase, type Postgres } from '@countersign/backing-services';
import pg from 'pg';
import { z } from 'zod';
import { run } from '../run.js';
import { clockDifference } from './clocks.js';
import { findingsOf } from './readiness.js';
import { keyFindings } from './trail-and-keys.js';

const failureSchema = z.object({ ok: z.literal(false), code: z.string() });
const reportSchema = z.object({
  ok: z.boolean(),
  services: z.array(z.object({ service: z.string(), status: z.string() })),
  findings: z.array(z.object({ code: z.string(), where: z.string(), what: z.string(), to_do: z.string().min(10) })),
  not_asked: z.array(z.object({ check: z.string() })),
});

const well = {
  status: 'ready',
  checks: { database: 'ok', revocations: 'ok' },
  notes: {
    database_login: { may_change_schema: false },
    audit_relay: { connected: true, pending: 3, oldest_seconds: 1, lastError: null },
    revocation_feed: { state: 'current', unreadable: 0, lastError: null, keepError: null },
    issuer_keys: { keepError: null },
    intake: { consuming: true, stream_fill: 0.01, last_error: null },
    completeness: { alert: false, gaps: [] },
    search_index: { last_error: null },
    restored_database: { restored: false },
    accounts_circuit: 'closed',
  },
};

describe('what a readiness report asks to be done', () => {
  it('is nothing when all is well, also with notes that this version does not know', () => {
    expect(findingsOf('audit', well)).toEqual([]);
    expect(findingsOf('audit', { ...well, notes: { intake: 'of another version', other: { a: 1 } } })).toEqual([]);
  });

  it.each([
    ['database_login', { may_change_schema: true }, 'LOGIN_MAY_OWN'],
    ['audit_relay', { connected: false, lastError: 'no' }, 'RELAY_WITHOUT_NATS'],
    ['audit_relay', { connected: true, pending: 3, oldest_seconds: 900 }, 'OUTBOX_WAITS'],
    ['revocation_feed', { state: 'lost', unreadable: 0, lastError: 'no' }, 'REVOCATION_FEED_NOT_CURRENT'],
    ['revocation_feed', { state: 'current', unreadable: 2, lastError: null }, 'REVOCATIONS_UNREADABLE'],
    ['revocation_feed', { state: 'current', unreadable: 0, lastError: null, keepError: 'EACCES' }, 'NOT_KEPT'],
    ['issuer_keys', { keepError: 'EROFS' }, 'NOT_KEPT'],
    ['revocation_bucket', { connected: false, lastError: 'no' }, 'REVOCATION_BUCKET_AWAY'],
    ['restored_database', { restored: true }, 'DATABASE_RESTORED'],
    ['accounts_circuit', 'open', 'ACCOUNTS_UNREACHABLE'],
    ['intake', { consuming: true, stream_fill: 0.6, last_error: null }, 'STREAM_FILLING'],
    ['intake', { consuming: true, stream_fill: 0.99, last_error: null }, 'STREAM_FULL'],
    ['intake', { consuming: false, stream_fill: null, last_error: 'no' }, 'INTAKE_RESTS'],
    ['completeness', { alert: true, gaps: [{ source: 'payments' }] }, 'TRAIL_GAP'],
    ['search_index', { last_error: 'no' }, 'TASK_FAILED'],
  ])('is reported for the note %s %j', (name, note, code) => {
    const found = findingsOf('audit', { ...well, notes: { ...well.notes, [name]: note } });
    expect(found).toMatchObject([{ where: 'audit', code }]);
  });

  it('names each check that failed', () => {
    const report = { ...well, status: 'not_ready', checks: { database: 'No space left on device' } };
    expect(findingsOf('audit', report)).toMatchObject([
      { code: 'NOT_READY', what: 'database: No space left on device' },
    ]);
  });
});

describe('the clocks of services', () => {
  const second = Date.parse('2026-01-01T00:00:10.000Z');
  const read = (where: string, aheadMs: number, tookMs = 20) => ({
    where,
    begun: second + 300,
    ended: second + 300 + tookMs,
    date: new Date(second + 300 + aheadMs).toUTCString(),
  });

  it('are reported to differ when they certainly do, and the two are named', () => {
    const found = clockDifference([read('issuer', 0), read('payments', 4_000), read('audit', -4_000)]);
    expect(found).toMatchObject([{ code: 'CLOCKS_DIFFER', where: 'payments', what: expect.stringMatching(/audit/) }]);
  });

  it('are not blamed for a slow response, for the fraction that a Date omits, or for a missing Date', () => {
    expect(clockDifference([read('issuer', 0), read('payments', 900), read('audit', 9_000, 9_000)])).toEqual([]);
    expect(clockDifference([{ where: 'issuer', begun: second, ended: second, date: 'today' }])).toEqual([]);
  });
});

describe("the issuer's keys", () => {
  const key = (state: string) => ({ state, usable_from: '2026-01-01T00:00:00.000Z' });
  it('need one that signs and one that takes over', () => {
    expect(keyFindings('signing', [key('active'), key('pending'), key('removed')])).toEqual([]);
    expect(keyFindings('signing', [key('active')])).toMatchObject([{ code: 'KEY_WITHOUT_SUCCESSOR' }]);
    expect(keyFindings('revocation', [key('pending')])).toMatchObject([{ code: 'NO_ACTIVE_KEY' }]);
  });
});

describe('countersign doctor', () => {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  const stack = join(folder, '.countersign');
  let postgres: Postgres;
  let server: Server;
  let answer: object = well;
  const urls = { guarded: '', oneForAll: '', ownedByLogin: '' };

  /** @returns the exit code and the report, or the code of the failure */
  async function doctor(...args: readonly string[]) {
    const write = process.stdout.write.bind(process.stdout);
    let out = '';
    process.stdout.write = (text: string | Uint8Array) => (out += String(text)) !== '';
    try {
      const code = await run(['doctor', '--json', ...args]);
      const said: unknown = JSON.parse(out);
      const { success, data } = failureSchema.safeParse(said);
      return success ? { code, failure: data.code } : { code, report: reportSchema.parse(said) };
    } finally {
      process.stdout.write = write;
    }
  }
  const codes = ({ report }: Awaited<ReturnType<typeof doctor>>): readonly string[] =>
    (report?.findings ?? []).map(({ code, where }) => `${code} ${where}`);

  beforeAll(async () => {
    postgres = await startPostgres({ directory: join(folder, 'postgres'), password: newPassword(), fast: true });
    urls.guarded = (
      await postgres.createGuardedDatabase('payments', { service: newPassword(), migrator: newPassword() })
    ).service;
    urls.oneForAll = await postgres.createDatabase('accounts', newPassword());
    urls.ownedByLogin = await postgres.createDatabase('elsewhere', newPassword());
    server = createServer((_, response) => response.end(JSON.stringify(answer)));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    mkdirSync(join(stack, 'env'), { recursive: true });
    writeFileSync(join(stack, 'env/clients.json'), JSON.stringify({ clients: [] }));
    const urlFile = join(stack, 'env/accounts-database-url');
    writeFileSync(urlFile, `${urls.oneForAll}\n`);
    writeFileSync(join(stack, 'env/accounts.env'), `PORT=${String(port)}\nDATABASE_URL_FILE=${urlFile}\n`);
  }, 120_000);
  afterAll(async () => {
    await new Promise((done) => server.close(done));
    await postgres.stop();
    for (const one of [folder, postgres.directory]) rmSync(one, { recursive: true, force: true });
  }, 60_000);

  it('names databases that a login owns or may own, in the local stack or given, and what lacks migrations', async () => {
    const found = await doctor('--stack', stack, '--database', urls.ownedByLogin, '--database', urls.guarded);
    expect(found.code).toBe(1);
    expect(found.report?.services).toEqual([{ service: 'accounts', status: 'ready' }]);
    expect(codes(found)).toEqual([
      'LOGIN_MAY_OWN database accounts',
      'MIGRATIONS_MISSING database accounts',
      'OWNED_BY_LOGIN database elsewhere',
      'MIGRATIONS_MISSING database elsewhere',
      'MIGRATIONS_MISSING database payments',
    ]);
    expect(found.report?.not_asked.map(({ check }) => check)).toEqual([
      'dead letters',
      'signing keys',
      'revocation keys',
    ]);
  });

  it('exits with 0 once migrations have run and roles are separate', async () => {
    const client = new pg.Client({ connectionString: urls.oneForAll });
    await client.connect();
    await client.query('set role accounts_owner');
    await client.query('create schema drizzle');
    for (const table of ['__host_migrations', '__drizzle_migrations', '__outbox_migrations']) {
      await client.query(`create table drizzle.${table} (created_at bigint)`);
      await client.query(`insert into drizzle.${table} values (${String(Number.MAX_SAFE_INTEGER)})`);
    }
    await client.query('grant usage on schema drizzle to accounts');
    await client.query('grant select on all tables in schema drizzle to accounts');
    await client.query('create table audit_outbox_group (count integer, created_at timestamptz)');
    await client.query('grant select, insert, delete on audit_outbox_group to accounts');
    await client.end();
    expect(codes(await doctor('--stack', stack))).toEqual(['LOGIN_MAY_OWN database accounts']);
    const { migrator } = await postgres.createGuardedDatabase('accounts', {
      service: new URL(urls.oneForAll).password,
      migrator: newPassword(),
    });
    expect(await doctor('--stack', stack)).toMatchObject({ code: 0, report: { ok: true, findings: [] } });
    // The table that a run of migrations keeps until it has given the service its rights.
    await withDatabase(migrator, async (owner) => {
      await owner.query('set role accounts_owner');
      await owner.query('create table drizzle.__unfinished (login text)');
      expect(codes(await doctor('--stack', stack))).toEqual(['MIGRATIONS_MISSING database accounts']);
      await owner.query('drop table drizzle.__unfinished');
    });
  });

  it('names events waiting in groups, which a service rolled back to an older version neither sends nor counts', async () => {
    const client = new pg.Client({ connectionString: urls.oneForAll });
    await client.connect();
    await client.query('insert into audit_outbox_group values (7, now())');
    expect(await doctor('--stack', stack)).toMatchObject({ code: 0, report: { ok: true, findings: [] } });
    await client.query(
      `insert into audit_outbox_group values (5, now() - interval '3 min'), (20, '2025-11-27 12:00Z')`,
    );
    const found = await doctor('--stack', stack);
    await client.query('delete from audit_outbox_group');
    await client.end();
    expect(codes(found)).toEqual(['GROUPS_WAIT database accounts']);
    expect(found.report?.findings[0]?.what).toMatch(/^25 audit events .* since 2025-11-27T12:00:00.000Z$/);
  });

  it("names an earlier version's store of NATS, and a service or a database that does not answer", async () => {
    mkdirSync(join(stack, 'nats/store/jetstream/$G'), { recursive: true });
    answer = { hello: 'another program' };
    const closed = String(await freePort());
    writeFileSync(join(stack, 'env/payments.env'), `PORT=${closed}\n`);
    const away = 'postgres://payments:secret-password@127.0.0.1:1/payments';
    const found = await doctor('--stack', stack, '--database', away);
    expect(found.code).toBe(1);
    expect(codes(found)).toEqual([
      'NO_ANSWER payments',
      'NO_ANSWER accounts',
      'DATABASE_NOT_READ database payments',
      `OLD_NATS_STORE ${join(stack, 'nats/store/jetstream/$G')}`,
    ]);
    expect(found.report?.findings[0]?.what).toBe(
      `http://127.0.0.1:${closed}/health/ready does not answer: connect ECONNREFUSED 127.0.0.1:${closed}`,
    );
    expect(found.report?.findings[1]?.what).toMatch(/ answers 200 with something that is not a readiness report$/);
    expect(JSON.stringify(found)).not.toContain('secret-password');
    for (const unusable of ['p%ff@127.0.0.1/payments', 'p@127.0.0.1/payments?sslrootcert=/nowhere/ca.pem']) {
      const { report } = await doctor('--stack', stack, '--database', `postgres://payments:secret-${unusable}`);
      expect(report?.findings.find(({ where }) => where === 'database payments')).toMatchObject({
        code: 'DATABASE_NOT_READ',
        what: expect.stringMatching(/^127\.0\.0\.1: its URL cannot be used: (?!.*secret)/),
      });
    }
    rmSync(join(stack, 'env/payments.env'));
  });

  it('exits with 2 if it has nothing to check', async () => {
    const missing = join(folder, 'nowhere');
    expect(await doctor('--stack', missing)).toMatchObject({ code: 2 });
    expect(await doctor('--stack', stack, '--database', 'payments')).toEqual({ code: 2, failure: 'USAGE' });
  });
});
