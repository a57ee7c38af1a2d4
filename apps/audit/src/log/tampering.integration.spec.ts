import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { AuditOutbox } from '@countersign/audit-client';
import { uuidv7 } from '@countersign/audit-event';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import {
  createNoteSigner,
  ExportCheck,
  leafOf,
  openCheckpoint,
  subtreesOf,
  TileHashes,
  type Checkpoint,
  type ExportReport,
  type Tile,
} from '@countersign/merkle-log';
import { Background, HealthRegistry } from '@countersign/service-host';
import type pg from 'pg';
import { pino } from 'pino';
import { z } from 'zod';
import { inspectAgain } from '../intake/message-check.js';
import { IntakeStore } from '../intake/intake.store.js';
import { RetentionService } from '../retention/retention.service.js';
import { RetentionStore } from '../retention/retention.store.js';
import { openAuditDatabase } from '../testing/log-of-rows.js';
import { LogStore } from './log.store.js';

const rowSchema = z.object({
  log_index: z.string().transform(Number),
  hash: z.instanceof(Buffer).nullable(),
  event: z.looseObject({ source: z.string(), sequence: z.string(), time: z.string() }),
});
const segmentHeadSchema = z.object({
  segment: z.object({
    first_index: z.string().transform(Number),
    end_index: z.string().transform(Number),
    edge: z.array(z.object({ level: z.number(), index: z.number(), hashes: z.string() })),
    checkpoint: z.string(),
    consistency: z.array(z.string()),
  }),
});
const segmentLineSchema = z.object({
  log_index: z.string().transform(Number),
  leaf_hash: z.string(),
  event: rowSchema.shape.event,
});

describe('tampering straight in the database', () => {
  const signer = createNoteSigner('audit.test/log', generateKeyPairSync('ed25519').privateKey);
  let backing: BackingServices;
  let pool: pg.Pool;
  let intake: IntakeStore;
  let log: LogStore;
  let older: Checkpoint;
  let newer: Checkpoint;
  let taken = 0;

  async function append(count: number): Promise<Checkpoint> {
    const batch = Array.from({ length: count }, () => {
      taken += 1;
      const event = {
        specversion: '1.0',
        id: uuidv7(),
        source: 'payments',
        type: 'countersign.payments.payment.settled.v1',
        time: new Date(1_800_000_000_000 + taken * 1_000).toISOString(),
        subject: `payment/${String(taken)}`,
        datacontenttype: 'application/json',
        sequence: String(taken),
        data: {
          principal: null,
          txn: null,
          action: 'payments:create',
          resource: `payment/${String(taken)}`,
          outcome: 'allowed',
        },
      };
      return inspectAgain('audit.payments.payment.settled', JSON.stringify(event));
    });
    await intake.append(batch);
    await log.integrate();
    const checkpoint = await log.checkpoint();
    if (checkpoint === undefined) throw new Error('no checkpoint');
    return openCheckpoint(checkpoint.note, signer);
  }

  /** Reads the log as an export does, and checks it. */
  async function check(queries: pg.PoolClient | pg.Pool, checkpoints: readonly Checkpoint[]): Promise<ExportReport> {
    const { rows } = await queries.query(
      `select log_index, event, substring(hashes from ((log_index % 256) * 32 + 1)::int for 32) as hash
       from event left join log_tile on level = 0 and tile_index = log_index / 256 order by log_index`,
    );
    const running = new ExportCheck({ checkpoints });
    for (const { log_index, hash, event } of z.array(rowSchema).parse(rows)) {
      running.add({
        logIndex: log_index,
        leaf: leafOf(event).hash,
        ...(hash?.length === 32 ? { recorded: hash } : {}),
        source: event.source,
        sequence: BigInt(event.sequence),
        time: Date.parse(event.time),
      });
    }
    return running.finish();
  }

  /** Does it in a transaction whose end undoes it, past the triggers as the owner of the tables can. */
  async function after(...statements: readonly string[]): Promise<ExportReport['faults'][number] | undefined> {
    const client = await pool.connect();
    try {
      await client.query('begin; set local role audit_owner');
      await client.query('alter table event disable trigger user');
      await client.query('alter table event drop constraint event_source_sequence_key');
      await client.query('alter table event drop constraint event_id_key');
      for (const statement of statements) await client.query(statement);
      return (await check(client, [older, newer])).faults[0];
    } finally {
      await client.query('rollback');
      client.release();
    }
  }

  beforeAll(async () => {
    backing = await startBackingServices();
    pool = await openAuditDatabase(backing);
    intake = new IntakeStore(pool, new AuditOutbox({ pool, source: 'audit' }));
    log = new LogStore(pool, [signer]);
    older = await append(300);
    newer = await append(700);
  }, 180_000);
  afterAll(async () => {
    await pool.end();
    await backing.stop();
  }, 60_000);

  it('is not there to begin with', async () => {
    expect(await check(pool, [older, newer])).toMatchObject({ faults: [], entries: 1_000 });
  });

  it('is found and named when an event was changed', async () => {
    const change = `update event set event = jsonb_set(event, '{data,outcome}', '"denied"') where log_index = 444`;
    expect(await after(change)).toMatchObject({ code: 'EVENT_ALTERED', logIndex: 444 });
  });

  it('is found and named when an event was deleted, its place left empty or closed', async () => {
    const remove = 'delete from event where log_index = 444';
    expect(await after(remove)).toMatchObject({ code: 'EVENT_MISSING', logIndex: 444 });
    const close = [
      'update event set log_index = log_index + 1000000 where log_index > 444',
      'update event set log_index = log_index - 1000001 where log_index > 444',
    ];
    expect(await after(remove, ...close)).toMatchObject({ code: 'EVENT_MISSING', logIndex: 444 });
  });

  it('is found and named when an event was inserted', async () => {
    const open = [
      'update event set log_index = log_index + 1000000 where log_index >= 444',
      'update event set log_index = log_index - 999999 where log_index > 444',
    ];
    const insert = `insert into event (log_index, id, source, sequence, type, time, resource, action, outcome, actors, event, received_at)
      select 444, gen_random_uuid(), source, sequence, type, time, resource, action, outcome, actors,
        jsonb_set(event, '{data,resource}', '"payment/forged"'), received_at from event where log_index = 3`;
    expect(await after(...open, insert)).toMatchObject({ code: 'EVENT_INSERTED', logIndex: 444 });
  });

  it('is found and named when events were swapped', async () => {
    const swap = `update event set event = other.event from event as other
      where (event.log_index = 444 and other.log_index = 777) or (event.log_index = 777 and other.log_index = 444)`;
    expect(await after(swap)).toMatchObject({ code: 'EVENTS_REORDERED', logIndex: 444 });
  });

  it('is found and named when the log was truncated', async () => {
    const cut = 'delete from event where log_index >= 900';
    expect(await after(cut, 'delete from log_checkpoint where tree_size > 900')).toMatchObject({
      code: 'LOG_TRUNCATED',
      logIndex: 900,
    });
  });

  it('is detected if the log was forked: event, hashes and tiles rebuilt behind an old checkpoint', async () => {
    const forged = leafOf({ source: 'payments', sequence: '445', time: '2027-01-15T08:07:25.000Z' });
    const change = `update event set event = '${forged.json}' where log_index = 444`;
    const tile = `update log_tile set hashes = overlay(hashes placing decode('${forged.hash.toString('hex')}', 'hex') from ${String((444 % 256) * 32 + 1)})
      where level = 0 and tile_index = 1`;
    expect(await after(change, tile)).toMatchObject({ code: 'LOG_REWRITTEN', logIndex: 300 });
  });

  it("is found when a source's number never existed", async () => {
    const skipped = await pool.connect();
    try {
      await skipped.query('begin');
      const report = await check(skipped, []);
      expect(report.sources).toEqual([{ source: 'payments', through: '1000' }]);
    } finally {
      await skipped.query('rollback');
      skipped.release();
    }
    taken += 2;
    const checkpoint = await append(200);
    expect((await check(pool, [older, newer, checkpoint])).faults).toEqual([
      expect.objectContaining({ code: 'SEQUENCE_GAP', source: 'payments', sequence: '1001' }),
    ]);
  });

  it('stops retention: altered events are not sealed; sealed ones verify by themselves', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'segments-'));
    const retention = new RetentionService(
      { days: 1, directory, segmentEvents: 256 },
      new RetentionStore(pool, new AuditOutbox({ pool, source: 'audit' })),
      log,
      () => new Date(Date.now() + 2 * 86_400_000),
      pino({ level: 'silent' }),
      new Background(pino({ level: 'silent' }), new HealthRegistry(), () => new Date()),
    );
    try {
      await pool.query('set role audit_owner; alter table event disable trigger user; reset role');
      await pool.query(`update event set event = jsonb_set(event, '{data,outcome}', '"denied"') where log_index = 600`);
      await pool.query('set role audit_owner; alter table event enable trigger user; reset role');
      await expect(retention.sealDue()).rejects.toThrow(/log index 600/);
      const { rows } = await pool.query(
        'select min(log_index)::int as first, (select minimum_index::int from log_retention) as minimum from event',
      );
      expect(rows).toEqual([{ first: 512, minimum: 512 }]);
      const [head, ...lines] = gunzipSync(readFileSync(join(directory, '000000000256.ndjson.gz')))
        .toString()
        .trim()
        .split('\n');
      const { segment } = segmentHeadSchema.parse(JSON.parse(head ?? ''));
      const edge: Tile[] = segment.edge.map((tile) => ({ ...tile, hashes: Buffer.from(tile.hashes, 'base64') }));
      const verify = (change: (line: string, at: number) => string): ExportReport => {
        const running = new ExportCheck({ checkpoints: [] });
        const known = new TileHashes(edge);
        const before = subtreesOf({ first: 0, end: segment.first_index }).map((subtree) => known.hashOf(subtree));
        const proof = segment.consistency.map((hash) => Buffer.from(hash, 'base64'));
        const checkpoint = openCheckpoint(segment.checkpoint, signer);
        running.begin({ first: segment.first_index, before, bridge: { size: segment.end_index, checkpoint, proof } });
        for (const [at, line] of lines.entries()) {
          const { log_index, leaf_hash, event } = segmentLineSchema.parse(JSON.parse(change(line, at)));
          const recorded = Buffer.from(leaf_hash, 'base64');
          const { source, sequence, time } = event;
          running.add({
            logIndex: log_index,
            leaf: leafOf(event).hash,
            recorded,
            source,
            sequence: BigInt(sequence),
            time: Date.parse(time),
          });
        }
        return running.finish();
      };
      expect(verify((line) => line)).toMatchObject({ faults: [], entries: 256 });
      const altered = verify((line, at) => (at === 9 ? line.replace('allowed', 'denied') : line));
      expect(altered.faults).toEqual([expect.objectContaining({ code: 'EVENT_ALTERED', logIndex: 265 })]);
      const recorded = await pool.query(
        "select count(*)::int as n from audit_outbox_event where event->>'type' = 'countersign.audit.segment.sealed.v1'",
      );
      expect(recorded.rows).toEqual([{ n: 2 }]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
