import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { completeEvent, defineEvents, uuidv7 } from '@countersign/audit-event';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { z } from 'zod';
import { AuditOutbox } from './outbox.store.js';
import { outboxReasonOf } from './outbox-tables.js';
import { startRelay } from './relay.js';
import { auditStream, ensureAuditStreams } from './streams.js';

/** As services of 0.1.0 made them. */
const TABLES_OF_0_1_0 = `
  create table audit_outbox (
    position bigint generated always as identity primary key, id uuid not null unique, event jsonb not null, sequence bigint unique,
    published_at timestamptz, created_at timestamptz not null default now());
  create index audit_outbox_unnumbered on audit_outbox (position) where sequence is null;
  create table audit_sequence (source text primary key, last bigint not null)`;
const outboxSql = readFileSync(new URL('../outbox.sql', import.meta.url), 'utf8');
const batchSchema = z.array(z.object({ id: z.string(), sequence: z.string() }));
const logger = { info: () => undefined, warn: () => undefined };

const events = defineEvents({
  source: 'payments',
  kinds: { payment: 'UUIDv7' },
  events: { 'payment.read': { when: 'Always.', action: 'payments:read', resource: 'payment' } },
});
const newEvent = () => events.event('payment.read', { principal: null, txn: null }, { id: uuidv7() });

describe("an outbox with an earlier version's tables", () => {
  let backing: BackingServices;
  let pool: pg.Pool;

  beforeAll(async () => {
    backing = await startBackingServices();
    pool = new pg.Pool({ connectionString: await backing.database('earlier'), max: 5 });
  }, 120_000);
  afterAll(async () => {
    await pool.end();
    await backing.stop();
  }, 60_000);

  it('waits, says what to run, and then sends old and new events, each once and under its number', async () => {
    await pool.query(TABLES_OF_0_1_0);
    await pool.query(`insert into audit_sequence values ('payments', 11)`);
    const waiting = [];
    for (const [sequence, sentMinutesAgo] of [
      [10, 1],
      [11, null],
      [null, null],
      [null, null],
    ]) {
      const complete = completeEvent(newEvent(), uuidv7(), 'payments', new Date());
      await pool.query(
        `insert into audit_outbox (id, event, sequence, published_at) values ($1, $2, $3, now() - $4 * interval '1 minute')`,
        [complete.id, JSON.stringify(complete), sequence, sentMinutesAgo],
      );
      waiting.push(complete.id);
    }
    const audit = await connect({
      servers: backing.nats.url,
      user: 'audit',
      pass: backing.passwords.audit,
      inboxPrefix: '_INBOX_audit',
    });
    const manager = await jetstreamManager(audit);
    await ensureAuditStreams(manager);
    const nats = { url: backing.nats.url, user: 'payments', password: backing.passwords.payments };
    const outbox = new AuditOutbox({ pool, source: 'payments' });
    const relay = startRelay({ pool, source: 'payments', nats, logger, outbox });
    try {
      while (relay.state().lastError === null) await delay(20);
      expect(relay.state().lastError).toMatch(/"audit_kept" does not exist: .* run outbox\.sql .* again$/);
      await expect(outbox.recordDurably(newEvent())).rejects.toThrow('audit_outbox_group');
      await pool.query(outboxSql);
      waiting.push(await outbox.recordDurably(newEvent()));
      const sent = new Map<string, string>();
      for (let seq = 1; sent.size < waiting.length;) {
        const message = await manager.streams.getMessage(auditStream.name, { seq }).catch(() => null);
        if (message === null) await delay(50);
        else seq += 1;
        for (const { id, sequence } of message === null ? [] : batchSchema.parse(message.json())) {
          expect(sent.has(id)).toBe(false);
          sent.set(id, sequence);
        }
      }
      expect(waiting.map((id) => sent.get(id))).toEqual(['10', '11', '12', '13', '14']);
      while (relay.state().lastError !== null) await delay(20);
    } finally {
      await relay.stop();
      await audit.close();
    }
  }, 60_000);
});

describe('why the outbox waits', () => {
  it('is also reported for a database whose name has several addresses', () => {
    const refused = new AggregateError([new Error('connect ECONNREFUSED ::1:5432'), new Error('other')], '');
    expect(outboxReasonOf(refused)).toContain('connect ECONNREFUSED ::1:5432');
  });
});
