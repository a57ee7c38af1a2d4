import { traceIdOf, type AuditEvent } from '@countersign/audit-event';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { drizzle } from 'drizzle-orm/node-postgres';
import fc from 'fast-check';
import type pg from 'pg';
import { departuresOf } from '../departures/departure.js';
import { DeparturesStore } from '../departures/departures.store.js';
import { type Direction } from '../postings/index-bits.js';
import { PostingsStore } from '../postings/postings.store.js';
import { appendRows, openAuditDatabase } from '../testing/log-of-rows.js';
import { matches, type EventQuery } from './event-filter.js';
import { EventsStore } from './events.store.js';
import { eventTable } from '../log/event.tables.js';

const EVENTS = 700;
/** Small, so that a few hundred events make many segments, a dense posting in most of them, and a tail that is not indexed. */
const layout = { segmentSize: 64, stepSize: 16 };
const start = Date.parse('2026-01-01T00:00:00.000Z');

const names = ['ada', 'Bob', 'storefront', 'payments'] as const;
const traces = ['a'.repeat(32), 'b'.repeat(32)];
const eventArbitrary = fc.record({
  subject: fc.option(fc.constantFrom(...names), { nil: undefined }),
  client: fc.constantFrom('storefront', 'payments', 'auditor'),
  key: fc.option(fc.constantFrom('k-1', 'k-2'), { nil: undefined }),
  actors: fc.uniqueArray(fc.constantFrom('payments', 'gateway'), { maxLength: 2 }),
  source: fc.constantFrom('issuer', 'payments'),
  verb: fc.constantFrom('create', 'read', 'refund'),
  resource: fc.constantFrom('payment/1', 'payment/2', 'events', 'account/Zürich_7'),
  outcome: fc.constantFrom('allowed', 'allowed', 'allowed', 'denied', 'failed'),
  reason: fc.option(fc.constantFrom('CARD_DECLINED', 'TOKEN_EXPIRED'), { nil: undefined }),
  txn: fc.option(fc.constantFrom('t-1', 't-2'), { nil: null }),
  trace: fc.option(fc.constantFrom(...traces), { nil: undefined }),
  note: fc.option(fc.constantFrom('Paid in Full', 'refund, twice!', 'ÄRGER', ''), { nil: undefined }),
  /** Most come in order of time, a few late. */
  late: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 300 }) }),
});
type Drawn = typeof eventArbitrary extends fc.Arbitrary<infer Value> ? Value : never;

function eventOf(drawn: Drawn, index: number): AuditEvent {
  const { subject, client, key, actors, source, verb, resource, outcome, reason, txn, trace, note, late } = drawn;
  return {
    specversion: '1.0',
    id: `01900000-0000-7000-8000-${String(index).padStart(12, '0')}`,
    source,
    type: `countersign.${source}.thing.${verb}.v1`,
    time: new Date(start + (index - late) * 1_000).toISOString(),
    subject: resource,
    datacontenttype: 'application/json',
    ...(trace === undefined ? {} : { traceparent: `00-${trace}-${'c'.repeat(16)}-01` }),
    sequence: String(index + 1),
    data: {
      principal:
        subject === undefined
          ? null
          : {
              ...{ subject, client_id: client, actors, scopes: [], jti: 'j' },
              ...(key === undefined ? {} : { api_key: { id: key, name: 'till' } }),
            },
      txn,
      action: `things:${verb}`,
      resource,
      outcome,
      ...(reason === undefined ? {} : { reason }),
      ...(note === undefined ? {} : { changes: { note, nested: [{ amount: 7, currency: 'EUR' }] } }),
    },
  };
}

const time = fc.integer({ min: -10, max: EVENTS + 10 }).map((second) => new Date(start + second * 1_000).toISOString());
const queryArbitrary: fc.Arbitrary<EventQuery> = fc.record({
  filter: fc.record(
    {
      subject: fc.constantFrom(...names, 'nobody'),
      actor: fc.constantFrom('payments', 'gateway'),
      client: fc.constantFrom('storefront', 'auditor'),
      api_key: fc.constantFrom('k-1', 'k-2'),
      action: fc.constantFrom('things:create', 'things:refund'),
      resource: fc.constantFrom('payment/1', 'events'),
      outcome: fc.constantFrom('allowed', 'denied', 'failed'),
      source: fc.constantFrom('issuer', 'payments'),
      type: fc.constantFrom('countersign.issuer.thing.create.v1', 'countersign.payments.thing.read.v1'),
      trace: fc.constantFrom(...traces),
      txn: fc.constantFrom('t-1', 't-2'),
      q: fc.constantFrom('card', 'FULL paid', 'twice', 'zürich', 'Ärger', 'ÄRGER', 'payment 2', 'eur', 'absent'),
      from: time,
      to: time,
    },
    { requiredKeys: [] },
  ),
  visibility: fc.oneof(
    { weight: 3, arbitrary: fc.constant('all' as const) },
    {
      weight: 1,
      arbitrary: fc.record(
        { subject: fc.constantFrom(...names), clientId: fc.constantFrom('auditor', 'x') },
        { requiredKeys: ['subject'] },
      ),
    },
  ),
});

describe('finding events in the database', () => {
  let backing: BackingServices;
  let pool: pg.Pool;
  let postings: PostingsStore;
  let store: EventsStore;
  const events: AuditEvent[] = [];

  const append = async (drawn: readonly Drawn[], change?: (event: AuditEvent) => AuditEvent): Promise<void> => {
    const rows = drawn.map((one, at) => {
      const logIndex = BigInt(events.length + at);
      const made = eventOf(one, Number(logIndex));
      const event = change === undefined ? made : change(made);
      const { principal, resource, action, outcome, txn } = event.data;
      return {
        logIndex,
        id: event.id,
        source: event.source,
        sequence: BigInt(event.sequence),
        type: event.type,
        time: new Date(event.time),
        resource,
        action,
        outcome,
        subject: principal?.subject ?? null,
        clientId: principal?.client_id ?? null,
        actors: principal?.actors ?? [],
        txn,
        traceId: traceIdOf(event.traceparent) ?? null,
        event,
        receivedAt: new Date(start),
      };
    });
    await drizzle({ client: pool }).insert(eventTable).values(rows);
    events.push(...rows.map(({ event }) => event));
  };

  /** Every page of a search, as log indices. */
  async function walk(query: EventQuery, direction: Direction, limit: number): Promise<readonly number[]> {
    const found: number[] = [];
    for (let after: bigint | undefined, pages = 0; pages < 1_000; pages += 1) {
      const { rows, next } = await store.find(query, { direction, after, limit });
      expect(rows.length).toBeLessThanOrEqual(limit);
      found.push(...rows.map(({ logIndex }) => Number(logIndex)));
      if (next === null) return found;
      after = next;
    }
    throw new Error('the pages do not end');
  }
  function naive(query: EventQuery, direction: Direction): readonly number[] {
    const found = events.flatMap((event, index) => (matches(event, query) ? [index] : []));
    return direction === 'oldest-first' ? found : found.reverse();
  }

  beforeAll(async () => {
    backing = await startBackingServices();
    pool = await openAuditDatabase(backing);
    postings = new PostingsStore(pool, layout);
    store = new EventsStore(drizzle({ client: pool }), postings);
    await append(fc.sample(eventArbitrary, { numRuns: 340, seed: 7 }));
  }, 120_000);
  afterAll(async () => {
    await Promise.allSettled([pool.end(), backing.stop()]);
  }, 60_000);

  const agreesWithNaive = (): Promise<void> =>
    fc.assert(
      fc.asyncProperty(
        queryArbitrary,
        fc.constantFrom<Direction>('newest-first', 'oldest-first'),
        fc.integer({ min: 1, max: 200 }),
        async (query, direction, limit) => {
          expect(await walk(query, direction, limit)).toEqual(naive(query, direction));
        },
      ),
      { numRuns: 50 },
    );

  it('agrees with a naive filter before anything is indexed', agreesWithNaive, 120_000);

  it('agrees with a naive filter while half of the log is indexed, up to within a segment', async () => {
    while ((await postings.advance()) > 0);
    expect((await postings.prepare([])).through).toBe(336n);
    await append(fc.sample(eventArbitrary, { numRuns: EVENTS - 340, seed: 10 }));
    await agreesWithNaive();
  }, 120_000);

  it('agrees with a naive filter when all full steps are indexed, and after more events came', async () => {
    while ((await postings.advance()) > 0);
    expect((await postings.prepare([])).through).toBe(BigInt(EVENTS - (EVENTS % layout.stepSize)));
    await agreesWithNaive();
    await append(fc.sample(eventArbitrary, { numRuns: 50, seed: 8 }));
    await agreesWithNaive();
    await postings.advance();
    await agreesWithNaive();
  }, 240_000);

  it('stores a ubiquitous term as bits, only in full segments', async () => {
    const { rows } = await pool.query<{ dense: boolean; full: boolean; longest: number }>(
      `select dense, segment < $1 as full, max(length(offsets)) as longest from posting group by 1, 2 order by 1, 2`,
      [Math.floor(events.length / layout.segmentSize)],
    );
    expect(rows.filter(({ dense, full }) => dense && !full)).toEqual([]);
    expect(rows.find(({ dense }) => dense)).toMatchObject({ longest: layout.segmentSize / 8 });
    expect(rows.filter(({ dense, full, longest }) => !dense && full && longest >= layout.segmentSize / 8)).toEqual([]);
  });

  it('proposes by the index and decides by the event: hash collisions are not shown', async () => {
    const query: EventQuery = { filter: { subject: 'mallory' }, visibility: 'all' };
    await pool.query(
      `insert into posting (term, segment, offsets) values (term_of('subject', 'mallory'), 0, '\\x00010002')`,
    );
    expect(await walk(query, 'newest-first', 10)).toEqual([]);
    await pool.query(`delete from posting where term = term_of('subject', 'mallory')`);
  });

  it('lets one of two replicas index at a time', async () => {
    const before = (await postings.prepare([])).through;
    await append(fc.sample(eventArbitrary, { numRuns: 100, seed: 9 }));
    const other = new PostingsStore(pool, layout);
    await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? postings : other).advance()));
    const { rows } = await pool.query<{ covered: string }>(
      'select sum(end_index - first_index) as covered from posting_span',
    );
    const { through } = await postings.prepare([]);
    expect(through).toBeGreaterThan(before);
    expect(rows.map(({ covered }) => covered)).toEqual([String(through)]);
    await agreesWithNaive();
  }, 120_000);

  it('finds the departures of people, clients and keys, indexed or not yet, and of nobody else', async () => {
    const [drawn] = fc.sample(eventArbitrary, { numRuns: 1, seed: 11 });
    if (drawn === undefined) throw new Error('nothing is drawn');
    const became = (resource: string, name: string) =>
      append([drawn], (event) => ({
        ...event,
        source: 'issuer',
        type: `countersign.issuer.${name}.v1`,
        data: { ...event.data, resource, outcome: 'allowed' },
      }));
    const departures = new DeparturesStore(drizzle({ client: pool }), postings);
    const found = async () =>
      departuresOf(await departures.find(['client/shop', 'person/ada', 'api-key/k'])).map(({ resource }) => resource);
    await became('client/shop', 'client.disabled');
    await became('person/ada', 'person.disabled');
    await became('client/other', 'client.disabled');
    expect(await found()).toEqual(['client/shop', 'person/ada']);
    await append(fc.sample(eventArbitrary, { numRuns: 100, seed: 12 }));
    while ((await postings.advance()) > 0);
    expect(await found()).toEqual(['client/shop', 'person/ada']);
    await became('client/shop', 'client.enabled');
    await became('api-key/k', 'api-key.revoked');
    expect(await found()).toEqual(['person/ada', 'api-key/k']);
  }, 60_000);

  it('keeps its size after retention has sealed the last event, and deleted it', async () => {
    const sealed = await openAuditDatabase(backing, 'audit_sealed');
    const events = new EventsStore(drizzle({ client: sealed }), new PostingsStore(sealed, layout));
    expect(await events.size()).toBe(0n);
    await appendRows(sealed, 3);
    expect(await events.size()).toBe(3n);
    await sealed.query('update log_retention set minimum_index = 3');
    await sealed.query('delete from event');
    expect(await events.size()).toBe(3n);
    await sealed.end();
  }, 60_000);
});
