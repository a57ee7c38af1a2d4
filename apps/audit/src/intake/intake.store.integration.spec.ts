import { setTimeout as delay } from 'node:timers/promises';
import { AuditOutbox } from '@countersign/audit-client';
import { uuidv7, type AuditEvent } from '@countersign/audit-event';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { byItself, unattended } from '@countersign/service-host';
import type pg from 'pg';
import { events } from '../events.js';
import { EventMasking } from '../masking/event-masking.js';
import { MaskedValuesStore } from '../masking/masked-values.store.js';
import { MaskedValuesService } from '../personal-data/masked-values.service.js';
import { auditor } from '../testing/auditor.js';
import { openAuditDatabase } from '../testing/log-of-rows.js';
import { refused } from './batch-plan.js';
import { inspectAgain, inspectMessage } from './message-check.js';
import { GapsStore } from './gaps.store.js';
import { DeadLetterStore } from './dead-letters.store.js';
import { IntakeStore } from './intake.store.js';

const eventOf = (source: string, sequence: number, id = uuidv7()): AuditEvent => ({
  specversion: '1.0',
  id,
  source,
  type: `countersign.${source}.thing.done.v1`,
  time: new Date().toISOString(),
  subject: 'thing/1',
  datacontenttype: 'application/json',
  traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  sequence: String(sequence),
  data: {
    principal: { subject: 's', client_id: 'c', actors: ['a1', 'a2'], scopes: ['x'], jti: 'j' },
    txn: 't',
    action: 'things:do',
    resource: 'thing/1',
    outcome: 'allowed',
  },
});
const incoming = (event: unknown, source: string) => inspectAgain(`audit.${source}.thing.done`, JSON.stringify(event));
const accepted = (event: AuditEvent) => incoming(event, event.source);
function asAccepted(event: AuditEvent) {
  const item = accepted(event);
  if (item.kind !== 'event') throw new Error(item.reason);
  return item;
}

const recordNothing = (): Promise<void> => Promise.resolve();

describe('the store of the intake', () => {
  let backing: BackingServices;
  let pool: pg.Pool;
  let store: IntakeStore;
  let newStore: () => IntakeStore;
  let letters: DeadLetterStore;

  async function column(sql: string, values: unknown[] = []): Promise<unknown[]> {
    const { rows } = await pool.query<Record<string, unknown>>(sql, values);
    return rows.map((row) => Object.values(row)[0]);
  }

  beforeAll(async () => {
    backing = await startBackingServices();
    pool = await openAuditDatabase(backing);
    const outbox = new AuditOutbox({ pool, source: 'audit' });
    newStore = () => new IntakeStore(pool, outbox);
    store = newStore();
    letters = new DeadLetterStore(pool);
  }, 180_000);
  afterAll(async () => {
    await pool.end();
    await backing.stop();
  }, 60_000);

  it('gives each event one log index, without a gap, while replicas append the same events at once', async () => {
    const events = Array.from({ length: 600 }, (_, index) =>
      eventOf(['payments', 'accounts', 'issuer'][index % 3] ?? '', Math.floor(index / 3) + 1),
    );
    const replicas = [newStore(), newStore(), newStore()];
    const batches = Array.from({ length: 60 }, (_, index) =>
      events.slice((index * 37) % 560, ((index * 37) % 560) + 40),
    );
    await Promise.all(batches.map((batch, index) => replicas[index % 3]?.append(batch.map(accepted))));
    await store.append(events.map(accepted));
    const indices = (await column('select log_index::int from event order by log_index')).map(Number);
    expect(indices).toEqual(Array.from({ length: 600 }, (_, index) => index));
    expect(await column('select next_index::int from log_sequence')).toEqual([600]);
    const hashed = await column('select sum(length(leaf_hashes) / 32)::int from log_unintegrated');
    expect(hashed).toEqual([600]);
    expect((await store.append([accepted(eventOf('payments', 201))])).receipts).toEqual([
      { source: 'payments', through: '201' },
    ]);
  });

  it('appends nothing to a log that ends earlier than it was seen to end', async () => {
    await store.append([accepted(eventOf('gone', 1)), accepted(eventOf('gone', 2))]);
    const next = (await column('select next_index::int from log_sequence')).map(Number);
    await pool.query('update log_sequence set next_index = next_index - 1');
    await expect(store.append([accepted(eventOf('after', 1))])).rejects.toMatchObject({ code: 'LOG_WENT_BACK' });
    await pool.query('update log_sequence set next_index = next_index + 1');
    expect(await column("select 1 from event where source = 'after'")).toEqual([]);
    await store.append([accepted(eventOf('after', 1))]);
    expect(await column("select log_index::int from event where source = 'after'")).toEqual(next);
  });

  it('reports to each source the places of its events, earlier ones too, and that dead letters have none', async () => {
    const { placements } = await store.append([accepted(eventOf('placed', 1)), accepted(eventOf('placed', 2))]);
    const index = Number(placements[0]?.places[0]?.index);
    expect(placements).toEqual([{ source: 'placed', places: [{ first: '1', last: '2', index: String(index) }] }]);
    const third = eventOf('placed', 3);
    const odd = incoming({ ...eventOf('placed', 4), extra: 1 }, 'placed');
    await store.append([accepted(third), odd]);
    expect((await store.append([accepted(third), odd])).placements).toEqual([
      {
        source: 'placed',
        places: [
          { first: '3', last: '3', index: String(index + 2) },
          { first: '4', last: '4', index: null },
        ],
      },
    ]);
  });

  it('fills the columns that the search needs', async () => {
    const { rows } = await pool.query('select * from event where source = $1 and sequence = 1', ['payments']);
    expect(rows[0]).toMatchObject({
      action: 'things:do',
      outcome: 'allowed',
      subject: 's',
      client_id: 'c',
      actors: ['a1', 'a2'],
      txn: 't',
      trace_id: 'a'.repeat(32),
    });
    const refusal = { ...eventOf('issuer', 201), traceparent: undefined };
    await store.append([accepted({ ...refusal, data: { ...refusal.data, principal: null, txn: null } })]);
    const nobody = await pool.query('select * from event where id = $1', [refusal.id]);
    expect(nobody.rows[0]).toMatchObject({ subject: null, client_id: null, actors: [], txn: null, trace_id: null });
  });

  it('acknowledges a source only up to its first gap, and remembers since when the gap exists', async () => {
    const four = [1, 2, 4, 5].map((sequence) => accepted(eventOf('gappy', sequence)));
    expect((await store.append(four)).receipts).toEqual([{ source: 'gappy', through: '2' }]);
    expect(await column("select gap_since is not null from source_progress where source = 'gappy'")).toEqual([true]);
    expect((await store.append([accepted(eventOf('gappy', 3))])).receipts).toEqual([{ source: 'gappy', through: '5' }]);
    expect(await column("select gap_since is null from source_progress where source = 'gappy'")).toEqual([true]);
  });

  it('lets a dead letter keep its place in the sequence, once however often it arrives', async () => {
    const odd = incoming({ ...eventOf('odd', 1), extra: 1 }, 'odd');
    expect((await store.append([odd, accepted(eventOf('odd', 2))])).receipts).toEqual([
      { source: 'odd', through: '2' },
    ]);
    await store.append([odd]);
    const placeless = inspectAgain('audit.odd.x', 'no json');
    await store.append([placeless, placeless]);
    await store.append([placeless]);
    expect(await column("select count(*)::int from dead_letter where nats_subject like 'audit.odd%'")).toEqual([2]);
    const recorded = await column(
      "select event#>'{data,changes}' from audit_outbox_event where event#>>'{data,changes,source}' = 'odd'",
    );
    expect(recorded).toEqual([expect.objectContaining({ source: 'odd', sequence: '1' })]);
  });

  it('appends a dead letter once the check accepts it, once', async () => {
    const event = eventOf('accepted-later', 1);
    await store.append([
      { ...refused(asAccepted(event), 'EVENT_INVALID: as it was then', true) },
      accepted(eventOf('accepted-later', 2)),
    ]);
    const [position] = await column("select position::text from dead_letter where source = 'accepted-later'");
    const full = letters.replay(String(position), () => Promise.reject(new Error('the outbox is full')));
    await expect(full).rejects.toThrow('the outbox is full');
    const replayed = await letters.replay(String(position), recordNothing);
    expect(replayed).toMatchObject({ kind: 'replayed', letter: { position } });
    expect(await column('select sequence::int from event where id = $1', [event.id])).toEqual([1]);
    expect(await letters.replay(String(position), recordNothing)).toEqual({ kind: 'replayed-before' });
    const [odd] = await column("select position::text from dead_letter where source = 'odd' order by position limit 1");
    expect(await letters.replay(String(odd), recordNothing)).toMatchObject({ kind: 'rejected' });
    expect(await letters.replay('999999', recordNothing)).toEqual({ kind: 'unknown' });
    expect((await letters.list('0', 200)).map(({ reason }) => reason)).toContain('EVENT_INVALID: as it was then');
  });

  it('masks dead letters like the log, replays them masked, and erases them on request and by age', async () => {
    const masking = new EventMasking([['request', 'peer']]);
    const maskingStore = new IntakeStore(pool, new AuditOutbox({ pool, source: 'audit' }), masking);
    const maskingLetters = new DeadLetterStore(pool, masking);
    const request = { method: 'GET', route: '/x', id: 'r', peer: '192.0.2.99' };
    const principal = { subject: 'lovelace', client_id: 'c', actors: [], scopes: ['x'], jti: 'j' };
    const withPeer = (event: AuditEvent): AuditEvent => ({
      ...event,
      data: { ...event.data, principal, request },
    });
    const replayable = refused(asAccepted(withPeer(eventOf('masked', 1))), 'EVENT_INVALID: then', true);
    const odd = incoming({ ...withPeer(eventOf('masked', 2)), extra: 1 }, 'masked');
    const older = incoming({ ...withPeer(eventOf('masked', 3)), extra: 1 }, 'masked');
    await store.append([older]);
    await pool.query("update dead_letter set masked = false where source = 'masked'");
    expect(await maskingLetters.maskOlder()).toBeGreaterThan(0);
    await maskingStore.append([replayable, odd, inspectAgain('audit.masked.x', 'no json of 192.0.2.99')]);
    const mine = async () =>
      (await maskingLetters.list('0', 200)).filter(({ nats_subject: on }) => on.startsWith('audit.masked'));
    expect((await mine()).map(({ payload }) => payload)).toEqual(
      Array.from({ length: 4 }, () => expect.stringContaining('masked:')),
    );
    expect(JSON.stringify(await mine())).not.toContain('192.0.2.99');
    const position = (await mine()).find(({ sequence }) => sequence === '1')?.position ?? '';
    expect(await maskingLetters.replay(position, recordNothing)).toMatchObject({ kind: 'replayed' });
    expect(await column("select event#>>'{data,request,peer}' from event where source = 'masked'")).toEqual([
      expect.stringMatching(/^masked:/),
    ]);
    const everywhere = "select count(*)::int from dead_letter where concat(payload, original) like '%192.0.2.99%'";
    expect(await column(everywhere)).toEqual([4]);
    expect(await maskingLetters.erase({ subject: 'lovelace' })).toBe(3);
    expect(await column(everywhere)).toEqual([1]);
    const erased = (await mine()).find(({ sequence }) => sequence === '2')?.position ?? '';
    expect(await maskingLetters.replay(erased, recordNothing)).toEqual({ kind: 'erased' });
    expect(await maskingLetters.eraseOlderThan(new Date(Date.now() - 60_000))).toBe(0);
    expect(await maskingLetters.eraseOlderThan(new Date(Date.now() + 60_000))).toBeGreaterThan(3);
    expect(await column(everywhere)).toEqual([0]);
    expect((await mine()).map(({ payload, reason }) => [payload, reason === ''])).toEqual(
      Array.from({ length: 4 }, () => ['', false]),
    );
  });

  it('erases dead letters by their subject, their event or their age however many there are', async () => {
    const hurried = await openAuditDatabase(backing, 'audit_letters');
    hurried.on('acquire', (client) => void client.query('set statement_timeout = 2000'));
    await hurried.query(
      `insert into dead_letter (nats_subject, reason, payload, digest, original, subject, event_id, masked)
       select 'audit.many.x', 'EVENT_INVALID', 'x', sha256(n::text::bytea), 'x', 'hopper', '01900000-0000-7000-8000-000000000000', true
       from generate_series(1, 4000) as n`,
    );
    await hurried.query(`update dead_letter set subject = null where position % 2 = 0`);
    await hurried.query(
      `create function be_slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.002); return new; end $$`,
    );
    await hurried.query('create trigger slow before update on dead_letter for each row execute function be_slow()');
    const many = new DeadLetterStore(hurried);
    expect(await many.erase({ subject: 'hopper' })).toBe(2_000);
    expect(await many.erase({ event: '01900000-0000-7000-8000-000000000000' })).toBe(2_000);
    expect((await hurried.query('select from dead_letter where original is not null')).rowCount).toBe(0);
    expect(await many.eraseOlderThan(new Date(Date.now() + 60_000))).toBe(4_000);
    expect((await hurried.query("select from dead_letter where payload <> ''")).rowCount).toBe(0);
    await hurried.end();
  }, 60_000);

  it("erases a dead letter's masked values even while it is replayed", async () => {
    const masking = new EventMasking([['request', 'peer']]);
    const outbox = new AuditOutbox({ pool, source: 'audit' });
    const maskingLetters = new DeadLetterStore(pool, masking);
    const event = eventOf('raced', 1);
    const principal = { subject: 'hopper', client_id: 'c', actors: [], scopes: ['x'], jti: 'j' };
    const request = { method: 'GET', route: '/x', id: 'r', peer: '192.0.2.98' };
    const item = asAccepted({ ...event, data: { ...event.data, principal, request } });
    await new IntakeStore(pool, outbox, masking).append([refused(item, 'EVENT_INVALID: then', true)]);
    const [position] = await column("select position::text from dead_letter where source = 'raced'");

    const slow = await pool.connect();
    await slow.query('begin');
    await slow.query('lock table log_unintegrated in share mode');
    const replayed = maskingLetters.replay(String(position), recordNothing);
    const waiting = `select count(*)::int from pg_locks where not granted and relation = 'log_unintegrated'::regclass`;
    while ((await column(waiting))[0] === 0) await delay(10);
    const values = new MaskedValuesService(new MaskedValuesStore(pool), maskingLetters, outbox);
    const erased = values.erase({ subject: 'hopper' }, 'asked for', auditor);
    await Promise.race([erased, delay(300)]);
    await slow.query('commit');
    slow.release();
    expect(await replayed).toMatchObject({ kind: 'replayed' });
    await erased;
    expect(await column("select value from masked_value where subject = 'hopper'")).toEqual([]);
    expect(await column("select original from dead_letter where source = 'raced'")).toEqual([null]);
  });

  it('lets an administrator accept a gap permanently, which then hides no other', async () => {
    const gaps = new GapsStore(pool, new AuditOutbox({ pool, source: 'audit' }));
    const event = events.event('gap.accepted', byItself(unattended()), { id: 'huge' });
    const huge = 900_000_000_000_000;
    await store.append([accepted(eventOf('huge', 1)), accepted(eventOf('huge', huge))]);
    const accept = (first: number, last: number) =>
      gaps.accept({ source: 'huge', first: BigInt(first), last: BigInt(last) }, event);
    const state = () => column("select (through, gap_since is null)::text from source_progress where source = 'huge'");
    for (const [first, last] of [
      [1, 5],
      [5, huge],
      [huge + 1, huge + 2],
    ] as const) {
      expect(await accept(first, last)).toBe(false);
    }
    expect(await state()).toEqual(['(1,f)']);
    expect(await accept(2, huge - 1)).toBe(true);
    expect(await state()).toEqual([`(${String(huge)},t)`]);
    await store.append([accepted(eventOf('huge', huge + 2))]);
    expect(await state()).toEqual([`(${String(huge)},f)`]);
    await store.append([accepted(eventOf('huge', 7))]);
    expect(await column("select reason from dead_letter where source = 'huge'")).toEqual(['SEQUENCE_REUSED']);
    expect(
      await column("select count(*)::int from audit_outbox_event where event->>'subject' = 'source/huge'"),
    ).toEqual([1]);
  });

  it('loses nothing of a source that started counting again, and stores nothing twice', async () => {
    const first = eventOf('restored', 1);
    await store.append([accepted(first), accepted(eventOf('restored', 2))]);
    const other = eventOf('restored', 2);
    await store.append([accepted(other)]);
    const renumbered = { ...first, sequence: '3' };
    expect((await store.append([accepted(renumbered), accepted(eventOf('restored', 4))])).receipts).toEqual([
      { source: 'restored', through: '4' },
    ]);
    const { rows } = await pool.query(
      "select reason, payload::jsonb->>'id' as id from dead_letter where source = 'restored' order by position",
    );
    expect(rows).toEqual([
      { reason: 'SEQUENCE_REUSED', id: other.id },
      { reason: 'EVENT_ID_REPEATED', id: first.id },
    ]);
    expect(await column("select count(*)::int from event where source = 'restored'")).toEqual([3]);
  });

  it('keeps an event that the database cannot store as a dead letter, and stores those that came with it', async () => {
    const impossible = { ...eventOf('times', 2), time: '0000-01-01T00:00:00.000Z' };
    const batch = [eventOf('times', 1), impossible, eventOf('times', 3)].map(accepted);
    expect(batch.map(({ kind }) => kind)).toEqual(['event', 'event', 'event']);
    expect((await store.append(batch)).receipts).toEqual([{ source: 'times', through: '3' }]);
    expect(await column("select sequence::int from event where source = 'times' order by 1")).toEqual([1, 3]);
    expect(await column("select reason from dead_letter where source = 'times'")).toEqual([
      expect.stringMatching(/^EVENT_INVALID: .*range/),
    ]);
  });

  it('keeps a message as a dead letter whatever its content, and stores those after it', async () => {
    const masking = new EventMasking([['request', 'peer']]);
    const maskingStore = new IntakeStore(pool, new AuditOutbox({ pool, source: 'audit' }), masking);
    const event = eventOf('hostile', 1);
    const withSubject = (subject: string) => ({
      ...event,
      data: { ...event.data, principal: { subject, client_id: 'c', actors: [], scopes: [], jti: 'j' } },
    });
    const texts = [
      'x'.repeat(300_000),
      `${'x'.repeat(32 * 1024 - 1)}😀`,
      JSON.stringify({ ...event, 'a\u0000b': 1 }),
      JSON.stringify({ ...event, [`${'x'.repeat(150)}${'😀'.repeat(50)}`]: 1 }),
      JSON.stringify({ ...event, [`${'x'.repeat(151)}${'😀'.repeat(50)}`]: 1 }),
      JSON.stringify(withSubject('a\u0000b')),
      JSON.stringify(withSubject('\ud83d')),
    ];
    for (const [at, text] of texts.entries()) {
      for (const taking of [store, maskingStore]) {
        const letter = inspectMessage({ natsSubject: `audit.hostile.${String(at)}`, payload: Buffer.from(text) });
        expect(letter).toMatchObject([{ kind: 'dead-letter' }]);
        await taking.append(letter);
      }
    }
    const kept = "select distinct nats_subject from dead_letter where nats_subject like 'audit.hostile%' order by 1";
    expect(await column(kept)).toEqual(texts.map((_, at) => `audit.hostile.${String(at)}`));
  });

  it('keeps an event as a dead letter if its commitments make it too large for the log', async () => {
    const masking = new EventMasking([['request', 'peer']]);
    const maskingStore = new IntakeStore(pool, new AuditOutbox({ pool, source: 'audit' }), masking);
    const event = eventOf('brimful', 1);
    const request = { method: 'GET', route: '/x', id: 'r', peer: '192.0.2.97' };
    const scopes = Array.from({ length: 62 }, () => 's'.repeat(512));
    const full = { ...event, data: { ...event.data, principal: { ...event.data.principal, scopes }, request } };
    const left = 32 * 1024 - JSON.stringify(full).length;
    const item = incoming({ ...full, data: { ...full.data, reason: 'r'.repeat(left - 12) } }, 'brimful');
    expect(item.kind).toBe('event');
    const { receipts } = await maskingStore.append([item, accepted(eventOf('brimful', 2))]);
    expect(receipts).toEqual([{ source: 'brimful', through: '2' }]);
    const kept = await pool.query("select reason, payload from dead_letter where source = 'brimful'");
    expect(kept.rows).toEqual([
      { reason: expect.stringMatching(/^EVENT_TOO_LARGE/), payload: expect.not.stringContaining('192.0.2.97') },
    ]);
    const [position] = await column("select position::text from dead_letter where source = 'brimful'");
    expect(await new DeadLetterStore(pool, masking).replay(String(position), recordNothing)).toEqual({
      kind: 'rejected',
      reason: expect.stringMatching(/^EVENT_TOO_LARGE/),
    });
  });

  it('lets nobody change an event, nor remove one that retention has not sealed', async () => {
    await expect(pool.query("update event set action = 'x' where log_index = 0")).rejects.toThrow(/append-only/);
    await expect(pool.query('delete from event where log_index = 0')).rejects.toThrow(/append-only/);
    await expect(pool.query('truncate event')).rejects.toThrow(/permission denied/);
  });
});
