import { fileURLToPath } from 'node:url';
import { AuditOutbox } from '@countersign/audit-client';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { drizzleOn, openDatabase } from '@countersign/service-host';
import type pg from 'pg';
import { pino } from 'pino';
import { updatePart } from '../changes/statement-parts.store.js';
import { ChangesStore } from '../changes/changes.store.js';
import { migrate } from '../testing/migrate.js';
import { endOf, ERROR_LIMIT } from './attempt-end.js';
import { DeliveriesStore } from './deliveries.store.js';
import { DeliveryQueueStore } from './delivery-queue.store.js';
import { endpointIdSchema, type EndpointId } from './endpoint.js';
import { makeNotice } from './notice.js';

const now = new Date('2026-01-01T12:00:00Z');
const seconds = (count: number): Date => new Date(now.getTime() + count * 1_000);

describe('the queue of webhook deliveries', () => {
  let backing: BackingServices;
  let pool: pg.Pool;
  let queue: DeliveryQueueStore;
  beforeAll(async () => {
    backing = await startBackingServices();
    const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));
    pool = await openDatabase(
      { url: await backing.database('payments', migrate), migrationsFolder },
      pino({ level: 'silent' }),
    );
    queue = new DeliveryQueueStore(pool);
  }, 120_000);
  afterAll(async () => {
    await pool.end();
    await backing.stop();
  }, 60_000);
  beforeEach(async () => {
    await pool.query('delete from webhook_delivery');
    await pool.query('delete from webhook_endpoint');
  });

  const idOf = (number: number): EndpointId =>
    endpointIdSchema.parse(`01900000-0000-7000-8000-${String(number).padStart(12, '0')}`);
  /** Endpoints numbered from `first`, each of another client, each with deliveries that are due since a time. */
  async function endpoints(
    first: number,
    count: number,
    {
      restUntil = null,
      dueAt = now,
      deliveries = 1,
    }: { restUntil?: Date | null; dueAt?: Date; deliveries?: number } = {},
  ): Promise<readonly EndpointId[]> {
    const ids = Array.from({ length: count }, (_, index) => idOf(first + index));
    await pool.query(
      `insert into webhook_endpoint (id, client_id, subject, reach, slot, url, types, status, rest_until, created_at, updated_at)
        select id, id::text, id::text, 'subject', 1, 'https://merchant.example/', '{payment.settled}', 'active', $2, now(), now()
        from unnest($1::uuid[]) as id`,
      [ids, restUntil],
    );
    await pool.query(
      `insert into webhook_delivery (endpoint_id, event_id, type, payment_id, body, status, next_attempt_at, created_at)
        select id, gen_random_uuid(), 'payment.settled', id, '{}', 'pending', $2, now()
        from unnest($1::uuid[]) as id cross join generate_series(1, $3)`,
      [ids, dueAt, deliveries],
    );
    return ids;
  }
  const look = { busy: [], slow: [], limits: { swift: 16, slow: 8 } };
  const found = async (more: Partial<Parameters<DeliveryQueueStore['ready']>[1]> = {}): Promise<readonly string[]> =>
    (await queue.ready(now, { ...look, ...more })).map(({ endpointId, lane }) => `${lane} ${endpointId}`);

  it('finds a healthy endpoint behind any number of paused ones that have waited longer', async () => {
    await endpoints(1, 2_000, { restUntil: seconds(-60), dueAt: seconds(-3_600), deliveries: 3 });
    const [well] = await endpoints(5_000, 1);
    const seen = await found();
    expect(seen).toContain(`swift ${String(well)}`);
    expect(seen).toHaveLength(look.limits.slow + 1);
    const slow = await Promise.all([found({ limits: { swift: 16, slow: 0 } }), found({ slow: [idOf(5_000)] })]);
    expect(slow[0]).toEqual([`swift ${String(well)}`]);
    expect(slow[1].every((one) => one.startsWith('slow'))).toBe(true);
  });

  it('ignores endpoints that are paused, busy, or without due notices', async () => {
    await endpoints(1, 3, { restUntil: seconds(60) });
    await endpoints(10, 3, { dueAt: seconds(1) });
    const [first, second] = await endpoints(20, 2);
    expect(await found({ busy: [idOf(20)] })).toEqual([`swift ${String(second)}`]);
    expect(await found()).toEqual([first, second].map((id) => `swift ${String(id)}`));
  });

  it('gives each delivery to one replica, the oldest of each endpoint first', async () => {
    const ids = await endpoints(1, 20, { deliveries: 2 });
    const taken = (await Promise.all(Array.from({ length: 4 }, () => queue.take(ids, now)))).flat();
    expect(new Set(taken.map(({ eventId }) => eventId)).size).toBe(taken.length);
    expect(taken.length).toBe(40);
    expect(await queue.take(ids, now)).toEqual([]);
    expect(await found()).toEqual([]);
  });

  it('stores why an attempt failed, whatever the receiver’s certificate or name puts into the message', async () => {
    await endpoints(1, 1);
    const [attempt] = await queue.take([idOf(1)], now);
    if (attempt === undefined) throw new Error('one was due');
    const reason = `not cert's CN: \u0000\u001b[2J${'x'.repeat(ERROR_LIMIT - 21)}💶💶`;
    await queue.end([endOf(attempt, { kind: 'failed', reason }, now, () => 0)], now);
    const { rows } = await pool.query<{ last_error: string }>('select last_error from webhook_delivery');
    expect(rows[0]?.last_error).toMatch(/^not cert's CN: {3}\[2Jx+\ufffd$/);
  });

  it('stores the outcome of an attempt and the endpoint’s health, and ends one that is gone', async () => {
    const [id] = await endpoints(1, 1, { deliveries: 2 });
    const [attempt] = await queue.take([idOf(1)], now);
    const end = {
      endpointId: idOf(1),
      eventId: String(attempt?.eventId),
      attempts: Number(attempt?.attempts),
      status: 'failed' as const,
      nextAttemptAt: null,
      lastStatus: 410,
      lastError: 'answered 410',
      deliveredAt: null,
      health: { failures: 1, restUntil: null },
    };
    await queue.end(
      [
        { ...end, gone: true },
        { ...end, gone: false },
      ],
      seconds(1),
    );
    const { rows } = await pool.query('select status, failures, updated_at from webhook_endpoint where id = $1', [id]);
    expect(rows).toEqual([{ status: 'gone', failures: 1, updated_at: seconds(1) }]);
    const kept = await pool.query(`select last_status from webhook_delivery where status = 'failed'`);
    expect(kept.rows).toEqual([{ last_status: 410 }]);
    const [next] = await queue.take([idOf(1)], now);
    expect(next).toMatchObject({ endpointStatus: 'gone' });
  });

  it('does not let an attempt presumed lost decide the outcome of a later one', async () => {
    await endpoints(1, 1);
    const [lost] = await queue.take([idOf(1)], now);
    const [later] = await queue.take([idOf(1)], seconds(61));
    const endOf = (attempt: typeof lost, status: 'pending' | 'delivered') => ({
      endpointId: idOf(1),
      eventId: String(attempt?.eventId),
      attempts: Number(attempt?.attempts),
      status,
      nextAttemptAt: status === 'pending' ? seconds(70) : null,
      lastStatus: null,
      lastError: null,
      deliveredAt: status === 'pending' ? null : seconds(62),
      health: { failures: 0, restUntil: null },
      gone: false,
    });
    const status = async () => (await pool.query('select status, next_attempt_at from webhook_delivery')).rows;
    await queue.end([endOf(lost, 'pending')], seconds(62));
    expect(await status()).toEqual([{ status: 'pending', next_attempt_at: seconds(121) }]);
    await queue.end([endOf(later, 'delivered')], seconds(62));
    await queue.end([endOf(lost, 'pending')], seconds(63));
    expect(await status()).toEqual([{ status: 'delivered', next_attempt_at: null }]);
  });

  it('accepts a delivery made by an attempt presumed lost', async () => {
    await endpoints(1, 1);
    const [lost] = await queue.take([idOf(1)], now);
    await queue.take([idOf(1)], seconds(61));
    const delivered = { status: 'delivered' as const, nextAttemptAt: null, lastStatus: 200, lastError: null };
    const [endpointId, eventId, attempts] = [idOf(1), String(lost?.eventId), Number(lost?.attempts)];
    const health = { failures: 0, restUntil: null };
    await queue.end(
      [{ endpointId, eventId, attempts, ...delivered, deliveredAt: seconds(62), health, gone: false }],
      seconds(62),
    );
    expect((await pool.query('select status from webhook_delivery')).rows).toEqual([{ status: 'delivered' }]);
  });

  it('reports a due notice immediately, once it is committed and an endpoint wants it', async () => {
    await endpoints(1, 1, { deliveries: 0 });
    const changes = new ChangesStore(pool, new AuditOutbox({ pool, source: 'payments', now: () => now }));
    const deliveries = new DeliveriesStore(drizzleOn(pool));
    const due = jest.fn();
    deliveries.whenDue(due);
    const noticeFor = (subject: string) =>
      deliveries.insert(makeNotice('payment.settled', { id: idOf(9), subject, clientId: subject }, {}, now));
    const stale = updatePart('payment', { id: idOf(9), version: 1 }, { version: 2 });
    expect(await changes.commit([noticeFor('somebody else')])).toBe('done');
    expect(await changes.commit([noticeFor(idOf(1)), stale])).toBe('stale');
    expect(due).toHaveBeenCalledTimes(0);
    expect(await changes.commit([noticeFor(idOf(1))])).toBe('done');
    expect(due).toHaveBeenCalledTimes(1);
  });

  it('gives up everything that waited for days behind an endpoint, in batches', async () => {
    await endpoints(1, 1, { restUntil: seconds(60), dueAt: seconds(-4 * 86_400), deliveries: 6_000 });
    await endpoints(2, 1, { restUntil: seconds(60), deliveries: 2 });
    await endpoints(3, 1, { dueAt: seconds(-4 * 86_400) });
    const database = drizzleOn(pool);
    const statements = jest.spyOn(database, 'execute');
    expect(await new DeliveriesStore(database).giveUp(now)).toBe(6_000);
    expect(statements).toHaveBeenCalledTimes(2);
    const { rows } = await pool.query(
      'select endpoint_id, status, count(*)::int from webhook_delivery group by 1, 2 order by 1',
    );
    expect(rows).toEqual([
      { endpoint_id: idOf(1), status: 'failed', count: 6_000 },
      { endpoint_id: idOf(2), status: 'pending', count: 2 },
      { endpoint_id: idOf(3), status: 'pending', count: 1 },
    ]);
  });
});
