import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import {
  asOwner,
  auditor,
  startLedger,
  transfer,
  usualScopes,
  type LedgerUnderTest,
} from '../testing/ledger-under-test.js';
import { invariants, questionOf } from './invariants.store.js';

const alice = { subject: 'alice' };
const shop = { subject: 'shop' };

const checked = `select 1 from audit_outbox_event where event->'data'->>'action' = 'ledger:check'`;

describe('what must always hold of the ledger', () => {
  let ledger: LedgerUnderTest;
  let ids: Readonly<Record<'purse' | 'merchant' | 'posted' | 'held', string>>;
  beforeAll(async () => {
    ledger = await startLedger();
    const [purse, merchant] = [await ledger.open(alice), await ledger.open(shop)];
    await ledger.fund(purse, '1000');
    const order = transfer(purse, merchant, '100');
    const hold = transfer(purse, merchant, '50', { hold: { expires_in_seconds: 600 } });
    const refund = transfer(merchant, purse, '40', { corrects: order.id });
    for (const [who, body] of [
      [alice, order],
      [shop, refund],
      [alice, hold],
    ] as const)
      expect((await ledger.call('POST', '/transfers', who, body)).status).toBe(201);
    ids = { purse, merchant, posted: order.id, held: hold.id };
  }, 120_000);
  afterAll(async () => {
    await ledger.stop();
  }, 60_000);

  it('holds, is shown only to auditors, and the read is recorded', async () => {
    const { body } = await ledger.call('GET', '/ledger/invariants', auditor);
    expect(body).toMatchObject({ ok: true, entries: 6, transfers: 4 });
    expect(z.array(z.object({ ok: z.literal(true) })).parse(body['invariants'])).toHaveLength(invariants.length);
    expect((await ledger.call('GET', '/ledger/invariants', { subject: 'alice', scopes: usualScopes })).status).toBe(
      403,
    );
    const { rows } = await ledger.pool.query(checked);
    expect(rows).toHaveLength(1);
  });

  it('run as one check at a time: a caller that asks during a check gets its result, and each check is recorded', async () => {
    const { rows: before } = await ledger.pool.query(checked);
    const blocker = await ledger.pool.connect();
    const running = async (): Promise<number> => {
      const { rows } = await blocker.query<{ count: number }>(
        `select count(*)::int from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`,
      );
      return rows[0]?.count ?? 0;
    };
    try {
      // As another replica does while it checks.
      await blocker.query(`select pg_advisory_lock(hashtext('countersign.ledger-check'))`);
      const first = ledger.call('GET', '/ledger/invariants', auditor);
      while ((await running()) === 0) await delay(10);
      const others = Array.from({ length: 5 }, () => ledger.call('GET', '/ledger/invariants', auditor));
      await delay(200);
      expect(await running()).toBe(1);
      await blocker.query('select pg_advisory_unlock_all()');
      const answers = await Promise.all([first, ...others]);
      expect(new Set(answers.map(({ body }) => body['checked_at'])).size).toBe(1);
      expect(answers.map(({ body }) => body['ok'])).toEqual(answers.map(() => true));
    } finally {
      blocker.release(true);
    }
    const { rows: after } = await ledger.pool.query(checked);
    expect(after.length - before.length).toBe(6);
    const { body } = await ledger.call('GET', '/ledger/invariants', auditor);
    expect(body['ok']).toBe(true);
  });

  /** Planted as its owner could who switches the triggers off, and rolled back. */
  it.each([
    ['sums_zero', `update entry set amount = 101 where transfer_id = :posted and side = 'credit'`],
    ['balances_are_sums', 'update account set credits_minus_debits = credits_minus_debits + 1 where id = :merchant'],
    ['running_balances', `update entry set balance_after = 7 where transfer_id = :posted and side = 'credit'`],
    [
      'available_within_limit',
      'alter table account drop constraint account_available_check; update account set held = 5000 where id = :purse',
    ],
    ['held_is_held', 'update account set held = held - 1 where id = :purse'],
    ['held_is_held', `update hold set status = 'expired', ended_at = now() where transfer_id = :held`],
    ['transfers_moved_their_legs', 'delete from entry where transfer_id = :posted'],
    [
      'transfers_moved_their_legs',
      `update hold set status = 'posted', ended_at = now(), posted_amount = 50 where transfer_id = :held`,
    ],
    ['given_as_granted', 'update account set granted_by = null'],
    ['given_as_granted', `update entry set amount = 99 where transfer_id = :posted`],
    ['corrections_within_original', 'update entry set amount = 1 where transfer_id = :posted'],
  ])('is found broken: %s by %s', async (name, plant) => {
    const statement = plant.replace(/:(purse|merchant|posted|held)/g, (_, of: keyof typeof ids) => `'${ids[of]}'`);
    const found = await asOwner(ledger.pool, async (client) => {
      await client.query(statement);
      const broken = [];
      for (const invariant of invariants) {
        const { rows } = await client.query<{ count: number }>(questionOf(invariant));
        if (rows[0]?.count !== 0) broken.push(invariant.name);
      }
      return broken;
    });
    expect(found).toContain(name);
  });

  it('leaves a record of each check', async () => {
    expect(await ledger.recorded()).toEqual(expect.arrayContaining(['invariants.checked allowed']));
  });
});
