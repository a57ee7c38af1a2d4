import { setTimeout as delay } from 'node:timers/promises';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { z } from 'zod';
import { AuditEventError, completeEvent, defineEvents, type NewAuditEvent } from '@countersign/audit-event';
import { BATCH_CONTENT_TYPE, packEvents } from './event-batch.js';
import { KeptEventsStore } from './kept-events.store.js';
import { outboxMigrations } from './outbox-migrations.js';
import { AuditOutbox } from './outbox.store.js';
import { FIRST_INDEX_HEADER, KNOWN_INDEX_HEADER, receiptSubject, SALTS_HEADER } from './receipts.js';
import { startRelay, type Relay, type RelayOptions } from './relay.js';
import { RelayStore } from './relay.store.js';
import { auditStream, ensureAuditStreams } from './streams.js';
import { uuidv7 } from '@countersign/audit-event';

const eventsOf = (source: string) =>
  defineEvents({
    source,
    kinds: { payment: 'UUIDv7' },
    events: { 'payment.read': { when: 'Always.', action: 'payments:read', resource: 'payment' } },
  });
const event = (id: string, changes?: Record<string, unknown>, source = 'payments'): NewAuditEvent =>
  eventsOf(source).event('payment.read', { principal: null, txn: null }, { id, changes });
const batchSchema = z.array(z.object({ id: z.string(), sequence: z.string() }));
const idSchema = z.object({ id: z.string() });
const logger = { info: () => undefined, warn: () => undefined };

describe('the outbox and its relay', () => {
  let backing: BackingServices;
  let pool: pg.Pool;
  let outbox: AuditOutbox;
  let relay: Relay;
  let audit: NatsConnection;
  let manager: JetStreamManager;

  const rows = async (): Promise<number> =>
    Number((await pool.query<{ n: string }>('select count(*) as n from audit_outbox_event')).rows[0]?.n);
  const stateOf = () => Promise.resolve(relay.state());
  const messages = async (): Promise<number> => (await manager.streams.info(auditStream.name)).state.messages;
  /** Every message that the stream has: its headers and its events. */
  async function stored(): Promise<
    readonly { header: MsgHdrs; events: readonly { id: string; sequence: string }[] }[]
  > {
    const { first_seq, last_seq } = (await manager.streams.info(auditStream.name)).state;
    const found = [];
    for (let seq = Math.max(first_seq, 1); seq <= last_seq; seq += 1) {
      const message = await manager.streams.getMessage(auditStream.name, { seq });
      if (message !== null) found.push({ header: message.header, events: batchSchema.parse(message.json()) });
    }
    return found;
  }
  const inStream = async (): Promise<number> => (await stored()).reduce((sum, { events }) => sum + events.length, 0);
  async function until(what: () => Promise<boolean>): Promise<void> {
    for (let attempt = 0; attempt < 500; attempt += 1) {
      if (await what().catch(() => false)) return;
      await delay(50);
    }
    const { rows: outboxRows } = await pool.query('select sequence, published_at from audit_outbox_event limit 20');
    const { rows: counters } = await pool.query('select * from audit_sequence');
    const state = JSON.stringify({ relay: relay.state(), outbox: outboxRows, counters });
    throw new Error(`it did not come about within 25 seconds: ${state}`);
  }

  const start = (options: Partial<RelayOptions>): Relay =>
    startRelay({
      pool,
      source: 'payments',
      nats: { url: backing.nats.url, user: 'payments', password: backing.passwords.payments },
      logger,
      republishAfterMs: 1_000,
      ...options,
    });

  beforeAll(async () => {
    backing = await startBackingServices();
    pool = new pg.Pool({ connectionString: await backing.database('relay'), max: 5 });
    pool.on('error', () => undefined);
    await migrate(drizzle({ client: pool }), { migrationsFolder: outboxMigrations });
    outbox = new AuditOutbox({ pool, source: 'payments' });
    audit = await connect({
      servers: backing.nats.url,
      user: 'audit',
      pass: backing.passwords.audit,
      inboxPrefix: '_INBOX_audit',
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
    });
    manager = await jetstreamManager(audit);
    await ensureAuditStreams(manager);
    relay = start({ pollIntervalMs: 20 });
  }, 120_000);
  afterAll(async () => {
    await relay.stop();
    await audit.close();
    await pool.end();
    await backing.stop();
  }, 60_000);

  it('records nothing when the change is rolled back, and numbers committed events without gaps', async () => {
    const database = drizzle({ client: pool });
    const failing = database.transaction(async (transaction) => {
      await outbox.record(transaction, event('rolled-back'));
      await outbox.recordAll(transaction, [event('rolled-back-too')]);
      throw new Error('the change failed');
    });
    await expect(failing).rejects.toThrow('the change failed');
    await Promise.all(Array.from({ length: 38 }, (_, index) => outbox.recordDurably(event(`read-${String(index)}`))));
    await database.transaction((transaction) => outbox.recordAll(transaction, [event('one'), event('other')]));
    await database.transaction((transaction) => outbox.record(transaction, event('changed')));
    await until(async () => (await inStream()) === 41);
    const { rows: numbers } = await pool.query<{ sequence: string }>(
      'select sequence from audit_outbox_event order by sequence',
    );
    expect(numbers.map(({ sequence }) => Number(sequence))).toEqual(
      Array.from({ length: 41 }, (_, index) => index + 1),
    );
  });

  it('keeps rows until the receipt, and deletes exactly those that it covers', async () => {
    expect(await rows()).toBe(41);
    audit.publish(receiptSubject('payments'), JSON.stringify({ source: 'payments', through: '40' }));
    await until(async () => (await rows()) === 1);
    audit.publish(receiptSubject('payments'), JSON.stringify({ source: 'accounts', through: '99' }));
    audit.publish(receiptSubject('payments'), 'no receipt');
    await audit.flush();
    await delay(200);
    expect(await rows()).toBe(1);
  });

  it('refills the stream from the outbox when its store was lost', async () => {
    await manager.streams.delete(auditStream.name);
    await ensureAuditStreams(manager);
    expect(await inStream()).toBe(0);
    await until(async () => (await inStream()) === 1);
  });

  it('waits while NATS is unavailable and publishes once it is back', async () => {
    await backing.nats.stop();
    await outbox.recordDurably(event('while-away'));
    await delay(300);
    await backing.nats.start();
    await until(async () => (await inStream()) >= 2);
  });

  it('waits while the stream is full, and drops nothing', async () => {
    const before = await messages();
    await manager.streams.update(auditStream.name, { ...auditStream, max_msgs: before });
    await outbox.recordDurably(event('while-full'));
    await until(async () => /maximum messages/.test((await stateOf()).lastError ?? ''));
    expect(await messages()).toBe(before);
    await manager.streams.update(auditStream.name, { ...auditStream, max_msgs: -1 });
    await until(async () => (await messages()) > before);
  });

  it('renumbers, above every number that audit knows, once its own counter turns out to be older', async () => {
    audit.publish(receiptSubject('payments'), JSON.stringify({ source: 'payments', through: '1000' }));
    await outbox.recordDurably(event('after-a-restore'));
    await until(async () => {
      const { rows: kept } = await pool.query<{ lowest: string | null }>(
        'select min(sequence) as lowest from audit_outbox_event where published_at is not null',
      );
      return Number(kept[0]?.lowest) > 1_000;
    });
    expect(await rows()).toBeGreaterThan(1);
  });

  it('may not publish in the name of another service', async () => {
    const stranger = await connect({
      servers: backing.nats.url,
      user: 'payments',
      pass: backing.passwords.payments,
      inboxPrefix: '_INBOX_payments',
    });
    const before = await messages();
    stranger.publish('audit.accounts.transfer.posted', '{}');
    await stranger.flush();
    // Nor receive its receipts, as a service whose rights lack them: that stays visible, although the rest of the relay works.
    const warned: unknown[] = [];
    const warn = (fields: object): void => void warned.push(fields);
    const deaf = start({ source: 'accounts', logger: { info: () => undefined, warn }, pollIntervalMs: 20 });
    await until(() => Promise.resolve(deaf.state().lastError?.includes('receipts.accounts') ?? false));
    await delay(1_000);
    expect(deaf.state().lastError).toContain('receipts.accounts');
    await deaf.stop();
    expect(warned).toHaveLength(1);
    expect(await messages()).toBe(before);
    await stranger.close();
  });

  it('sends waiting events in few messages, in order, and stores them once when they are republished', async () => {
    const { rows: counted } = await pool.query<{ last: string }>('select last from audit_sequence');
    audit.publish(receiptSubject('payments'), JSON.stringify({ source: 'payments', through: counted[0]?.last }));
    await until(async () => (await rows()) === 0);
    const before = await messages();
    await pool.query(
      `insert into audit_outbox (id, event) select id, jsonb_build_object('id', id, 'sequence', 'not its own to give')
       from (select gen_random_uuid() as id from generate_series(1, 300)) as made`,
    );
    await until(async () => (await messages()) === before + 2);
    const waited = (await stored()).slice(-2);
    expect(waited.map(({ header }) => header.get('content-type'))).toEqual([BATCH_CONTENT_TYPE, BATCH_CONTENT_TYPE]);
    const { rows: numbers } = await pool.query<{ id: string; sequence: string }>(
      'select id, sequence from audit_outbox_event order by position desc limit 300',
    );
    expect(waited.flatMap(({ events }) => events)).toEqual(numbers.reverse());
    const published = async () =>
      (await pool.query('select max(published_at) from audit_outbox_event')).rows[0] as unknown;
    const first = await published();
    await until(async () => JSON.stringify(await published()) !== JSON.stringify(first));
    expect((await stored()).slice(-2)).toEqual(waited);
  });

  it('reads an outbox only through its indexes while it leads, and returns the connection as it was', async () => {
    await relay.stop();
    const client = await pool.connect();
    const seqScans = async () =>
      (await client.query<{ enable_seqscan: string }>('show enable_seqscan')).rows[0]?.enable_seqscan;
    try {
      const store = new RelayStore(client, 'payments', 0);
      expect([await store.lock(), await seqScans()]).toEqual([true, 'off']);
      await store.unlock();
      expect(await seqScans()).toBe('on');
    } finally {
      client.release();
      relay = start({ pollIntervalMs: 20 });
    }
  });

  it('deletes on a receipt what it published a moment ago without rewriting it first, and nothing that it did not publish', async () => {
    await relay.stop();
    const client = await pool.connect();
    const left = async () =>
      (await pool.query<object>('select sequence, published_at from audit_outbox_event order by sequence')).rows;
    try {
      let now = 0;
      const store = new RelayStore(client, 'payments', 0, () => now);
      await store.lock();
      await pool.query('truncate audit_outbox, audit_outbox_group, audit_sequence');
      for (const name of ['published', 'refused-by-the-stream']) await outbox.recordDurably(event(name));
      const [first, second] = await store.number();
      store.published(packEvents(first === undefined ? [] : [first]));
      expect(await store.due(30_000, 0n)).toEqual([second]);
      expect(await left()).toEqual([
        { sequence: '1', published_at: null },
        { sequence: '2', published_at: null },
      ]);
      await store.release(2n, 0);
      expect(await left()).toEqual([{ sequence: '2', published_at: null }]);
      store.published(packEvents(second === undefined ? [] : [second]));
      now = 3_000;
      await store.number();
      expect(await left()).toEqual([{ sequence: '2', published_at: expect.any(Date) as Date }]);
      await store.unlock();
    } finally {
      client.release();
      relay = start({ pollIntervalMs: 20 });
    }
  });

  it('runs one statement per check while nothing waits, a fifth as often after a while, and finds what another replica records', async () => {
    await relay.stop();
    await pool.query('truncate audit_outbox, audit_outbox_group');
    const query = jest.spyOn(pg.Client.prototype, 'query');
    const asked = () => query.mock.calls.map(([statement]) => z.object({ name: z.string() }).safeParse(statement).data);
    relay = start({ pollIntervalMs: 20 });
    await until(() => Promise.resolve(asked().length > 70));
    query.mockClear();
    await delay(1_000);
    // At least three quarters of five intervals are between two of them.
    expect(asked().length).toBeLessThan(15);
    expect(new Set(asked().map((statement) => statement?.name))).toEqual(new Set(['relay-waiting']));
    expect(relay.state()).toMatchObject({ leading: true, pending: 0 });
    // A failure that has passed is cleared, although nothing is recorded.
    await pool.query(
      `select pg_terminate_backend(pid) from pg_locks join pg_database on pg_database.oid = database
       where locktype = 'advisory' and datname = current_database()`,
    );
    await until(() => Promise.resolve(relay.state().lastError !== null));
    await until(() => Promise.resolve(relay.state().lastError === null));
    const id = await outbox.recordDurably(event('recorded-by-another-replica'));
    await until(async () => (await stored()).some(({ events }) => events.some((one) => one.id === id)));
    query.mockRestore();
  });

  it('does not wait for its timer when this process recorded something', async () => {
    await relay.stop();
    relay = start({ outbox, pollIntervalMs: 60_000 });
    await until(async () => Promise.resolve(relay.state().leading));
    const has = (id: string) => async () => (await stored()).some(({ events }) => events.some((one) => one.id === id));
    await delay(100);
    await until(has(await outbox.recordDurably(event('recorded-alone'))));
    await delay(100);
    const id = await drizzle({ client: pool }).transaction((transaction) =>
      outbox.record(transaction, event('recorded-with-a-change')),
    );
    await until(has(id));
    const late = await drizzle({ client: pool }).transaction(async (transaction) => {
      const recorded = await outbox.record(transaction, event('committed-late'));
      await delay(200);
      return recorded;
    });
    await until(has(late));
    await delay(100);
    const own = completeEvent(event('recorded-by-a-statement-of-its-own'), uuidv7(), 'payments', new Date());
    await pool.query('insert into audit_outbox (id, event) values ($1, $2)', [own.id, JSON.stringify(own)]);
    outbox.recorded();
    await until(has(own.id));
  });

  it('keeps an event with its place in the log for as long as configured, and waits for a place that a receipt implies', async () => {
    await relay.stop();
    await pool.query('truncate audit_outbox, audit_outbox_group, audit_sequence');
    relay = start({ outbox, pollIntervalMs: 20, keepHours: 1 });
    await until(async () => Promise.resolve(relay.state().leading));
    const ids: string[] = [];
    for (let n = 0; n < 6; n += 1) ids.push(await outbox.recordDurably(event(`placed-${String(n)}`)));
    await until(async () => (await inStream()) > 0 && (await rows()) === 6);
    const { rows: first } = await pool.query<{ n: string }>('select min(sequence) as n from audit_outbox_event');
    const base = Number(first[0]?.n);
    const at = (n: number): string => String(base + n);
    const published = 'select count(*) as n from audit_outbox_event where published_at is not null';
    await until(async () => (await pool.query<{ n: string }>(published)).rows[0]?.n === '6');
    const tell = (places: readonly object[]): void => {
      audit.publish(receiptSubject('payments'), JSON.stringify({ source: 'payments', places }));
    };
    tell([]);
    audit.publish(receiptSubject('payments'), JSON.stringify({ source: 'payments', through: at(5) }));
    await audit.flush();
    await delay(300);
    expect(await rows()).toBe(6);
    // The place was lost in transit, for example with a process that ended: audit is asked again, by messages that the stream does not treat as
    // duplicates.
    const before = await messages();
    await until(async () => (await messages()) >= before + 3);
    tell([
      { first: at(0), last: at(3), index: '100', salts: { [at(1)]: { 'request.peer': 'c2FsdA' } }, known: '103.code' },
      { first: at(4), last: at(4), index: null },
    ]);
    await until(async () => (await rows()) === 1);
    const kept = await pool.query<{ events: string }>('select * from audit_kept order by position');
    expect(kept.rows).toMatchObject([
      {
        first_sequence: at(0),
        last_sequence: at(3),
        first_index: '100',
        salts: { [at(1)]: { 'request.peer': 'c2FsdA' } },
        known: '103.code',
      },
      { first_sequence: at(4), last_sequence: at(4), first_index: null, salts: null, known: null },
    ]);
    const lines = kept.rows.flatMap(({ events }) => events.split('\n'));
    expect(lines.map((line) => idSchema.parse(JSON.parse(line)).id)).toEqual(ids.slice(0, 5));
    const placed = (await new KeptEventsStore(pool, 1).from(0n)).flatMap(({ events }) => events);
    expect(placed.map(({ json }) => batchSchema.element.parse(JSON.parse(json.toString())))).toEqual(
      ids.slice(0, 4).map((id, n) => ({ id, sequence: at(n) })),
    );
    await pool.query("update audit_kept set kept_at = now() - interval '2 hours' where first_index is null");
    await relay.stop();
    relay = start({ outbox, pollIntervalMs: 20, keepHours: 1 });
    await until(async () => (await pool.query('select from audit_kept')).rowCount === 1);
    // What audit gave as a proof goes back to it, also from a relay that was not there when it came.
    const later = await outbox.recordDurably(event('later'));
    const carrier = async () => (await stored()).find(({ events }) => events.some(({ id }) => id === later));
    await until(async () => (await carrier()) !== undefined);
    expect((await carrier())?.header.get(KNOWN_INDEX_HEADER)).toBe('103.code');
  });

  it('sends what audit recalls even if the salts of events stored together exceed a message', async () => {
    const count = 700;
    const sequences = Array.from({ length: count }, (_, at) => String(1_000_000 + at));
    const paths = Array.from({ length: 5 }, (_, at) => `changes.an-address-of-the-holder.${String(at)}`);
    const salt = Object.fromEntries(paths.map((path) => [path, 'c2FsdCBvZiAxNiBieXRl']));
    const line = JSON.stringify({ id: uuidv7(), changes: 'x'.repeat(400) });
    await pool.query(
      `insert into audit_kept (first_sequence, last_sequence, first_index, events, salts, known) values ($1, $2, 5000, $3, $4, 'proof')`,
      [
        sequences[0],
        sequences.at(-1),
        Array.from(sequences, () => line).join('\n'),
        Object.fromEntries(sequences.map((one) => [one, salt])),
      ],
    );
    const follower = start({ outbox, pollIntervalMs: 20, keepHours: 1 });
    await until(() => Promise.resolve(follower.state().connected));
    await delay(100);
    // It is more than the stream holds: audit takes it meanwhile.
    await manager.streams.update(auditStream.name, { ...auditStream, max_msgs: (await messages()) + 2 });
    audit.publish(receiptSubject('payments'), JSON.stringify({ source: 'payments', recall: '5000' }));
    await until(async () => /maximum messages/.test((await stateOf()).lastError ?? ''));
    await manager.streams.update(auditStream.name, { ...auditStream, max_msgs: -1 });
    const recalled = async () => (await stored()).filter(({ header }) => header.has(FIRST_INDEX_HEADER));
    const back = async () =>
      new Set((await recalled()).flatMap(({ events }) => events.map(({ sequence }) => sequence)));
    await until(async () => (await back()).size === count);
    for (const { header, events } of await recalled()) {
      const [first] = events;
      expect(header.get(KNOWN_INDEX_HEADER)).toBe('proof');
      expect(header.get(FIRST_INDEX_HEADER)).toBe(String(5_000 + sequences.indexOf(first?.sequence ?? '')));
      const salts: unknown = JSON.parse(header.get(SALTS_HEADER));
      expect(salts).toEqual(Object.fromEntries(events.map(({ sequence }) => [sequence, salt])));
    }
    const sent = (await recalled()).length;
    await relay.stop();
    relay = follower;
    for (const name of ['first', 'second']) {
      const id = await outbox.recordDurably(event(name));
      await until(async () => (await stored()).some(({ events }) => events.some((one) => one.id === id)));
    }
    // It was asked before it relayed; another replica has answered.
    expect((await recalled()).length).toBe(sent);
    await pool.query('delete from audit_kept where first_index = 5000');
  });

  it('publishes and marks new events even while removing old ones fails', async () => {
    await relay.stop();
    await pool.query(`create function refuse() returns trigger language plpgsql as $$ begin raise 'not now'; end $$`);
    await pool.query('create trigger refuse before delete on audit_kept for each statement execute function refuse()');
    relay = start({ outbox, pollIntervalMs: 20, keepHours: 1 });
    const id = await outbox.recordDurably(event('while-removing-fails'));
    await until(async () => (await stored()).some(({ events }) => events.some((one) => one.id === id)));
    await until(async () => {
      const { rows: found } = await pool.query<{ published_at: Date | null }>(
        'select published_at from audit_outbox_event where id = $1',
        [id],
      );
      return found[0]?.published_at instanceof Date;
    });
    expect(relay.state().lastError).toBe('not now');
    await pool.query('drop function refuse cascade');
  });

  it('does not wait for an answer that does not come when it stops, and publishes the event again later', async () => {
    await manager.streams.delete(auditStream.name);
    const id = await outbox.recordDurably(event('unanswered'));
    const numbered = 'select from audit_outbox_event where id = $1 and sequence is not null';
    await until(async () => (await pool.query(numbered, [id])).rowCount === 1);
    await relay.stop();
    // By its own limit the request would have ended with a timeout.
    expect(relay.state().lastError).toMatch(/closed/);
    await ensureAuditStreams(manager);
    relay = start({ outbox, pollIntervalMs: 20 });
    await until(async () => (await stored()).some(({ events }) => events.some((one) => one.id === id)));
  });

  it('refuses an event that the trail would reject, before its change commits', async () => {
    const large = event('x', { text: 'x'.repeat(33_000) });
    await expect(outbox.recordDurably(large)).rejects.toBeInstanceOf(AuditEventError);
    await expect(outbox.recordDurably(event('x', { text: '\ud800' }))).rejects.toThrow(/surrogate/);
    expect(() => event('x', {}, 'un heard')).toThrow(/a service name/);
  });
});
