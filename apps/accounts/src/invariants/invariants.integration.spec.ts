import { z } from 'zod';
import {
  asOwner,
  auditor,
  startLedger,
  transfer,
  usualScopes,
  type LedgerUnderTest,
} from '../testing/ledger-under-test.js';
import { invariants, questionOf } from './invariants.js';

const alice = { subject: 'alice' };
const shop = { subject: 'shop' };

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

  it('holds, is told to who may audit only, and the look is recorded', async () => {
    const { body } = await ledger.call('GET', '/ledger/invariants', auditor);
    expect(body).toMatchObject({ ok: true, entries: 6, transfers: 4 });
    expect(z.array(z.object({ ok: z.literal(true) })).parse(body['invariants'])).toHaveLength(invariants.length);
    expect((await ledger.call('GET', '/ledger/invariants', { subject: 'alice', scopes: usualScopes })).status).toBe(
      403,
    );
    const { rows } = await ledger.pool.query(
      `select 1 from audit_outbox where event->'data'->>'action' = 'ledger:check'`,
    );
    expect(rows).toHaveLength(1);
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
});
