import { setTimeout as delay } from 'node:timers/promises';
import {
  auditStream,
  BATCH_SIZE_LIMIT,
  batchSubject,
  parseReceipt,
  receiptSubject,
  reportSubject,
} from '@countersign/audit-client';
import { uuidv7 } from '@countersign/audit-event';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { ExportCheck, leafOf, openCheckpoint, parseVerifierKey, type ExportReport } from '@countersign/merkle-log';
import { thisReplica } from '@countersign/service-host';
import { createTestIssuer, type TestIssuer, type TestTokenOptions } from '@countersign/test-kit';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import pg from 'pg';
import { z } from 'zod';
import { opens } from '../masking/masking.js';
import { auditVariables, startAudit } from '../testing/audit-service.js';
import { migrate } from '../testing/migrate.js';
import { ownEventFaults, ownEvents } from '../testing/own-events.js';
import { EXPORT_PLACES } from './export.service.js';
import { TAIL_PLACES } from './tail.service.js';

const foundSchema = z.object({
  log_index: z.string(),
  event: z.looseObject({
    id: z.string(),
    type: z.string(),
    time: z.string(),
    sequence: z.string(),
    data: z.looseObject({
      resource: z.string(),
      action: z.string(),
      principal: z.looseObject({ subject: z.string(), client_id: z.string() }).nullable(),
      changes: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
});
type Found = z.infer<typeof foundSchema>;
const pageSchema = z.object({ events: z.array(foundSchema), next_cursor: z.string().nullable() });
const hash = z.base64().transform((text) => Buffer.from(text, 'base64'));
const skippedSchema = z.object({ from: z.coerce.number(), hashes: z.array(hash) });
const lineSchema = foundSchema.extend({
  source: z.string(),
  sequence: z.string(),
  checkpoint: z.string(),
  leaf_hash: hash,
  proof: z.object({ skipped: skippedSchema.optional(), tile: hash.optional() }).optional(),
});
const startSchema = z.object({
  start: z.object({
    first_index: z.coerce.number(),
    tree_size: z.string(),
    checkpoint: z.string(),
    filtered: z.boolean(),
    passing: z.array(z.coerce.number()),
    skipped: skippedSchema,
  }),
});
const endSchema = z.object({
  end: z.object({
    events: z.number(),
    complete: z.boolean(),
    next_cursor: z.string().nullable(),
    checkpoint: z.string(),
    skipped: skippedSchema,
  }),
});

const READ: TestTokenOptions = { subject: 'auditor', clientId: 'auditor', scopes: ['audit:read'] };
const OWN: TestTokenOptions = { subject: 'ada', clientId: 'shop', scopes: ['audit:read:own'] };

describe('the trail, over HTTP', () => {
  let backing: BackingServices;
  let issuer: TestIssuer;
  let payments: NatsConnection;
  let audit: NatsConnection;
  let database: pg.Client;
  let app: NestFastifyApplication;
  let url: string;
  let published = 0;

  const get = async (path: string, requested: TestTokenOptions = READ, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${await issuer.mint(requested)}`, ...init.headers },
    });

  interface Said {
    readonly subject?: string;
    readonly client?: string;
    readonly note?: string;
    readonly email?: string;
  }
  /** The next event of the payments service; by default ada's, through the shop. */
  function nextEvent({ subject = 'ada', client = 'shop', note = 'none', email }: Said = {}) {
    published += 1;
    return {
      specversion: '1.0',
      id: uuidv7(),
      source: 'payments',
      type: 'countersign.payments.payment.read.v1',
      time: new Date().toISOString(),
      subject: `payment/${String(published)}`,
      datacontenttype: 'application/json',
      sequence: String(published),
      data: {
        principal: { subject, client_id: client, actors: [], scopes: [], jti: 'j' },
        txn: null,
        action: 'payments:read',
        resource: `payment/${String(published)}`,
        outcome: 'allowed',
        changes: { note, ...(email === undefined ? {} : { email }) },
      },
    };
  }
  async function publish(count: number, said: Said = {}): Promise<void> {
    for (let made = 0; made < count; made += 1) {
      await jetstream(payments).publish('audit.payments.payment.read', JSON.stringify(nextEvent(said)));
    }
  }

  async function search(query: string, requested: TestTokenOptions = READ): Promise<readonly Found[]> {
    const found: Found[] = [];
    for (let cursor = ''; ;) {
      const answer = await get(`/events?${query}${cursor}`, requested);
      expect(answer.status).toBe(200);
      const page = pageSchema.parse(await answer.json());
      found.push(...page.events);
      if (page.next_cursor === null) return found;
      cursor = `&cursor=${page.next_cursor}`;
    }
  }
  async function eventually<Value>(what: () => Promise<Value>, good: (value: Value) => boolean): Promise<Value> {
    for (const deadline = Date.now() + 30_000; ;) {
      const value = await what();
      if (good(value) || Date.now() > deadline) return value;
      await delay(100);
    }
  }
  const stored = (count: number, query = 'source=payments'): Promise<readonly Found[]> =>
    eventually(
      () => search(query),
      ({ length }) => length >= count,
    );

  beforeAll(async () => {
    backing = await startBackingServices();
    issuer = await createTestIssuer({ audience: 'audit', listen: true });
    const databaseUrl = await backing.database('audit', migrate);
    audit = await connect({
      servers: backing.nats.url,
      user: 'audit',
      pass: backing.passwords.audit,
      inboxPrefix: '_INBOX_audit',
    });
    // As an older version left them.
    const manager = await jetstreamManager(audit);
    await manager.streams.add({ ...auditStream, retention: RetentionPolicy.Limits, max_msg_size: 65_536 });
    await manager.consumers.add(auditStream.name, {
      durable_name: 'audit-log',
      ack_policy: AckPolicy.Explicit,
      max_ack_pending: 2_000,
    });
    const common = auditVariables({ issuer: issuer.issuer, databaseUrl, backing });
    app = await startAudit({ ...common, MASKED_FIELDS: 'changes.email' });
    url = await app.getUrl();
    database = new pg.Client({ connectionString: databaseUrl });
    await database.connect();
    payments = await connect({
      servers: backing.nats.url,
      user: 'payments',
      pass: backing.passwords.payments,
      inboxPrefix: '_INBOX_payments',
    });
    await eventually(
      async () =>
        z
          .looseObject({ notes: z.looseObject({ intake: z.looseObject({ consuming: z.boolean() }) }) })
          .parse(await (await fetch(`${url}/health/ready`)).json()),
      ({ notes }) => notes.intake.consuming,
    );
  }, 180_000);
  // Also when the test that ends it was not chosen (`-t`).
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= app.close());
  afterAll(async () => {
    await close();
    await audit.close();
    await payments.close();
    const faults = await ownEventFaults(database);
    await database.end();
    await issuer.close();
    await backing.stop();
    expect(faults).toEqual([]);
  }, 60_000);

  it('updates the stream and consumer of an older version to its own settings', async () => {
    const manager = await jetstreamManager(audit);
    const { config: stream } = await manager.streams.info(auditStream.name);
    const { config: consumer } = await manager.consumers.info(auditStream.name, 'audit-log');
    expect(stream.max_msg_size).toBeGreaterThan(BATCH_SIZE_LIMIT);
    expect(consumer.max_ack_pending).toBe(256);
    expect(stream.retention).toBe('workqueue');
  });

  it('finds events by their texts, and pages through them', async () => {
    await publish(5, { note: 'Paid by Wire' });
    await publish(3);
    expect((await stored(8)).map(({ event }) => event.sequence)).toEqual(['8', '7', '6', '5', '4', '3', '2', '1']);
    expect(await search('q=wire%20paid&limit=2')).toHaveLength(5);
    expect((await get('/events?q=%20.%2F')).status).toBe(400);
    expect((await get('/events?colour=red')).status).toBe(400);
  }, 60_000);

  it('leaves nothing committed in the stream, and reports how full it is', async () => {
    const manager = await jetstreamManager(audit);
    await eventually(
      async () => (await manager.streams.info(auditStream.name)).state.messages,
      (messages) => messages === 0,
    );
    const metrics = await eventually(
      async () => (await fetch(`${url}/metrics`)).text(),
      (text) => /^audit_stream_limit_bytes\{.*\} \d+$/m.test(text),
    );
    expect(metrics).toMatch(new RegExp(`^audit_stream_limit_bytes\\{.*\\} ${String(auditStream.max_bytes)}$`, 'm'));
    expect(metrics).toMatch(/^audit_stream_bytes\{.*\} \d+$/m);
  }, 60_000);

  it('recreates the stream in which it remembers its log when NATS has lost it', async () => {
    const manager = await jetstreamManager(audit);
    const isThere = (): Promise<boolean> =>
      manager.streams.info('AUDIT_LOG').then(
        () => true,
        () => false,
      );
    await eventually(isThere, (is) => is);
    const notes = z.object({ log_record: z.object({ last_error: z.string().nullable() }) });
    const lastError = async (): Promise<string | null> => {
      // A read is an event of audit's own.
      await get('/events?limit=1');
      const report = z.object({ notes }).parse(await (await fetch(`${url}/health/ready`)).json());
      return report.notes.log_record.last_error;
    };
    const withoutStream = async (): Promise<string | null> => {
      if (await isThere()) await manager.streams.delete('AUDIT_LOG');
      return lastError();
    };
    expect(await eventually(withoutStream, (error) => error !== null)).toEqual(expect.any(String));
    expect(await eventually(lastError, (error) => error === null)).toBeNull();
    expect(await eventually(isThere, (is) => is)).toBe(true);
  }, 60_000);

  it('records each read, with the query and how much was shown, before it responds', async () => {
    await search('q=wire&limit=3', { ...READ, subject: 'curious' });
    const { rows } = await database.query<{ event: { data: { changes: object } } }>(
      `select event from audit_outbox_event where event#>>'{data,principal,subject}' = 'curious'
       union all select event from event where subject = 'curious'`,
    );
    expect(rows.map(({ event }) => event.data.changes)).toContainEqual({ search: { q: 'wire', limit: 3 }, shown: 3 });
  }, 60_000);

  it('shows a caller with audit:read:own what its subject did, and nothing else', async () => {
    await publish(2, { subject: 'eve', client: 'other' });
    await publish(1, { subject: 'eve', client: 'shop' });
    const all = await stored(11);
    const own = await search('source=payments', OWN);
    expect(own).toHaveLength(8);
    expect(own.every(({ event: { data } }) => data.principal?.subject === 'ada')).toBe(true);
    const strange = all.find(({ event }) => event.data.principal?.client_id === 'other');
    expect((await get(`/events/${strange?.event.id ?? ''}`, OWN)).status).toBe(404);
    expect((await get(`/events/${strange?.event.id ?? ''}`)).status).toBe(200);
    expect((await get(`/events/${own[0]?.event.id ?? ''}`, OWN)).status).toBe(200);
    expect((await get('/events/stats', OWN)).status).toBe(403);
    const refused = await get('/events', { ...OWN, scopes: ['payments:read'] });
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      403,
      expect.stringContaining('insufficient_scope'),
    ]);
  }, 60_000);

  it('counts the events', async () => {
    const statistics = z
      .object({
        events: z.string(),
        counted: z.string(),
        outcomes: z.record(z.string(), z.coerce.number()),
        sources: z.array(z.looseObject({ source: z.string(), through: z.string() })),
      })
      .parse(await (await get('/events/stats')).json());
    expect(Number(statistics.events)).toBeGreaterThanOrEqual(11);
    expect(statistics.counted).toBe(statistics.events);
    expect(statistics.outcomes['allowed']).toBeGreaterThanOrEqual(11);
    expect(statistics.sources).toContainEqual(expect.objectContaining({ source: 'payments', through: '11' }));
  });

  async function exported(query: string, requested: TestTokenOptions = READ) {
    const answer = await get(`/events/export?${query}`, requested);
    expect(answer.status).toBe(200);
    const lines = (await answer.text()).trimEnd().split('\n');
    const { end } = endSchema.parse(JSON.parse(lines.pop() ?? ''));
    const { start } = startSchema.parse(JSON.parse(lines.shift() ?? ''));
    return { answer, start, lines: lines.map((line) => lineSchema.parse(JSON.parse(line))), end };
  }
  /** What a receiver finds, who asks no service. */
  async function verified(
    { start, lines, end }: Awaited<ReturnType<typeof exported>>,
    ...notes: string[]
  ): Promise<ExportReport> {
    const key = parseVerifierKey((await (await fetch(`${url}/log/key`)).text()).split(/\s/)[0] ?? '');
    const check = new ExportCheck({ checkpoints: notes.map((note) => openCheckpoint(note, key)) });
    const { first_index: first, filtered, passing, skipped } = start;
    check.begin({
      first,
      filtered,
      passing,
      before: skipped.hashes,
      checkpoint: openCheckpoint(start.checkpoint, key),
    });
    for (const { log_index, event, source, sequence, leaf_hash: recorded, proof } of lines) {
      const leaf = leafOf(event).hash;
      const place = { logIndex: Number(log_index), source, sequence: BigInt(sequence), time: Date.parse(event.time) };
      const { skipped: left, tile } = proof ?? {};
      check.add({ ...place, leaf, recorded, ...(left && { skipped: left }), ...(tile && { tile }) });
    }
    check.end(end.skipped);
    return check.finish();
  }

  it('says who called whom to a caller who may see every event, and records that it did', async () => {
    const found = await eventually(
      async () => get('/events/calls').then(async (answer): Promise<unknown> => answer.json()),
      (map) => JSON.stringify(map).includes('"caller":"shop","callee":"payments"'),
    );
    expect(found).toMatchObject({ left_out: 0, timed_events: 20_000 });
    expect((await get('/events/calls', OWN)).status).toBe(403);
    expect((await get('/events/calls?from=2020-01-01T00:00:00Z')).status).toBe(400);
    const looks = await stored(1, 'type=countersign.audit.calls.counted.v1');
    expect(looks[0]?.event.data).toMatchObject({ action: 'audit:read', resource: 'event/*' });
  }, 60_000);

  it('says what each of some clients did last to a caller who may see every event, and records that it did', async () => {
    const [newest] = await search('client=other&limit=1');
    const answer = await get('/events/newest?clients=other,nobody,other');
    expect(await answer.json()).toEqual({
      newest: [
        {
          client: 'other',
          log_index: newest?.log_index,
          time: newest?.event.time,
          action: 'payments:read',
          outcome: 'allowed',
        },
      ],
    });
    expect((await get('/events/newest?clients=other', OWN)).status).toBe(403);
    const tooMany = Array.from({ length: 51 }, (_, n) => `c${String(n)}`).join(',');
    for (const clients of ['', 'a,,b', tooMany]) {
      expect((await get(`/events/newest?clients=${clients}`)).status).toBe(400);
    }
    const { rows } = await database.query<{ search: object }>(
      // The outbox keeps what the log has: one event, not two.
      `select distinct event->>'id' as id, event #> '{data,changes,search}' as search
       from (select event from audit_outbox_event union all select event from event) as recorded
       where event #> '{data,changes,search,newest_of}' is not null`,
    );
    expect(rows.map((row) => row.search)).toEqual([{ newest_of: ['other', 'nobody'] }]);
  }, 60_000);

  it('says who has departed to a caller who may see every event, and records that it did', async () => {
    const asked = '/events/departures?of=client/shop&of=person/person:nobody';
    expect(await (await get(asked)).json()).toEqual({ departures: [] });
    expect((await get(asked, OWN)).status).toBe(403);
    expect((await get('/events/departures?of=payment/1')).status).toBe(400);
    const { rows } = await database.query(
      `select distinct event->>'id' as id, event #> '{data,changes,search,departures_of}' as names
       from (select event from audit_outbox_event union all select event from event) as recorded
       where event #> '{data,changes,search,departures_of}' is not null`,
    );
    expect(rows).toEqual([expect.objectContaining({ names: ['client/shop', 'person/person:nobody'] })]);
  }, 60_000);

  it("reports the trail's health in one response, to a reader of all events, without recording an event", async () => {
    const read = async () => z.looseObject({ at: z.string() }).parse(await (await get('/overview')).json());
    const shown = await eventually(read, ({ log }) => z.object({ signed_at: z.string() }).safeParse(log).success);
    expect(shown).toMatchObject({
      sources: expect.arrayContaining([
        expect.objectContaining({ source: 'payments', missing: [], advanced_at: expect.any(String) }),
      ]),
      dead_letters: { waiting: 0, oldest_at: null },
      retention: { days: null, first_index: '0', segments: 0, last_sealed_at: null },
      replica: { notes: { intake: { consuming: true }, audit_relay: expect.objectContaining({}) } },
      reports: {
        own: {
          source: 'audit',
          replica: thisReplica,
          heard_at: shown.at,
          outbox: { pending: expect.any(Number), last_error: null },
          revocation_feed: { state: expect.any(String) },
        },
      },
    });
    const report = {
      source: 'payments',
      replica: 'a/1',
      status: 'ready',
      failing: [],
      outbox: { pending: 12, oldest_seconds: 90, last_error: null },
      revocation_feed: { state: 'lost', lag_ms: null },
    };
    payments.publish(reportSubject('payments'), JSON.stringify({ ...report, source: 'issuer' }));
    payments.publish(reportSubject('payments'), JSON.stringify(report));
    const received = z.tuple([z.looseObject({ source: z.literal('payments') })]);
    const heard = await eventually(read, ({ reports }) => z.object({ received }).safeParse(reports).success);
    expect(heard).toMatchObject({ reports: { since: expect.any(String), received: [report] } });
    expect((await get('/overview', OWN)).status).toBe(403);
    const { rows } = await database.query(
      `select from audit_outbox_event where event #>> '{data,request,route}' = '/overview'`,
    );
    expect(rows.length).toBeLessThanOrEqual(1);
  }, 60_000);

  it('exports NDJSON, oldest first, each line with its place and the checkpoint, and continues from a cursor', async () => {
    const whole = await eventually(
      () => exported('source=payments'),
      ({ lines }) => lines.length >= 11,
    );
    expect(whole.answer.headers.get('content-type')).toBe('application/x-ndjson');
    expect(whole.lines.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 11 }, (_, at) => String(at + 1)));
    expect(whole.end).toMatchObject({ events: 11, complete: true, next_cursor: null });
    const size = /\n(\d+)\n/.exec(whole.end.checkpoint)?.[1];
    expect([whole.start.tree_size, whole.start.checkpoint]).toEqual([size, whole.end.checkpoint]);
    for (const { checkpoint, log_index } of whole.lines) {
      expect(checkpoint).toBe(size);
      expect(Number(log_index)).toBeLessThan(Number(size));
    }
    const first = await exported('source=payments&limit=4');
    expect(first.end).toMatchObject({ events: 4, complete: false, next_cursor: first.lines.at(-1)?.log_index });
    const rest = await exported(`source=payments&cursor=${first.end.next_cursor ?? ''}`);
    expect([...first.lines, ...rest.lines].map(({ event }) => event.id)).toEqual(
      whole.lines.map(({ event }) => event.id),
    );
    const own = await exported('source=payments', OWN);
    expect(own.lines).toHaveLength(8);
    expect(await verified(own)).toMatchObject({ faults: [], entries: 8, complete: false });
    expect(await verified(rest)).toMatchObject({ faults: [], complete: false });
  }, 60_000);

  it('exports any run of the log with its proof, linked to the checkpoints that its reader keeps', async () => {
    const older = await (await get('/log/checkpoint', READ)).text();
    const size = Number(older.split('\n')[1]);
    await search('limit=1');
    await eventually(
      async () => Number((await (await get('/log/checkpoint', READ)).text()).split('\n')[1]),
      (now) => now > size,
    );
    const whole = await exported('');
    expect(await verified(whole, older)).toMatchObject({ faults: [], first: 0, complete: true });
    const later = await exported(`cursor=${String(size - 1)}&checkpoints=5,${String(size)}`);
    expect(await verified(later, older)).toMatchObject({ faults: [], first: size, complete: true });
    const some = await exported(`client=shop&cursor=3&limit=4&checkpoints=${String(size)}`);
    expect(await verified(some, older)).toMatchObject({ faults: [], entries: 4, first: 4, complete: false });
    const hidden = { ...some, lines: some.lines.toSpliced(2, 1) };
    expect((await verified(hidden)).faults).toMatchObject([
      { code: 'EVENT_MISSING', logIndex: Number(some.lines[2]?.log_index) },
    ]);
    const beyond = await get('/events/export?cursor=99999999');
    expect([beyond.status, await beyond.json()]).toMatchObject([409, { code: 'CURSOR_BEYOND_END' }]);
    expect((await get('/events/export?checkpoints=0')).status).toBe(400);
  }, 60_000);

  it('exports CSV that no spreadsheet interprets as a formula', async () => {
    await publish(1, { subject: '=1+1, "x"' });
    await stored(12);
    const text = await eventually(
      async () => (await get('/events/export?format=csv&source=payments')).text(),
      (csv) => csv.trimEnd().split('\r\n').length >= 15,
    );
    const lines = text.trimEnd().split('\r\n');
    expect(lines[0]).toMatch(/^log_index,source,sequence,checkpoint,time,type,subject,/);
    expect(lines).toHaveLength(15);
    expect(lines[1]).toMatch(/^#start,+"\{""first_index""/);
    expect(lines.at(-2)).toContain(`,"'=1+1, ""x""",shop,`);
    expect(lines.at(-2)).toMatch(/,sha256:[A-Za-z0-9+/]{43}=,/);
    expect(lines.at(-1)).toMatch(/^#end,+"\{""events"":12,""complete"":true/);
  }, 60_000);

  it('ends an export that is in progress when its token does, and says where it continues', async () => {
    // More than the buffers between here and there can hold.
    await publish(900, { note: 'x'.repeat(25_000) });
    const covered = async (): Promise<number> => {
      const { rows } = await database.query<{ count: string }>(
        `select count(*) from event where source = 'payments' and log_index < (select max(tree_size) from log_checkpoint)`,
      );
      return Number(rows[0]?.count);
    };
    expect(await eventually(covered, (count) => count >= published)).toBe(published);
    const answer = await get('/events/export', { ...READ, lifetime: 1 });
    const chunks = answer.body?.getReader();
    let text = '';
    const decoder = new TextDecoder();
    for (const begun = Date.now(); ;) {
      const { done = true, value } = (await chunks?.read()) ?? {};
      text += decoder.decode(value, { stream: !done });
      if (done) break;
      // Slowly enough for the token to end, and for nobody to take the reader for gone: a verifier forgives clocks five seconds.
      if (Date.now() - begun < 8_000) await delay(500);
    }
    const { end } = endSchema.parse(JSON.parse(text.trimEnd().split('\n').at(-1) ?? ''));
    expect(end.complete).toBe(false);
    expect(end.events).toBeLessThan(900);
    const rest = await exported(`limit=1&cursor=${end.next_cursor ?? ''}`);
    expect(rest.start.first_index).toBe(Number(end.next_cursor) + 1);
  }, 180_000);

  it('frees the slot of an export when its reader disconnects or stalls, and leaves slots to other clients and to auditors', async () => {
    const places = Array.from({ length: EXPORT_PLACES.perClient }, () => new AbortController());
    const begin = (requested: TestTokenOptions) =>
      Promise.all(places.map(({ signal }) => get('/events/export', requested, { signal })));
    const held = await begin(READ);
    expect(held.map(({ status }) => status)).toEqual(places.map(() => 200));
    const refused = await get('/events/export');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
    expect(await refused.json()).toMatchObject({ code: 'CLIENT_EXPORTS_BUSY' });
    expect((await get('/events/export?limit=1', { ...READ, clientId: 'second-auditor' })).status).toBe(200);
    const again = () => get('/events/export?limit=1');
    places[0]?.abort();
    const free = await eventually(again, ({ status }) => status === 200);
    expect(free.status).toBe(200);
    await free.text();
    const cutOff = async (): Promise<number> =>
      (
        await database.query(
          `select id from audit_outbox_event where event->>'type' like '%export_ended%' and event#>>'{data,outcome}' = 'failed'
           union select id from event where type like '%export_ended%' and outcome = 'failed'`,
        )
      ).rows.length;
    // One went away; the other is connected and reads nothing.
    expect(await eventually(cutOff, (count) => count >= 2)).toBe(2);
    places[1]?.abort();
  }, 180_000);

  /** Reads server-sent events until enough were seen or the stream ends. */
  async function listen(
    path: string,
    enough: number,
    requested: TestTokenOptions = READ,
    headers: Record<string, string> = {},
  ) {
    const reader = new AbortController();
    const answer = await get(path, requested, { headers, signal: reader.signal });
    const messages: { id: string | undefined; event: string | undefined; data: string }[] = [];
    const read = async (): Promise<typeof messages> => {
      let text = '';
      const decoder = new TextDecoder();
      for await (const chunk of answer.body ?? []) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks.filter((one) => !one.startsWith(':'))) {
          const fields = new Map(
            block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
          );
          messages.push({ id: fields.get('id'), event: fields.get('event'), data: fields.get('data') ?? '' });
        }
        if (messages.length >= enough) break;
      }
      reader.abort();
      return messages;
    };
    return { answer, read };
  }

  it('tails events as they arrive, and misses none between two reads', async () => {
    const first = await listen('/events/tail?source=payments', 3);
    expect(first.answer.headers.get('content-type')).toBe('text/event-stream');
    await publish(3, { note: 'live' });
    const seen = await first.read();
    expect(seen.map(({ event }) => event)).toEqual(['event', 'event', 'event']);
    await publish(4, { note: 'missed' });
    const second = await listen('/events/tail?source=payments', 5, READ, { 'last-event-id': seen[1]?.id ?? '' });
    const later = await second.read();
    const sequences = [...seen.slice(0, 2), ...later].map(
      ({ data }) => foundSchema.parse(JSON.parse(data)).event.sequence,
    );
    expect(sequences).toEqual(Array.from({ length: 7 }, (_, at) => String(published - 6 + at)));
    expect((await get('/events/tail', READ, { headers: { 'last-event-id': 'x' } })).status).toBe(400);
  }, 90_000);

  it('reports to a tail that it starts beyond the end of the log, instead of being silent', async () => {
    const tail = await listen('/events/tail', Infinity, READ, { 'last-event-id': '99999999' });
    const [message, ...more] = await tail.read();
    expect(message?.event).toBe('error');
    expect(JSON.parse(message?.data ?? '')).toMatchObject({ code: 'CURSOR_BEYOND_END' });
    expect(more).toEqual([]);
  }, 60_000);

  it('leaves an auditor its place, whatever one client takes', async () => {
    const aborter = new AbortController();
    const listening = { signal: aborter.signal };
    const all = await Promise.all(
      Array.from({ length: TAIL_PLACES.perClient + 1 }, () => get('/events/tail', OWN, listening)),
    );
    expect(all.filter(({ status }) => status === 200)).toHaveLength(TAIL_PLACES.perClient);
    expect(await all.find(({ status }) => status === 429)?.json()).toMatchObject({ code: 'CLIENT_TAILS_BUSY' });
    expect((await get('/events/tail', READ, listening)).status).toBe(200);
    aborter.abort();
  }, 60_000);

  it('shows each of two subjects of one client its own events, and both to the client with the scope for that', async () => {
    const requested = (subject: string, scope: string): TestTokenOptions => ({
      subject,
      clientId: 'gateway',
      scopes: [scope],
    });
    const [alice, bob, gateway] = [
      requested('alice', 'audit:read:own'),
      requested('bob', 'audit:read:own'),
      requested('gateway', 'audit:read:client'),
    ];
    const query = 'source=payments';
    const tails = await Promise.all([alice, gateway].map((one) => listen(`/events/tail?${query}`, 1, one)));
    await publish(1, { subject: 'bob', client: 'gateway' });
    await publish(1, { subject: 'alice', client: 'gateway' });
    await publish(1, { subject: 'alice', client: 'kiosk' });
    await stored(2, `${query}&subject=alice`);
    const subjects = (found: readonly Found[]) => found.map(({ event }) => event.data.principal?.subject);
    const both = ['alice', 'bob'];
    const seen = await Promise.all([alice, bob, gateway].map((one) => search(query, one)));
    expect(seen.map(subjects)).toEqual([['alice', 'alice'], ['bob'], ['alice', 'bob']]);
    const [ofBob] = seen[1] ?? [];
    const reads = await Promise.all([alice, bob, gateway].map((one) => get(`/events/${ofBob?.event.id ?? ''}`, one)));
    expect(reads.map(({ status }) => status)).toEqual([404, 200, 200]);
    const stats = await Promise.all([alice, bob, gateway].map((one) => get('/events/stats', one)));
    expect(stats.map(({ status }) => status)).toEqual([403, 403, 403]);
    const exports: Awaited<ReturnType<typeof exported>>[] = [];
    for (const [one, count] of [[alice, 2] as const, [bob, 1] as const, [gateway, 2] as const]) {
      exports.push(
        await eventually(
          () => exported(query, one),
          ({ lines }) => lines.length >= count,
        ),
      );
    }
    expect(exports.map(({ lines }) => subjects(lines))).toEqual([['alice', 'alice'], ['bob'], ['bob', 'alice']]);
    const tailed = await Promise.all(tails.map(({ read }) => read()));
    const first = tailed.map(([message]) => foundSchema.parse(JSON.parse(message?.data ?? '')));
    expect(subjects(first)).toEqual(['alice', 'bob']);
    expect(subjects(await search('subject=bob', requested('bob', 'audit:read:client')))).toEqual(
      expect.arrayContaining([both[1]]),
    );
  }, 90_000);

  it('shows a tail of audit:read:own only its own events, and ends it with the token', async () => {
    const tail = await listen('/events/tail?source=payments', Infinity, { ...OWN, lifetime: 4 });
    await publish(1, { subject: 'eve', client: 'other' });
    await publish(1);
    const messages = await tail.read();
    expect(messages.map(({ event }) => event)).toEqual(['event', 'end']);
    expect(messages[1]?.data).toBe('{"code":"TOKEN_ENDED"}');
    expect(foundSchema.parse(JSON.parse(messages[0]?.data ?? '')).event.data.principal?.subject).toBe('ada');
  }, 60_000);

  it('stores commitments to personal data in the log, reveals the values on request, and erases them without changing the log', async () => {
    const email = 'ada@example.org';
    await publish(1, { subject: 'lovelace', email });
    const [found] = await stored(1, 'subject=lovelace');
    if (found === undefined) throw new Error('the event did not arrive');
    const commitment = String(found.event.data.changes?.['email']);
    expect(commitment).toMatch(/^masked:[A-Za-z0-9_-]{43}$/);
    expect(await search('q=ada%40example.org')).toEqual([]);
    const post = async (path: string, scopes: readonly string[], body: object): Promise<Response> =>
      get(
        path,
        { ...READ, subject: 'officer', scopes },
        {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        },
      );
    const reveal = `/events/${found.event.id}/reveal`;
    expect((await post(reveal, ['audit:read'], { reason: 'curiosity' })).status).toBe(403);
    expect((await post(reveal, ['audit:reveal'], {})).status).toBe(400);
    const revealedSchema = z.object({
      values: z.array(z.object({ path: z.string(), value: z.unknown(), salt: z.base64url() })),
    });
    const revealed = async () =>
      revealedSchema.parse(await (await post(reveal, ['audit:reveal'], { reason: 'a complaint' })).json()).values;
    const [value] = await revealed();
    expect(value).toMatchObject({ path: 'changes.email', value: email });
    expect(opens(commitment, { value: email, salt: Buffer.from(value?.salt ?? '', 'base64url') })).toBe(true);
    const erased = await post('/events/erase', ['audit:erase'], { reason: 'asked for', subject: 'lovelace' });
    expect(await erased.json()).toEqual({ erased: 1 });
    expect(await revealed()).toEqual([]);
    const { rows } = await database.query<{ event: object }>('select event from event where id = $1', [found.event.id]);
    expect(JSON.stringify(rows)).not.toContain(email);
    expect((await search('subject=lovelace')).map(({ event }) => event.data.changes?.['email'])).toEqual([commitment]);
    const searches = await eventually(
      () => search('subject=officer&limit=200'),
      (events) => events.filter(({ event }) => /revealed|erased/.test(event.type)).length >= 3,
    );
    expect(searches.map(({ event }) => event.data.changes?.['reason'])).toEqual(
      expect.arrayContaining(['a complaint', 'asked for']),
    );
  }, 60_000);

  it('accepts a batch, with an invalid event in it as a dead letter, and reports the progress to the source', async () => {
    const receipts: unknown[] = [];
    const subscription = payments.subscribe(receiptSubject('payments'), {
      callback: (_, message) => void receipts.push(parseReceipt(message.string())?.through),
    });
    const [first, odd, last] = [nextEvent({ note: 'batched' }), nextEvent(), nextEvent({ note: 'batched' })];
    const batch = [first, { ...odd, extra: 1 }, last];
    await jetstream(payments).publish(batchSubject('payments'), JSON.stringify(batch));
    const found = await stored(2, 'source=payments&q=batched');
    expect(found.map(({ event }) => event.sequence)).toEqual([last.sequence, first.sequence]);
    const { rows } = await database.query('select sequence, nats_subject from dead_letter where payload like $1', [
      `%${odd.id}%`,
    ]);
    expect(rows).toEqual([{ sequence: odd.sequence, nats_subject: 'audit.payments.batch' }]);
    await eventually(
      () => Promise.resolve(receipts),
      (heard) => heard.includes(last.sequence),
    );
    expect(receipts).toContain(last.sequence);
    subscription.unsubscribe();
    // As if an update of the service understood it since.
    const text = JSON.stringify({ ...odd, data: { ...odd.data, changes: { note: 'batched' } } });
    const letter = await database.query<{ position: string }>(
      'update dead_letter set payload = $2, original = null where payload like $1 returning position::text',
      [`%${odd.id}%`, text],
    );
    const position = letter.rows[0]?.position ?? '';
    const admin = { ...READ, scopes: ['audit:admin'] };
    const replayed = await get(`/intake/dead-letters/${position}/replay`, admin, { method: 'POST' });
    const { log_index: index } = z.object({ log_index: z.string() }).parse(await replayed.json());
    expect((await search('source=payments&q=batched')).map(({ event }) => event.id)).toContain(odd.id);
    const recorded = (await ownEvents(database)).filter(
      ({ type }) => type === 'countersign.audit.dead-letter.replayed.v1',
    );
    expect(recorded.map(({ data }) => data)).toEqual([
      expect.objectContaining({
        resource: `dead-letter/${position}`,
        outcome: 'allowed',
        txn: expect.any(String),
        changes: { log_index: index },
      }),
    ]);
  }, 60_000);

  it('shows a reader what arrived and what could not be accepted, and lets only an administrator retry that', async () => {
    const lettersSchema = z.object({
      dead_letters: z.array(z.object({ position: z.string(), nats_subject: z.string(), reason: z.string() })),
    });
    const letters = async (query = '') =>
      lettersSchema.parse(await (await get(`/intake/dead-letters${query}`)).json()).dead_letters;
    const earlier = (await letters()).at(-1)?.position ?? '0';
    for (const name of ['odd', 'strange']) await jetstream(payments).publish(`audit.payments.${name}`, '{"odd":true}');
    const [first, second, ...others] = await eventually(
      () => letters(`?after=${earlier}`),
      ({ length }) => length >= 2,
    );
    expect([first?.nats_subject, second?.nats_subject, others]).toEqual([
      'audit.payments.odd',
      'audit.payments.strange',
      [],
    ]);
    expect(await letters(`?after=${earlier}&limit=1`)).toEqual([first]);
    expect(await letters(`?after=${first?.position ?? ''}`)).toEqual([second]);
    const status = async (path: string, scope: string, method = 'GET'): Promise<number> =>
      (await get(path, { ...READ, scopes: [scope] }, { method })).status;
    const replay = `/intake/dead-letters/${first?.position ?? ''}/replay`;
    expect(await status('/intake/dead-letters', 'audit:read:own')).toBe(403);
    expect(await status('/intake/dead-letters?limit=0', 'audit:read')).toBe(400);
    expect(await status(replay, 'audit:read', 'POST')).toBe(403);
    expect(await status(replay, 'audit:admin', 'POST')).toBe(422);
    expect(await status('/intake/dead-letters/999/replay', 'audit:admin', 'POST')).toBe(404);
    expect(await status('/intake/dead-letters/x/replay', 'audit:admin', 'POST')).toBe(400);
    const { sources } = z
      .object({
        sources: z.array(z.looseObject({ source: z.string(), missing: z.array(z.unknown()), alert: z.boolean() })),
      })
      .parse(await (await get('/intake/sources')).json());
    expect(sources).toContainEqual(expect.objectContaining({ source: 'payments', missing: [], alert: false }));
    expect((await fetch(`${url}/intake/sources`)).status).toBe(401);
  }, 60_000);

  it('records who read the sources, and refused changes of dead letters and gaps', async () => {
    const admin = { ...READ, scopes: ['audit:admin'] };
    await get('/intake/sources');
    expect((await get('/intake/dead-letters/998/replay', admin, { method: 'POST' })).status).toBe(404);
    const gap = { first: '900', last: '901', reason: 'gone' };
    const accepted = await get('/intake/sources/payments/gaps/accept', admin, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(gap),
    });
    expect(accepted.status).toBe(409);
    const found = await eventually(
      () => search('source=audit&subject=auditor&limit=200'),
      (events) => events.some(({ event }) => event.type === 'countersign.audit.gap.refused.v1'),
    );
    const said = found.map(({ event: { type, data } }) => [type, data.resource]);
    expect(said).toEqual(
      expect.arrayContaining([
        ['countersign.audit.sources.listed.v1', 'source/*'],
        ['countersign.audit.dead-letter.replay_refused.v1', 'dead-letter/998'],
        ['countersign.audit.gap.refused.v1', 'source/payments'],
      ]),
    );
  }, 60_000);

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    published += 1;
    const number = String(published);
    await publish(1);
    const admin = { ...READ, scopes: ['audit:admin'] };
    const accept = async (): Promise<number> =>
      (
        await get('/intake/sources/payments/gaps/accept', admin, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ first: number, last: number, reason: 'lost' }),
        })
      ).status;
    expect(await eventually(accept, (status) => status === 200)).toBe(200);
    expect((await get('/events/summary?buckets=4')).status).toBe(200);
    expect((await get('/events/01a21031-6897-71c1-8114-42669a3f0602')).status).toBe(404);
    const recorded = (await ownEvents(database)).map(
      ({ type, data }) => `${type.replace(/^countersign\.audit\.|\.v1$/g, '')} ${data.outcome}`,
    );
    expect(recorded).toEqual(
      expect.arrayContaining([
        'event.read allowed',
        'event.read denied',
        'event.read failed',
        'event.revealed allowed',
        'event.erasure_ordered allowed',
        'event.erased allowed',
        'events.counted allowed',
        'events.summarised allowed',
        'events.exported allowed',
        'events.tailed allowed',
        'events.tail_ended allowed',
        'dead-letter.kept failed',
        'dead-letters.listed allowed',
        'gap.accepted allowed',
      ]),
    );
  }, 60_000);

  it('announces a dead letter however long the subject is under which it came', async () => {
    const manager = await jetstreamManager(audit);
    payments.publish(`audit.payments.${'x'.repeat(4_000)}`, 'nothing');
    const subject = `audit-dead-letters.audit.payments.${'x'.repeat(497)}`;
    const announced = () => manager.streams.getMessage('AUDIT_DEAD_LETTERS', { last_by_subj: subject });
    const message = await eventually(announced, (one) => one !== null);
    expect(message?.header.get('Countersign-Reason')).toBe('EVENT_NOT_JSON');
  }, 60_000);

  it('accepts a message once, however long a transaction lasts', async () => {
    const received = async (): Promise<number> => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      return Number(/^audit_events_received_total\{.*source="payments".*\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
    };
    const before = await received();
    await database.query('begin');
    await database.query('select from log_sequence for update');
    await publish(3);
    // The stream sends what was not acknowledged again after five seconds.
    await delay(6_000);
    await database.query('commit');
    await eventually(received, (count) => count >= before + 3);
    await delay(300);
    expect(await received()).toBe(before + 3);
  }, 60_000);

  it('ends its tails when it stops', async () => {
    const tail = await listen('/events/tail?source=payments', Infinity);
    const reading = tail.read();
    const begun = Date.now();
    const closing = close();
    expect((await reading).at(-1)?.data).toBe('{"code":"SHUTTING_DOWN"}');
    await closing;
    expect(Date.now() - begun).toBeLessThan(5_000);
  }, 120_000);
});
