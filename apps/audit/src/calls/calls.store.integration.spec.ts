import { setTimeout as delay } from 'node:timers/promises';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import type pg from 'pg';
import { appendRows, openAuditDatabase } from '../testing/log-of-rows.js';
import { type Calls } from './call-map.js';
import { CallsStore } from './calls.store.js';

const at = (text: string): Date => new Date(`2026-11-20T${text}Z`);
const day = { from: at('00:00:00'), to: new Date('2026-11-21T00:00:00Z') };

interface Row {
  readonly time: string;
  readonly source?: string;
  readonly client?: string | null;
  readonly actors?: readonly string[];
  readonly txn?: string;
  readonly outcome?: 'allowed' | 'denied' | 'failed';
  readonly type?: string;
  readonly count?: unknown;
}

describe('who called whom', () => {
  let backing: BackingServices;
  let pool: pg.Pool;
  let store: CallsStore;
  let appended = 0;

  beforeAll(async () => {
    backing = await startBackingServices();
    pool = await openAuditDatabase(backing);
    store = new CallsStore(pool);
  }, 120_000);
  afterAll(async () => {
    await Promise.allSettled([pool.end(), backing.stop()]);
  }, 60_000);

  async function append(rows: readonly Row[]): Promise<void> {
    for (const { time, source = 'payments', client = 'shop', actors = [], outcome = 'allowed', ...rest } of rows) {
      const { txn = null, type = 'countersign.payments.payment.read.v1', count } = rest;
      await pool.query(
        `insert into event (log_index, id, source, sequence, type, time, resource, action, outcome, client_id, actors, txn, event)
         values ($1::bigint, gen_random_uuid(), $2, $1::bigint + 1, $3, $4, 'payment/1', 'payments:read', $5, $6, $7, $8, $9)`,
        [appended, source, type, at(time), outcome, client, actors, txn, { data: { changes: { count } } }],
      );
      appended += 1;
    }
  }
  async function counted(): Promise<number> {
    let events = 0;
    for (let step = await store.advance(); step > 0; step = await store.advance()) events += step;
    return events;
  }
  const pairs = (calls: readonly Calls[]): readonly string[] =>
    calls.map((one) => [one.caller ?? '?', '→', one.callee, one.allowed, one.denied, one.failed].join(' '));

  it('counts each event once, by the acting client, including late ones', async () => {
    await append([
      { time: '10:00:00' },
      { time: '10:59:59', outcome: 'failed' },
      { time: '11:00:00', outcome: 'denied' },
      { time: '10:30:00', source: 'accounts', client: 'payments', actors: ['payments'] },
      { time: '10:30:00', source: 'accounts', client: 'shop', actors: ['ledger', 'payments'] },
    ]);
    expect(await counted()).toBe(5);
    await append([{ time: '10:15:00' }]);
    // Replicas that count at the same time count nothing twice.
    await Promise.all([counted(), new CallsStore(pool).advance()]);
    await counted();
    const { calls, leftOut, through } = await store.read(day);
    expect(pairs(calls)).toEqual(['shop → payments 2 1 1', 'ledger → accounts 1 0 0', 'payments → accounts 1 0 0']);
    expect({ leftOut, through }).toEqual({ leftOut: 0, through: '6' });
    const hour = await store.read({ from: at('11:00:00'), to: at('12:00:00') });
    expect(pairs(hour.calls)).toEqual(['shop → payments 0 1 0']);
  }, 60_000);

  it('counts refusals of unverified callers by their count, whatever else an event says', async () => {
    const type = 'countersign.payments.requests.refused.v1';
    const refusal = { time: '13:10:00', client: null, outcome: 'denied', type } as const;
    await append([
      { ...refusal, count: 41 },
      { ...refusal, count: 'many' },
      { ...refusal, count: 1e30 },
      { ...refusal, type: 'countersign.payments.payment.read.v1', count: 41 },
    ]);
    await counted();
    const { calls } = await store.read({ from: at('13:00:00'), to: at('14:00:00') });
    expect(pairs(calls)).toEqual(['? → payments 0 44 0']);
    expect(calls[0]?.times).toBeNull();
  }, 60_000);

  it('says how long transactions took, from their first to their last event', async () => {
    await append([
      { time: '15:00:00.000', txn: 'one' },
      { time: '15:00:00.100', txn: 'one' },
      { time: '15:00:00.300', txn: 'one' },
      { time: '15:00:00.000', txn: 'two' },
      { time: '15:00:00.100', txn: 'two' },
      { time: '15:00:00.000', txn: 'alone' },
      { time: '15:00:09.000', source: 'accounts', client: 'payments', txn: 'one' },
    ]);
    await counted();
    const { calls } = await store.read({ from: at('15:00:00'), to: at('16:00:00') });
    expect(calls.find(({ callee }) => callee === 'payments')?.times).toEqual({
      transactions: 2,
      median_ms: 200,
      p95_ms: 290,
    });
    expect(calls.find(({ callee }) => callee === 'accounts')?.times).toBeNull();
  }, 60_000);

  it('says up to which event the calls that it shows are counted, also while more are counted', async () => {
    await counted();
    const { through } = await store.read(day);
    const counting = await pool.connect();
    await counting.query('begin');
    await counting.query('lock table call_progress in access exclusive mode');
    const reading = store.read(day);
    const waiting = `select from pg_locks where not granted and relation = 'call_progress'::regclass`;
    while ((await pool.query(waiting)).rowCount === 0) await delay(5);
    await counting.query('update call_progress set next_index = next_index + 1');
    await counting.query('commit');
    counting.release();
    expect((await reading).through).toBe(through);
    await pool.query('update call_progress set next_index = next_index - 1');
  }, 60_000);

  it('finishes a step however long it takes: large events would otherwise stop it permanently', async () => {
    const hurried = await openAuditDatabase(backing, 'audit_hurried');
    await appendRows(hurried, 10);
    const other = await hurried.connect();
    hurried.on('acquire', (client) => void client.query('set statement_timeout = 100'));
    try {
      await other.query('begin');
      await other.query('lock table call_hour in share mode');
      const step = new CallsStore(hurried).advance();
      await Promise.race([step, delay(300)]);
      await other.query('commit');
      expect(await step).toBe(10);
    } finally {
      other.release();
      await hurried.end();
    }
  }, 60_000);

  it('counts an event once, however closely replicas follow each other', async () => {
    const before = appended;
    const replicas = Array.from({ length: 6 }, () => new CallsStore(pool));
    for (let turn = 0; turn < 150; turn += 1) {
      await append([{ time: '20:00:00', client: 'follower' }]);
      await Promise.all(replicas.map((replica) => replica.advance()));
    }
    await counted();
    const { calls } = await store.read(day);
    expect(pairs(calls).filter((pair) => pair.startsWith('follower'))).toEqual([
      `follower → payments ${String(appended - before)} 0 0`,
    ]);
  }, 60_000);
});
