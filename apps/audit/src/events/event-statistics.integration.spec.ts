import { AuditOutbox } from '@countersign/audit-client';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { drizzle } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { PostingsCounts } from '../postings/postings-counts.store.js';
import { PostingsStore } from '../postings/postings.store.js';
import { appendRows, openAuditDatabase, prepare } from '../testing/log-of-rows.js';
import { auditor } from '../testing/auditor.js';
import { EventSummaryService } from './event-summary.service.js';
import { EventsService } from './events.service.js';
import { EventsStore } from './events.store.js';

/** Maximum events that are counted one by one. */
const COUNTED_DIRECTLY = 100_000;
const layout = { segmentSize: 512, stepSize: 128 };

describe('statistics of the trail', () => {
  let backing: BackingServices;
  let pool: pg.Pool;
  let postings: PostingsStore;
  let service: EventsService;
  let other: pg.Pool;
  let summaries: EventSummaryService;

  beforeAll(async () => {
    backing = await startBackingServices();
    pool = await openAuditDatabase(backing);
    postings = new PostingsStore(pool, layout);
    const events = new EventsStore(drizzle({ client: pool }), postings);
    service = new EventsService(events, postings, new AuditOutbox({ pool, source: 'audit' }));
    other = await openAuditDatabase(backing, 'summarised');
  }, 120_000);
  afterAll(async () => {
    await Promise.allSettled([pool.end(), other.end(), backing.stop()]);
  }, 60_000);

  it('count every event, those that the index has and those that it does not have yet', async () => {
    await appendRows(pool, 520);
    while ((await postings.advance()) > 0);
    await appendRows(pool, 80);
    expect(await service.statistics(auditor)).toMatchObject({
      events: '600',
      indexed: '512',
      counted: '600',
      outcomes: { allowed: '540', denied: '60', failed: '0' },
    });
  }, 60_000);

  it('report for a large backlog how many events the outcomes cover: those in the index', async () => {
    await appendRows(pool, COUNTED_DIRECTLY);
    const { events, indexed, counted, outcomes } = await service.statistics(auditor);
    expect({ events, indexed, counted }).toEqual({ events: '100600', indexed: '512', counted: '512' });
    expect(outcomes).toEqual({ allowed: '461', denied: '51', failed: '0' });
  }, 120_000);

  it('count every event again once the index has caught up enough', async () => {
    expect(await postings.advance()).toBe(layout.segmentSize);
    expect(await service.statistics(auditor)).toMatchObject({
      events: '100600',
      indexed: '1024',
      counted: '100600',
      outcomes: { allowed: '90540', denied: '10060', failed: '0' },
    });
  }, 60_000);

  it('report how many events the outcomes cover if retention has sealed others', async () => {
    await pool.query('update log_retention set minimum_index = $1', [layout.segmentSize]);
    await prepare(pool, 'delete from event where log_index < $1', [layout.segmentSize]);
    await pool.query('delete from posting where segment = 0');
    const { events, counted, outcomes } = await service.statistics(auditor);
    expect({ events, counted }).toEqual({ events: '100600', counted: String(100_600 - layout.segmentSize) });
    expect(Object.values(outcomes).reduce((sum, count) => sum + Number(count), 0)).toBe(Number(counted));
  }, 60_000);

  it('over time are exact where few events match', async () => {
    const index = new PostingsStore(other, layout);
    const outbox = new AuditOutbox({ pool: other, source: 'audit' });
    const events = new EventsStore(drizzle({ client: other }), index);
    summaries = new EventSummaryService(events, new PostingsCounts(other, index), outbox, () => new Date());
    await appendRows(other, 600);
    const summary = await summaries.summarise({ outcome: 'denied', buckets: 7 }, auditor);
    expect(summary).toMatchObject({ exact: true, events: 60, facets_of: 60 });
    expect(summary.buckets).toHaveLength(7);
    expect(summary.facets.outcome).toEqual([{ value: 'denied', events: 60 }]);
    const before = await summaries.summarise({ to: '2020-01-01T00:00:00.000Z', buckets: 7 }, auditor);
    expect(before).toMatchObject({ exact: true, events: 0, facets_of: 0 });
  }, 60_000);

  it('over time come from the index where many events match, and are close to the truth, with and without a filter', async () => {
    await appendRows(other, 24_400);
    // A hundred at once, every hundred seconds, until now.
    await other.query('alter table event disable trigger user');
    await prepare(
      other,
      `update event set time = moved.at, event = jsonb_set(event.event, '{time}', to_jsonb(to_char(moved.at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
       from (select log_index, date_trunc('milliseconds', now()) - (25000 - log_index) / 100 * 100 * interval '1 second' as at from event) as moved
       where event.log_index = moved.log_index`,
    );
    await other.query('alter table event enable trigger user');
    const index = new PostingsStore(other, layout);
    while ((await index.advance()) > 0);
    const near = (events: number, truth: number): boolean => Math.abs(events - truth) <= truth * 0.03;
    const all = await summaries.summarise({ buckets: 30 }, auditor);
    expect([all.exact, near(all.events, 25_000)]).toEqual([false, true]);
    const newest = 'select time from event order by log_index desc limit 2000';
    const { rows } = await other.query<{ since: Date }>(`select min(time) as since from (${newest}) as newest`);
    const since = rows[0]?.since ?? new Date();
    const from = new Date(since.getTime() - 1_000_000).toISOString();
    const fine = await summaries.summarise({ from, buckets: 100 }, auditor);
    const newer = [...fine.buckets.map((bucket) => bucket.from), fine.to].filter(
      (begin) => Date.parse(begin) > since.getTime() + 200_000,
    );
    const { rows: truth } = await other.query<{ n: number }>(
      `select (select count(*)::int from event where time >= begins[i] and time < begins[i + 1]) as n
       from (select $1::timestamptz[] as begins) as given, generate_series(1, cardinality(begins) - 1) as i order by i`,
      [newer],
    );
    // The newest are counted one by one, however many there are before them; the step of the index that they begin in is spread.
    expect([fine.exact, truth.length > 50]).toEqual([false, true]);
    expect(fine.buckets.slice(-truth.length).map(({ allowed, denied }) => allowed + denied)).toEqual(
      truth.map(({ n }) => n),
    );
    const denied = await summaries.summarise({ outcome: 'denied', buckets: 30 }, auditor);
    expect([denied.exact, near(denied.events, 2_500)]).toEqual([false, true]);
    expect(denied.buckets.every(({ allowed, failed }) => allowed + failed === 0)).toBe(true);
  }, 120_000);
});
