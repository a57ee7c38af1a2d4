import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AuditOutbox, KNOWN_INDEX_HEADER, startRelay, type Relay } from '@countersign/audit-client';
import { defineEvents, uuidv7 } from '@countersign/audit-event';
import {
  newNatsPasswords,
  newPassword,
  startNats,
  startPostgres,
  testFolder,
  type Nats,
  type Postgres,
} from '@countersign/backing-services';
import { openCheckpoint, parseVerifierKey, verifyConsistency, type Checkpoint } from '@countersign/merkle-log';
import { openDatabase } from '@countersign/service-host';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { headers } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { pino } from 'pino';
import { z } from 'zod';
import { events } from '../events.js';
import { auditVariables, startAudit } from '../testing/audit-service.js';
import { ownEventFaults, ownEvents } from '../testing/own-events.js';
import { knownIndexKeysOf, knownPlace } from './known-index.js';

const reportSchema = z.object({
  state: z.string(),
  next_index: z.coerce.number(),
  end_index: z.coerce.number(),
  missing: z.array(z.object({ first: z.coerce.number(), last: z.coerce.number() })),
  lost: z.array(z.object({ first: z.coerce.number(), last: z.coerce.number() })).optional(),
});
const consistencySchema = z.object({ to: z.coerce.number(), hashes: z.array(z.string()) });

async function until(what: () => Promise<boolean>, within = 40_000): Promise<void> {
  for (const deadline = Date.now() + within; ;) {
    if (await what().catch(() => false)) return;
    if (Date.now() > deadline) throw new Error(`it did not come about: ${what.toString()}`);
    await delay(100);
  }
}

const payment = defineEvents({
  source: 'payments',
  kinds: { payment: 'UUIDv7' },
  events: { 'payment.read': { when: 'Always.', action: 'payments:read', resource: 'payment' } },
});
const transfer = defineEvents({
  source: 'accounts',
  kinds: { transfer: 'UUIDv7' },
  events: { 'transfer.read': { when: 'Always.', action: 'transfers:read', resource: 'transfer' } },
});

describe('the trail, its database restored from a backup', () => {
  const directory = testFolder();
  const adminPassword = newPassword();
  const auditPassword = newPassword();
  const passwords = newNatsPasswords();
  const key = JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
  let postgres: Postgres;
  let nats: Nats;
  let issuer: TestIssuer;
  let payments: pg.Pool;
  let outbox: AuditOutbox;
  let relay: Relay;
  /** A service whose first event is younger than the first backup. */
  let accounts: pg.Pool;
  let newcomer: AuditOutbox;
  let newcomerRelay: Relay;
  let auditUrl: string;
  let app: NestFastifyApplication;
  let made = 0;

  async function asSuperuser(...statements: readonly string[]): Promise<void> {
    const url = `postgres://postgres:${adminPassword}@127.0.0.1:${String(postgres.port)}/postgres`;
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }
  async function inAudit(sql: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: auditUrl });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }
  const log = () => inAudit('select log_index, event from event order by log_index');
  /** @param intervalMs milliseconds between two checkpoints that nobody orders */
  async function start(intervalMs = 50): Promise<void> {
    app = await startAudit({
      ...auditVariables({ issuer: issuer.issuer, databaseUrl: auditUrl, backing: { nats, passwords } }),
      LOG_LEVEL: 'error',
      LOG_KEY: key,
      LOG_INTERVAL_MS: String(intervalMs),
      MASKED_FIELDS: 'request.peer',
    });
  }
  async function ask(path: string, scope = 'audit:read', body?: object): Promise<Response> {
    const token = await issuer.mint({ subject: 'operator', clientId: 'operator', scopes: [scope] });
    return fetch(`${await app.getUrl()}${path}`, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
  }
  const recovery = async (): Promise<z.infer<typeof reportSchema>> =>
    reportSchema.parse(await (await ask('/log/recovery')).json());
  async function record(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      made += 1;
      const request = { method: 'GET', route: '/payments/:id', id: 'r', peer: '192.0.2.7' };
      const context = { principal: null, txn: uuidv7(), request };
      await outbox.recordDurably(payment.event('payment.read', context, { id: String(made) }));
    }
  }
  const isEmpty = async (): Promise<boolean> =>
    (await payments.query('select from audit_outbox_event')).rowCount === 0 &&
    (await accounts.query('select from audit_outbox_event')).rowCount === 0 &&
    (await inAudit('select from audit_outbox_event')).length === 0;
  async function checkpoint(): Promise<Checkpoint> {
    const note = await (await ask('/log/checkpoint', 'audit:read', {})).text();
    const keys = (await (await ask('/log/key')).text()).trimEnd().split('\n').map(parseVerifierKey);
    return openCheckpoint(note, keys);
  }
  /** Takes a backup, lets the trail grow by so many events, and restores the backup. @returns what the trail had */
  async function goOnAndRestore(count: number) {
    // Events whose place does not arrive before audit stops wait for two minutes.
    await until(isEmpty, 150_000);
    await app.close();
    await asSuperuser('create database audit_backup template audit owner audit_owner');
    await start(60_000);
    await newcomer.recordDurably(transfer.event('transfer.read', { principal: null, txn: uuidv7() }, { id: uuidv7() }));
    for (let n = 0; n < count; n += 1) {
      await record(1);
      await ask(`/events?limit=${String(n + 1)}`);
    }
    await until(isEmpty, 150_000);
    const { length } = await log();
    await until(async () => (await checkpoint()).size >= length);
    const signed = await checkpoint();
    // The checkpoints that were ordered are events too: they are kept outside the database before it goes.
    await until(isEmpty, 150_000);
    // What no checkpoint covers, of a source that has nothing to say later.
    await newcomer.recordDurably(transfer.event('transfer.read', { principal: null, txn: uuidv7() }, { id: uuidv7() }));
    await until(isEmpty, 150_000);
    const had = await log();
    expect(had.length).toBeGreaterThan(signed.size);
    await app.close();
    await asSuperuser('drop database audit', 'alter database audit_backup rename to audit');
    await postgres.createDatabase('audit', auditPassword);
    await start();
    await until(async () => (await recovery()).state === 'restored');
    // It has nothing to send now, but says that it is there, as each service does every few seconds.
    newcomerRelay.report({
      replica: 'one',
      status: 'ready',
      failing: [],
      outbox: { pending: 0, oldest_seconds: 0, last_error: null },
      revocation_feed: null,
    });
    return { signed, had };
  }

  beforeAll(async () => {
    [postgres, nats, issuer] = await Promise.all([
      startPostgres({ directory: join(directory, 'postgres'), password: adminPassword, fast: true }),
      startNats({ directory: join(directory, 'nats'), passwords }),
      createTestIssuer({ audience: 'audit', listen: true }),
    ]);
    auditUrl = await postgres.createDatabase('audit', auditPassword);
    // Any service's database has the outbox.
    const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));
    const serviceOf = async (source: 'payments' | 'accounts') => {
      const url = await postgres.createDatabase(`${source}_outbox`, newPassword());
      const pool = await openDatabase({ url, migrationsFolder }, pino({ level: 'silent' }));
      const own = new AuditOutbox({ pool, source });
      const relayed = startRelay({
        pool,
        source,
        outbox: own,
        nats: { url: nats.url, user: source, password: passwords[source] },
        logger: { info: () => undefined, warn: () => undefined },
        keepHours: 72,
        republishAfterMs: 2_000,
      });
      return [pool, own, relayed] as const;
    };
    [payments, outbox, relay] = await serviceOf('payments');
    [accounts, newcomer, newcomerRelay] = await serviceOf('accounts');
    await start();
  }, 180_000);
  afterAll(async () => {
    await Promise.all([relay.stop(), newcomerRelay.stop()]);
    await app.close();
    const faults = await ownEventFaults({ query: async (sql) => ({ rows: await inAudit(sql) }) });
    await Promise.all([payments.end(), accounts.end()]);
    await Promise.all([postgres.stop(), nats.stop(), issuer.close()]);
    for (const folder of [directory, postgres.directory]) rmSync(folder, { recursive: true, force: true });
    expect(faults).toEqual([]);
  }, 60_000);

  it('stops, says so, and gets back what it lost in the original order, so that old checkpoints verify again', async () => {
    await record(20);
    await ask('/events');
    await until(isEmpty);
    const { signed, had } = await goOnAndRestore(12);
    expect((await ask('/health/ready')).status).toBe(503);
    expect(await (await ask('/health/ready')).text()).toContain('countersign audit recover');
    const { next_index: next, end_index: end } = await recovery();
    expect([next < signed.size, end >= signed.size]).toEqual([true, true]);
    await record(3);
    await delay(1_500);
    expect(await recovery()).toMatchObject({ state: 'restored', next_index: next });
    expect((await checkpoint()).size).toBeLessThan(signed.size);
    expect((await ask('/log/recovery', 'audit:admin', {})).status).toBe(409);
    expect((await ask('/log/recovery/recall', 'audit:read', {})).status).toBe(403);

    expect((await ask('/log/recovery/recall', 'audit:admin', {})).status).toBe(200);
    await until(async () => (await recovery()).missing.length === 0);
    const answer = await ask('/log/recovery', 'audit:admin', {});
    expect([answer.status, await answer.json()]).toMatchObject([200, { state: 'current', lost: [] }]);
    expect((await log()).slice(0, had.length)).toEqual(had);
    expect((await ask('/health/ready')).status).toBe(200);
    await until(async () => (await checkpoint()).size > had.length);
    const later = await checkpoint();
    const proof = await ask(`/log/proof/consistency?from=${String(signed.size)}&to=${String(later.size)}`);
    const { hashes } = consistencySchema.parse(await proof.json());
    const proven = hashes.map((hash) => Buffer.from(hash, 'base64'));
    const consistent = verifyConsistency(signed.size, later.size, signed.root, later.root, proven);
    expect(consistent).toBe(true);
    await until(async () => (await payments.query('select from audit_outbox_event')).rowCount === 0);
    const everything = "select count(distinct event->>'id')::int as n from event where source = 'payments'";
    expect(await inAudit(everything)).toEqual([{ n: made }]);
    expect(await inAudit("select from event where type = 'countersign.audit.log.recovered.v1'")).toHaveLength(1);
    expect(await inAudit('select from dead_letter')).toEqual([]);
  }, 480_000);

  it('declares in the log what nobody has, and continues only on command', async () => {
    const { signed } = await goOnAndRestore(8);
    const { next_index: next } = await recovery();
    // How many events share a row depends on how quick the machine is: any row of what was lost will do.
    const gone = await payments.query<{ first: string; last: string }>(
      `delete from audit_kept where position = (select min(position) from audit_kept where first_index >= $1)
       returning first_index as first, first_index + (last_sequence - first_sequence) as last`,
      [next],
    );
    const [row = { first: -1, last: -1 }] = gone.rows.map(({ first, last }) => ({
      first: Number(first),
      last: Number(last),
    }));
    await ask('/log/recovery/recall', 'audit:admin', {});
    // By its bounds, not by the count: adjacent numbers that have not arrived yet form one gap with it.
    await until(async () => JSON.stringify((await recovery()).missing) === JSON.stringify([row]));
    const refused = await ask('/log/recovery', 'audit:admin', {});
    expect([refused.status, await refused.json()]).toMatchObject([409, { code: 'RECOVERY_INCOMPLETE' }]);
    const answer = await ask('/log/recovery', 'audit:admin', { accept_loss: true });
    expect(reportSchema.parse(await answer.json()).lost).toEqual([row]);
    const [lost] = await inAudit(`select event from event where log_index = ${String(row.first)}`);
    expect(lost).toMatchObject({
      event: { type: events.typeOf('entry.lost'), data: { principal: { subject: 'operator' } } },
    });
    await record(1);
    await until(async () => (await checkpoint()).size > signed.size);
    const count = "select from event where type = 'countersign.audit.log.recovered.v1'";
    await until(async () => (await inAudit(count)).length === 2, 150_000);
    const asked = `select from event where type = '${events.typeOf('log.recovery_refused')}' and event#>>'{data,reason}' = 'RECOVERY_INCOMPLETE'`;
    await until(async () => (await inAudit(asked)).length === 2, 150_000);
    const [declared] = await inAudit(
      "select event from event where type = 'countersign.audit.log.recovered.v1' order by log_index desc limit 1",
    );
    const changes = { checkpoint_verified: false, lost_entries: row.last - row.first + 1 };
    expect(declared).toMatchObject({ event: { data: { changes } } });
    const own = await ownEvents({ query: async (sql) => ({ rows: await inAudit(sql) }) });
    for (const name of ['log.recovery_read', 'log.recalled'] as const)
      expect(own).toContainEqual(
        expect.objectContaining({
          type: events.typeOf(name),
          data: expect.objectContaining({ outcome: 'allowed', txn: expect.any(String) }),
        }),
      );
  }, 480_000);

  it('stops when a standby that was behind takes the place of its database, although nobody sends it anything', async () => {
    await until(isEmpty, 150_000);
    await asSuperuser(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'audit'`,
      'alter database audit allow_connections false',
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'audit'`,
      'create database audit_standby template audit owner audit_owner',
      'alter database audit allow_connections true',
    );
    await record(5);
    await until(isEmpty, 150_000);
    const had = await log();
    await until(
      async () => (await inAudit('select max(tree_size)::int as size from log_checkpoint'))[0]?.['size'] === had.length,
    );
    await asSuperuser(
      'alter database audit allow_connections false',
      'drop database audit with (force)',
      'alter database audit_standby rename to audit',
      'alter database audit allow_connections true',
    );
    await postgres.createDatabase('audit', auditPassword);
    await until(async () =>
      (await ask('/health/ready')).text().then((text) => text.includes('countersign audit recover')),
    );
    const left = await log();
    expect(left).toEqual(had.slice(0, left.length));
    expect(left.length).toBeLessThan(had.length);
    expect((await ask('/log/recovery/recall', 'audit:admin', {})).status).toBe(200);
    await until(async () => (await recovery()).missing.length === 0);
    expect((await ask('/log/recovery', 'audit:admin', {})).status).toBe(200);
    expect((await log()).slice(0, had.length)).toEqual(had);
  }, 480_000);

  /** Transactions that wait for the next log index. */
  const waitingFor = async (): Promise<number> =>
    (await inAudit(`select from pg_stat_activity where wait_event_type = 'Lock' and query like '%log_sequence%'`))
      .length;

  it('continues when a source claims a log index that it was never sent, and stops for one that it proves', async () => {
    await until(isEmpty, 150_000);
    const service = await connect({ servers: nats.url, user: 'payments', pass: passwords.payments });
    const claims = async (known: string): Promise<void> => {
      const header = headers();
      header.set(KNOWN_INDEX_HEADER, known);
      service.publish('audit.payments.batch', 'nothing', { headers: header });
      await service.flush();
    };
    const keys = knownIndexKeysOf({ LOG_KEY: createPrivateKey({ format: 'jwk', key: JSON.parse(key) }) });
    const place = { index: 999_999n, first: 1n, last: 1n };
    const writer = new pg.Client({ connectionString: auditUrl });
    await writer.connect();
    try {
      const before = (await checkpoint()).size;
      for (const made of ['999999999999', `999999999999.${'A'.repeat(43)}`, knownPlace(keys, 'accounts', place)])
        await claims(made);
      await record(1);
      await until(async () => (await checkpoint()).size > before);
      expect((await recovery()).state).toBe('current');
      await until(isEmpty, 150_000);
      // What waits before the proof takes no place either.
      await writer.query('begin');
      await writer.query('select from log_sequence for update');
      await record(1);
      await until(async () => (await waitingFor()) > 0);
      const refused = uuidv7();
      const context = { principal: null, txn: uuidv7() };
      await newcomer.recordDurably(transfer.event('transfer.read', context, { id: refused }));
      await until(
        async () => (await accounts.query('select from audit_outbox_event where sequence is not null')).rowCount === 1,
      );
      await delay(500);
      await claims(knownPlace(keys, 'payments', place));
      await delay(500);
      await writer.query('commit');
      await until(async () => (await recovery()).state === 'restored');
      expect((await recovery()).end_index).toBe(1_000_000);
      await delay(500);
      expect(await inAudit(`select from event where resource = 'transfer/${refused}'`)).toEqual([]);
    } finally {
      await writer.end();
      await service.close();
    }
  }, 480_000);
});
