import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gunzipSync } from 'node:zlib';
import { AuditOutbox } from '@countersign/audit-client';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import {
  ExportCheck,
  leafOf,
  openCheckpoint,
  parseVerifierKey,
  subtreesOf,
  TileHashes,
  type NoteVerifier,
} from '@countersign/merkle-log';
import { Background, HealthRegistry, POOL } from '@countersign/service-host';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { pino } from 'pino';
import { z } from 'zod';
import { ExportService } from '../events/export.service.js';
import { TailService } from '../events/tail.service.js';
import { LogStore } from '../log/log.store.js';
import { IntegrationService } from '../integration/integration.service.js';
import { auditVariables, startAudit } from '../testing/audit-service.js';
import { auditor } from '../testing/auditor.js';
import { migrate } from '../testing/migrate.js';
import { ownEventFaults } from '../testing/own-events.js';
import { RetentionService } from './retention.service.js';
import { RetentionStore } from './retention.store.js';
import { writeSegment } from './segment-writer.js';

const EVENTS = 12_000;
const SEGMENT = 2_048;
const MIB = 1_048_576;

const hash = z.base64().transform((text) => Buffer.from(text, 'base64'));
const skippedSchema = z.object({ from: z.coerce.number(), hashes: z.array(hash) });
const startSchema = z.object({ first_index: z.coerce.number(), checkpoint: z.string(), skipped: skippedSchema });
const segmentSchema = z.object({
  first_index: z.coerce.number(),
  end_index: z.coerce.number(),
  edge: z.array(z.object({ level: z.number(), index: z.number(), hashes: hash })),
  checkpoint: z.string(),
  consistency: z.array(hash),
});
const lineSchema = z.object({
  log_index: z.coerce.number(),
  leaf_hash: hash,
  proof: z.object({ skipped: skippedSchema.optional(), tile: hash.optional() }).default({}),
  event: z.looseObject({ source: z.string(), sequence: z.string(), time: z.string() }),
});
const anyLine = z.object({
  start: startSchema.optional(),
  end: z.object({ complete: z.boolean(), next_cursor: z.string().nullable(), skipped: skippedSchema }).optional(),
  segment: segmentSchema.optional(),
});
const pageSchema = z.object({
  events: z.array(z.object({ log_index: z.coerce.number(), event: z.looseObject({ id: z.string() }) })),
  next_cursor: z.string().nullable(),
});

describe('a log of many events', () => {
  const directory = mkdtempSync(join(tmpdir(), 'segments-'));
  let backing: BackingServices;
  let issuer: TestIssuer;
  let app: NestFastifyApplication;
  let database: pg.Client;
  let url: string;
  let key: NoteVerifier;
  let newest: number;
  const gc = (() => {
    setFlagsFromString('--expose-gc');
    return z.custom<() => void>((value) => typeof value === 'function').parse(runInNewContext('gc'));
  })();

  const authorization = async (): Promise<string> =>
    `Bearer ${await issuer.mint({ subject: 'auditor', clientId: 'auditor', scopes: ['audit:read'] })}`;
  const get = async (path: string): Promise<Response> =>
    fetch(`${url}${path}`, { headers: { authorization: await authorization() } });
  const page = async (query: string) => pageSchema.parse(await (await get(`/events?${query}`)).json());

  /** A reader that takes what it wants when it wants. */
  async function open(path: string): Promise<IncomingMessage> {
    const headers = { authorization: await authorization() };
    return new Promise((done, failed) => {
      httpGet(`${url}${path}`, { headers }, done).on('error', failed);
    });
  }

  /** As the bench does: rows as intake writes them, hashed by the integration as what was stored before there was a log. */
  async function fill(): Promise<void> {
    const note = 'x'.repeat(2_500);
    await database.query(
      `insert into event (log_index, id, source, sequence, type, time, resource, action, outcome, subject, client_id, actors, event, received_at)
       select n, id, 'payments', n + 1, type, time, 'payment/' || n, 'payments:read', 'allowed', 'ada', 'shop', '{}',
         jsonb_build_object('specversion', '1.0', 'id', id, 'source', 'payments', 'type', type, 'time', to_char(time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           'subject', 'payment/' || n, 'datacontenttype', 'application/json', 'sequence', (n + 1)::text,
           'data', jsonb_build_object('principal', jsonb_build_object('subject', 'ada', 'client_id', 'shop', 'actors', '[]'::jsonb, 'scopes', '[]'::jsonb, 'jti', 'j'),
             'txn', null, 'action', 'payments:read', 'resource', 'payment/' || n, 'outcome', 'allowed', 'changes', jsonb_build_object('note', $2::text || n))),
         case when n < $3 then now() - interval '3 days' when n < 2 * $3 then now() - interval '36 hours' else now() end
       from generate_series(0, $1::bigint - 1) as n, lateral (select gen_random_uuid() as id, 'countersign.payments.payment.read.v1' as type,
         date_trunc('milliseconds', now()) as time where n >= 0) as made`,
      [EVENTS, note, SEGMENT],
    );
    await database.query('update log_sequence set next_index = $1', [EVENTS]);
    await database.query(
      `insert into source_progress (source, through, known) values ('payments', $1, int8multirange(int8range(1, $1, '[]')))`,
      [EVENTS],
    );
  }

  beforeAll(async () => {
    backing = await startBackingServices();
    issuer = await createTestIssuer({ audience: 'audit', listen: true });
    const databaseUrl = await backing.database('audit', migrate);
    app = await startAudit(auditVariables({ issuer: issuer.issuer, databaseUrl, backing }));
    url = await app.getUrl();
    database = new pg.Client({ connectionString: databaseUrl });
    await database.connect();
    await fill();
    // The service's own timer may be at it.
    for (newest = 0; newest < EVENTS; await delay(20)) {
      newest = (await app.get(IntegrationService).integrateNow())?.treeSize ?? 0;
    }
    key = parseVerifierKey((await (await fetch(`${url}/log/key`)).text()).trim());
  }, 180_000);
  // Also when the test that ends it was not chosen (`-t`).
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= app.close());
  afterAll(async () => {
    await close();
    const faults = await ownEventFaults(database);
    await database.end();
    await issuer.close();
    await backing.stop();
    rmSync(directory, { recursive: true, force: true });
    expect(faults).toEqual([]);
  }, 60_000);

  const heap = (): number => {
    gc();
    gc();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };

  it('is exported in the memory of a few pages, however slow its reader is', async () => {
    const before = heap();
    const answer = await open('/events/export');
    await delay(500);
    const seen = [heap() - before];
    let bytes = 0;
    let checkedAt = 0;
    for await (const chunk of answer) {
      bytes += z.instanceof(Buffer).parse(chunk).length;
      if (bytes - checkedAt < 8 * MIB) continue;
      checkedAt = bytes;
      seen.push(heap() - before);
    }
    expect(bytes).toBeGreaterThan(32 * MIB);
    expect(Math.max(...seen)).toBeLessThan(16 * MIB);
  }, 120_000);

  it('is no longer read once the reader of an export has disconnected', async () => {
    const answer = await open('/events/export');
    await new Promise((read) => answer.once('readable', read));
    answer.read();
    answer.destroy();
    const ended = async (): Promise<number | undefined> => {
      const { rows } = await database.query<{ shown: number }>(
        `select (event#>>'{data,changes,shown}')::int as shown from
           (select event from audit_outbox_event union all select event from event where log_index >= $1) as recorded
         where event->>'type' = 'countersign.audit.events.export_ended.v1' and event#>>'{data,outcome}' = 'failed'`,
        [EVENTS],
      );
      return rows[0]?.shown;
    };
    for (let attempt = 0; attempt < 100 && (await ended()) === undefined; attempt += 1) await delay(50);
    expect(await ended()).toBeLessThan(EVENTS / 4);
    const transactions = async (): Promise<number | undefined> => {
      const { rows } = await database.query<{ running: number }>(
        `select count(*)::int as running from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and state like '%transaction%'`,
      );
      return rows[0]?.running;
    };
    // The service's own rounds hold one for a moment; the export's would stay.
    let running = await transactions();
    for (let attempt = 0; attempt < 200 && running !== 0; attempt += 1) {
      await delay(25);
      running = await transactions();
    }
    expect(running).toBe(0);
  }, 60_000);

  function retentionAfter(days: number): RetentionService {
    const pool = app.get<pg.Pool>(POOL);
    return new RetentionService(
      { days, directory, segmentEvents: SEGMENT },
      new RetentionStore(pool, new AuditOutbox({ pool, source: 'audit' })),
      app.get(LogStore),
      () => new Date(),
      pino({ level: 'silent' }),
      new Background(pino({ level: 'silent' }), new HealthRegistry(), () => new Date()),
    );
  }
  /** What a receiver finds in these lines, of segments and exports, who asks no service. */
  const check = (all: readonly string[]) => {
    const running = new ExportCheck({ checkpoints: [] });
    for (const text of all) {
      const json: unknown = JSON.parse(text);
      const { start, end, segment: head } = anyLine.parse(json);
      if (start !== undefined) {
        const { first_index: first, skipped, checkpoint } = start;
        running.begin({ first, before: skipped.hashes, checkpoint: openCheckpoint(checkpoint, key) });
      } else if (head !== undefined) {
        const known = new TileHashes(head.edge);
        const before = subtreesOf({ first: 0, end: head.first_index }).map((subtree) => known.hashOf(subtree));
        const bridge = {
          size: head.end_index,
          checkpoint: openCheckpoint(head.checkpoint, key),
          proof: head.consistency,
        };
        running.begin({ first: head.first_index, before, bridge });
      } else if (end !== undefined) running.end(end.skipped);
      else {
        const { log_index: logIndex, leaf_hash: recorded, proof, event } = lineSchema.parse(json);
        const { source, sequence, time } = event;
        const numbered = { source, sequence: BigInt(sequence), time: Date.parse(time) };
        const { skipped, tile } = proof;
        running.add({
          logIndex,
          leaf: leafOf(event).hash,
          recorded,
          ...numbered,
          ...(skipped && { skipped }),
          ...(tile && { tile }),
        });
      }
    }
    return running.finish();
  };

  it('is searched, exported and verified across the edge of what retention has sealed', async () => {
    const sealed = await page(`source=payments&cursor=${String(SEGMENT)}&limit=1`);
    const kept = 'select count(*)::int as count from log_checkpoint_kept';
    const newer =
      'select from log_checkpoint where tree_size > (select coalesce(max(tree_size), -1) from log_checkpoint_kept)';
    while ((await database.query(newer)).rowCount === 0) await delay(20);
    const before = (await database.query(kept)).rows;
    expect(await retentionAfter(30).sealDue()).toBe(0);
    expect((await database.query(kept)).rows).toEqual(before);
    await expect(retentionAfter(2).sealDue(AbortSignal.abort())).resolves.toBe(0);
    expect(await retentionAfter(2).sealDue()).toBe(1);
    // As where the storage is not mounted: what would be written there could be lost.
    const file = join(directory, '000000000000.ndjson.gz');
    renameSync(file, `${file}.away`);
    await expect(retentionAfter(1).sealDue()).rejects.toThrow(
      /000000000000\.ndjson\.gz is missing from RETENTION_DIRECTORY/,
    );
    renameSync(`${file}.away`, file);

    expect(sealed.events[0]?.log_index).toBe(SEGMENT - 1);
    expect((await get(`/events/${sealed.events[0]?.event.id ?? ''}`)).status).toBe(404);
    for (const [query, first] of [
      ['source=payments', SEGMENT],
      ['q=payment%2F2050', 2_050],
      ['from=2020-01-01T00:00:00Z', SEGMENT],
      ['actor=nobody', undefined],
      ['', SEGMENT],
    ] as const) {
      expect(await page(`${query}&cursor=100`)).toEqual({ events: [], next_cursor: null });
      const edge = await page(`${query}&cursor=${String(SEGMENT + 10)}&limit=200`);
      expect([edge.events.at(-1)?.log_index, edge.next_cursor]).toEqual([first, null]);
    }

    const lines = (await (await get('/events/export?cursor=5&limit=1000')).text()).trim().split('\n');
    const segment = gunzipSync(readFileSync(join(directory, '000000000000.ndjson.gz')))
      .toString()
      .trim()
      .split('\n');
    expect(check([...segment, ...lines])).toMatchObject({ faults: [], first: 0, complete: true });
    expect(check(lines)).toMatchObject({ faults: [], first: SEGMENT });
    expect(check([...segment.toSpliced(-1, 1), ...lines]).faults[0]).toMatchObject({
      code: 'LOG_TRUNCATED',
      logIndex: SEGMENT - 1,
    });
    expect(check([...segment, ...lines.toSpliced(1, 1)]).faults[0]).toMatchObject({
      code: 'EVENT_MISSING',
      logIndex: SEGMENT,
    });
  }, 120_000);

  it('leaves no draft of a segment that could not be written, nor one of a process that was killed', async () => {
    const name = '999999999999.ndjson.gz';
    const files = (): readonly string[] => readdirSync(directory).filter((file) => file.startsWith(name));
    async function* broken(): AsyncGenerator<string> {
      yield await Promise.resolve('the first line\n');
      throw new Error('no space left');
    }
    async function* whole(): AsyncGenerator<string> {
      yield await Promise.resolve('the only line\n');
    }
    await expect(writeSegment(directory, name, broken())).rejects.toThrow('no space left');
    expect(files()).toEqual([]);
    writeFileSync(join(directory, `${name}.1.part`), 'half', { mode: 0o400 });
    await writeSegment(directory, name, whole());
    expect(files()).toEqual([name]);
    rmSync(join(directory, name));
  });

  it('ends an export if retention seals what it has not read yet, and says where to continue', async () => {
    const begin = async (wanted: Parameters<ExportService['begin']>[0]) => {
      const exporting = await app.get(ExportService).begin(wanted, { ...auditor, token: await issuer.mint() });
      let text = '';
      for (let piece = 0; piece < 2; piece += 1) text += z.string().parse((await exporting.next()).value);
      return { text, exporting };
    };
    const filtered = await begin({ format: 'ndjson', source: 'payments' });
    const plain = await begin({ format: 'ndjson' });
    expect(await retentionAfter(1).sealDue()).toBe(1);
    for await (const piece of plain.exporting) plain.text += piece;
    for await (const piece of filtered.exporting) filtered.text += piece;
    const { end: endOfFiltered } = anyLine.parse(JSON.parse(filtered.text.trim().split('\n').at(-1) ?? ''));
    expect(endOfFiltered).toMatchObject({ complete: false, next_cursor: String(2 * SEGMENT - 1) });

    const lines = plain.text.trim().split('\n');
    const { end } = anyLine.parse(JSON.parse(lines.at(-1) ?? ''));
    expect(end).toMatchObject({ complete: false, next_cursor: String(2 * SEGMENT - 1) });
    expect(lines.length - 2).toBeLessThan(SEGMENT);
    expect(check(lines)).toMatchObject({ faults: [], first: SEGMENT });
    const rest = (await (await get(`/events/export?cursor=${String(2 * SEGMENT - 1)}&limit=10`)).text())
      .trim()
      .split('\n');
    expect(lineSchema.parse(JSON.parse(rest[1] ?? '')).log_index).toBe(2 * SEGMENT);
    expect(check(rest)).toMatchObject({ faults: [], first: 2 * SEGMENT });
  }, 60_000);

  it('says in a tail which events retention sealed before they were read, and continues after them', async () => {
    const caller = { ...auditor, token: await issuer.mint() };
    for (const filter of [{}, { source: 'payments' }]) {
      const tail = await app.get(TailService).begin({ ...filter, cursor: '5' }, caller);
      let text = '';
      while (!text.includes('event: event')) text += z.string().parse((await tail.next()).value);
      await tail.return(undefined);
      const last = String(2 * SEGMENT - 1);
      const sealed = `id: ${last}\nevent: sealed\ndata: {"first_index":"6","last_index":"${last}"}\n\n`;
      expect(text).toContain(`${sealed}id: ${String(2 * SEGMENT)}\nevent: event\n`);
    }
  }, 60_000);

  it('is not called damaged where retention seals what is just being read', async () => {
    const log = app.get(LogStore);
    const read = log.entries.bind(log);
    log.entries = async (...which) => {
      expect(await retentionAfter(0).sealDue()).toBeGreaterThan(0);
      return read(...which);
    };
    const answer = await get(`/log/tile/entries/${String((2 * SEGMENT) / 256).padStart(3, '0')}`);
    log.entries = read;
    expect([answer.status, await answer.json()]).toEqual([410, expect.objectContaining({ code: 'ENTRIES_SEALED' })]);
  }, 60_000);

  it('ends its exports when it stops: they say where they continue, and the end of each is recorded, read or not', async () => {
    const exports = app.get(ExportService);
    const caller = { ...auditor, token: await issuer.mint() };
    const unread = await exports.begin({ format: 'ndjson' }, caller);
    const exporting = await exports.begin(
      { format: 'ndjson' },
      { ...caller, principal: { ...auditor.principal, clientId: 'other' } },
    );
    let text = '';
    for (let piece = 0; piece < 2; piece += 1) text += z.string().parse((await exporting.next()).value);
    exports.beforeApplicationShutdown();
    for await (const piece of exporting) text += piece;
    const lines = text.trim().split('\n');
    const { end } = anyLine.parse(JSON.parse(lines.at(-1) ?? ''));
    expect(end).toEqual(expect.objectContaining({ complete: false, next_cursor: expect.stringMatching(/^\d+$/) }));
    expect(lines.length).toBeLessThan(500);
    await close();
    expect(await unread.next()).toEqual({ done: true, value: undefined });
    const { rows } = await database.query<{ began: string; ended: string }>(
      `select count(distinct event->>'id') filter (where event->>'type' like '%.events.exported.v1') as began,
         count(distinct event->>'id') filter (where event->>'type' like '%.events.export_ended.v1') as ended
       from (select event from audit_outbox_event union all select event from event where log_index >= $1) as recorded`,
      [EVENTS],
    );
    expect(rows[0]?.ended).toBe(rows[0]?.began);
  }, 60_000);
});
