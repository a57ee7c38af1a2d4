import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { currencySchema } from '@countersign/money';
import { openDatabase } from '@countersign/service-host';
import fc from 'fast-check';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import pino from 'pino';
import { EXPIRY_LIMIT } from '../limits.js';
import { invariants, questionOf } from '../invariants/invariants.store.js';
import { accountId, LedgerModel, start, transferId, type Step } from '../testing/ledger-model.js';
import { steps } from '../testing/ledger-steps.js';
import { LedgerReplica, openModelAccounts } from '../testing/ledger-replica.js';
import { migrate } from '../testing/migrate.js';

const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));

function ordersOf<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  if (items.length < 2) return [items];
  return items.flatMap((item, at) => ordersOf(items.filter((_, index) => index !== at)).map((rest) => [item, ...rest]));
}

describe('the ledger on PostgreSQL', () => {
  let services: BackingServices;
  let pool: pg.Pool;
  let runs = 0;
  beforeAll(async () => {
    services = await startBackingServices();
    const url = await services.database('accounts', migrate);
    pool = await openDatabase({ url, migrationsFolder, max: 20, pipeline: true }, pino({ level: 'silent' }));
  }, 120_000);
  afterAll(async () => {
    await pool.end();
    await services.stop();
  }, 60_000);

  /** So many processes on one database, with one clock. */
  async function begin<const Replicas extends readonly undefined[]>(
    ...of: Replicas
  ): Promise<readonly LedgerReplica[]> {
    runs += 1;
    await openModelAccounts(pool, runs);
    const clock = { now: start };
    return of.map(() => new LedgerReplica(pool, clock, runs));
  }

  async function broken(): Promise<readonly string[]> {
    const names = [];
    for (const invariant of invariants) {
      const { rows } = await pool.query<{ count: number }>(questionOf(invariant));
      if (rows[0]?.count !== 0) names.push(invariant.name);
    }
    return names;
  }

  it('agrees with the model, step by step', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 10, maxLength: 40, size: 'max' }), async (run) => {
        const model = new LedgerModel();
        const [ledger] = await begin(undefined);
        for (const step of run) {
          const outcome = await ledger?.take(step);
          expect([step, outcome]).toEqual([step, model.take(step)]);
          if (outcome === 'expired' && run.length % 2 === 0) await ledger?.expiry.sweep();
          expect(await ledger?.standings()).toEqual(model.standings());
        }
      }),
      { numRuns: 25, endOnFailure: true },
    );
    expect(await broken()).toEqual([]);
  }, 300_000);

  it('serialises concurrent clients of two replicas', async () => {
    const together = fc.array(
      steps.filter(({ kind }) => kind !== 'wait'),
      { minLength: 2, maxLength: 4 },
    );
    const rounds = fc.array(
      fc.oneof(
        { weight: 5, arbitrary: together },
        { weight: 1, arbitrary: fc.tuple(fc.constant<Step>({ kind: 'wait', seconds: 8 })) },
      ),
      { minLength: 4, maxLength: 10 },
    );
    await fc.assert(
      fc.asyncProperty(rounds, async (run) => {
        const replicas = await begin(undefined, undefined);
        let models: readonly LedgerModel[] = [new LedgerModel()];
        for (const round of run) {
          const outcomes = await Promise.all(round.map((step, index) => replicas[index % replicas.length]?.take(step)));
          const standings = await replicas[0]?.standings();
          const numbers = round.map((_, index) => index);
          models = models.flatMap((model) =>
            ordersOf(numbers).flatMap((order) => {
              const after = model.copy();
              const fits = order.every(
                (index) => round[index] !== undefined && after.take(round[index]) === outcomes[index],
              );
              return fits && after.standings().join() === standings?.join() ? [after] : [];
            }),
          );
          // Several orders may fit; they differ in nothing that a client could see so far.
          models = models.slice(0, 48);
          expect({ round, outcomes, explained: models.length > 0 }).toEqual({ round, outcomes, explained: true });
        }
      }),
      { numRuns: 40, endOnFailure: true },
    );
    expect(await broken()).toEqual([]);
  }, 300_000);

  const create = (id: number, debit: number, amount: bigint, holdSeconds: number | null, credit = 0): Step => ({
    kind: 'create',
    id: transferId(id),
    legs: [
      {
        debitAccount: accountId(debit),
        creditAccount: accountId(credit),
        amount,
        currency: currencySchema.parse('EUR'),
      },
    ],
    holdSeconds,
    corrects: null,
    reference: '',
    metadata: {},
  });

  it('refuses nothing because of an overdue hold, no matter who ends it first', async () => {
    for (let round = 0; round < 25; round += 1) {
      const [one, other] = await begin(undefined, undefined);
      expect(await one?.take(create(1, 2, 5n, 10))).toBe('held');
      await one?.take({ kind: 'wait', seconds: 11 });
      const outcomes = await Promise.all([other?.take(create(2, 1, 9n, null)), one?.take(create(3, 2, 5n, null))]);
      expect(outcomes).toEqual(['INSUFFICIENT_FUNDS', 'posted']);
    }
  }, 60_000);

  it('refuses nothing because of an overdue hold behind any number of others on its accounts', async () => {
    const [ledger] = await begin(undefined);
    const others = Array.from({ length: EXPIRY_LIMIT }, (_, index) => create(100 + index, 0, 1n, 5, 1));
    await Promise.all(others.map((step) => ledger?.take(step)));
    expect(await ledger?.take(create(1, 2, 5n, 10, 1))).toBe('held');
    await ledger?.take({ kind: 'wait', seconds: 11 });
    expect(await ledger?.take(create(2, 2, 5n, null, 1))).toBe('posted');
  }, 60_000);

  it('finds a hold on both its accounts until it has ended', async () => {
    const [ledger] = await begin(undefined);
    const held = () => Promise.all([0, 1, 2].map((account) => ledger?.hasHolds(accountId(account))));
    expect(await held()).toEqual([false, false, false]);
    expect(await ledger?.take(create(1, 2, 5n, 10, 1))).toBe('held');
    expect(await held()).toEqual([false, true, true]);
    expect(await ledger?.take({ kind: 'void', id: transferId(1) })).toBe('voided');
    expect(await held()).toEqual([false, false, false]);
  });

  it('corrects no transfer twice when a hold has expired for one replica but not yet for another', async () => {
    const [behind] = await begin(undefined);
    const ahead = new LedgerReplica(pool, { now: new Date(start.getTime() + 5_000) }, runs);
    const correcting = (id: number, holdSeconds: number | null): Step => {
      const step = create(id, 1, 5n, holdSeconds);
      return step.kind === 'create' ? { ...step, corrects: transferId(1) } : step;
    };
    for (const id of [1, 2]) expect(await behind?.take(create(id, 0, 5n, null, 1))).toBe('posted');
    expect(await behind?.take(correcting(3, 4))).toBe('held');
    expect(await ahead.take(correcting(4, null))).toBe('posted');
    expect(await behind?.take({ kind: 'post', id: transferId(3), amount: undefined })).toBe('HOLD_EXPIRED');
    expect(await broken()).toEqual([]);
  });

  it('keeps past balances and statements as shown, even while another replica’s clock is behind', async () => {
    const [behind] = await begin(undefined);
    const ahead = new LedgerReplica(pool, { now: new Date(start.getTime() + 5_000) }, runs);
    const time = new Date(start.getTime() + 4_000);
    expect(await behind?.take(create(1, 0, 5n, null, 1))).toBe('posted');
    const shown = await ahead.asOf(accountId(1), time);
    expect(shown).toEqual({ balance: 5n, entries: 1 });
    expect(await behind?.take(create(2, 0, 3n, null, 1))).toBe('posted');
    expect(await ahead.asOf(accountId(1), time)).toEqual(shown);
    expect(await ahead.asOf(accountId(1), new Date(time.getTime() + 1))).toEqual({ balance: 8n, entries: 1 });
    expect(await broken()).toEqual([]);
  });

  it('ends every overdue hold once when all replicas sweep at the same time', async () => {
    const replicas = await begin(undefined, undefined, undefined);
    const model = new LedgerModel();
    const held = fc
      .sample(steps, { seed: 5, numRuns: 200 })
      .filter((step) => step.kind === 'create' && step.holdSeconds !== null);
    for (const step of [...held, { kind: 'wait', seconds: 60 } as const]) {
      await replicas[0]?.take(step);
      model.take(step);
    }
    const { rows: overdue } = await pool.query<{ count: number }>(
      `select count(*)::int from hold where status = 'held' and expires_at <= $1`,
      [replicas[0]?.clock.now],
    );
    expect(overdue[0]?.count).toBeGreaterThan(1);
    const ended = await Promise.all([...replicas, ...replicas].map(({ expiry }) => expiry.sweep()));
    const { rows } = await pool.query<{ status: string }>(
      'select distinct status from hold where transfer_id::text like $1',
      [`b${runs.toString(16).padStart(7, '0')}%`],
    );
    expect(rows.map(({ status }) => status)).toEqual(['expired']);
    expect(ended.reduce((sum, count) => sum + count, 0)).toBe(overdue[0]?.count);
    const { rows: events } = await pool.query(
      `select event->>'subject' from audit_outbox_event where event->>'type' like '%transfer.expired%' group by 1 having count(*) > 1`,
    );
    expect(events).toEqual([]);
    expect(await replicas[0]?.standings()).toEqual(model.standings());
    expect(await broken()).toEqual([]);
  }, 120_000);
});
