import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  admin,
  euro,
  startLedger,
  transfer,
  usualScopes,
  type Answer,
  type LedgerUnderTest,
  type Who,
} from '../testing/ledger-under-test.js';

const alice = { subject: 'alice', clientId: 'shop', actors: ['shop'] };
const shop = { subject: 'shop', scopes: [...usualScopes, 'transfers:correct'] };

describe('transfers', () => {
  let ledger: LedgerUnderTest;
  beforeAll(async () => {
    ledger = await startLedger({ HOLD_EXPIRY_INTERVAL_MS: '3600000' });
  }, 120_000);
  afterAll(async () => {
    await ledger.stop();
  }, 60_000);

  const codeOf = ({ status, body }: Answer): readonly unknown[] => [status, body['code'] ?? body['status']];
  const send = (body: object, who: Who = alice): Promise<Answer> => ledger.call('POST', '/transfers', who, body);
  async function pair(funds: string): Promise<readonly [string, string]> {
    const [purse, merchant] = [await ledger.open(alice), await ledger.open(shop)];
    await ledger.fund(purse, funds);
    return [purse, merchant];
  }

  it('posts one leg immediately, and a repeat of the same transfer posts nothing more', async () => {
    const [purse, merchant] = await pair('500');
    const body = transfer(purse, merchant, '500', { reference: 'order 1', metadata: { order: '1' } });
    const [first, again] = [await send(body), await send(body)];
    expect(codeOf(first)).toEqual([201, 'posted']);
    expect(again).toEqual(first);
    expect(first.body).toMatchObject({
      debit_account: purse,
      amount: euro('500'),
      metadata: { order: '1' },
      hold: null,
    });
    expect(await ledger.standing(merchant)).toEqual(['500', '0', '500']);
    expect(codeOf(await send({ ...body, reference: 'order 2' }))).toEqual([422, 'TRANSFER_ID_REUSED']);
    expect(codeOf(await send(body, shop))).toEqual([422, 'TRANSFER_ID_REUSED']);
  });

  it('posts one transfer when it is sent many times at once', async () => {
    const [purse, merchant] = await pair('1000');
    const body = transfer(purse, merchant, '100');
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(body)));
    expect(new Set(answers.map((answer) => JSON.stringify(codeOf(answer))))).toEqual(new Set(['[201,"posted"]']));
    expect(await ledger.standing(merchant)).toEqual(['100', '0', '100']);
  });

  it('posts several legs, all or none', async () => {
    const [purse, merchant] = await pair('500');
    const fees = await ledger.open(shop, { kind: 'income' });
    const leg = (amount: string, to: string): object => ({
      debit_account: purse,
      credit_account: to,
      amount: euro(amount),
    });
    const good = await send({ id: randomUUID(), legs: [leg('400', merchant), leg('100', fees)] });
    expect(codeOf(good)).toEqual([201, 'posted']);
    expect(good.body).not.toHaveProperty('debit_account');
    await ledger.fund(purse, '500');
    const short = await send({ id: randomUUID(), legs: [leg('400', merchant), leg('101', fees)] });
    expect(codeOf(short)).toEqual([422, 'INSUFFICIENT_FUNDS']);
    expect([await ledger.standing(purse), await ledger.standing(fees)]).toEqual([
      ['500', '0', '500'],
      ['100', '0', '100'],
    ]);
  });

  it('holds money, then posts a part of it and frees the rest', async () => {
    const [purse, merchant] = await pair('500');
    const body = transfer(purse, merchant, '400', { hold: { expires_in_seconds: 60 } });
    expect(codeOf(await send(body))).toEqual([201, 'held']);
    expect([await ledger.standing(purse), await ledger.standing(merchant)]).toEqual([
      ['500', '400', '100'],
      ['0', '0', '0'],
    ]);
    expect(codeOf(await send(transfer(purse, merchant, '101')))).toEqual([422, 'INSUFFICIENT_FUNDS']);
    const post = (amount?: string): Promise<Answer> =>
      ledger.call('POST', `/transfers/${body.id}/post`, shop, amount === undefined ? {} : { amount: euro(amount) });
    expect(codeOf(await post('401'))).toEqual([422, 'AMOUNT_ABOVE_HOLD']);
    const [first, again] = [await post('300'), await post('300')];
    expect(codeOf(first)).toEqual([200, 'posted']);
    expect(again).toEqual(first);
    expect(codeOf(await post())).toEqual([422, 'TRANSFER_NOT_HELD']);
    expect(codeOf(await ledger.call('POST', `/transfers/${body.id}/void`, shop))).toEqual([422, 'TRANSFER_NOT_HELD']);
    expect([await ledger.standing(purse), await ledger.standing(merchant)]).toEqual([
      ['200', '0', '200'],
      ['300', '0', '300'],
    ]);
  });

  it('voids a hold, repeatably, and never posts it', async () => {
    const [purse, merchant] = await pair('500');
    const body = transfer(purse, merchant, '400', { hold: { expires_in_seconds: 60 } });
    await send(body);
    const end = (verb: string): Promise<Answer> => ledger.call('POST', `/transfers/${body.id}/${verb}`, shop);
    expect([codeOf(await end('void')), codeOf(await end('void')), codeOf(await end('post'))]).toEqual([
      [200, 'voided'],
      [200, 'voided'],
      [422, 'TRANSFER_NOT_HELD'],
    ]);
    expect(await ledger.standing(purse)).toEqual(['500', '0', '500']);
  });

  it('releases an expired hold for anyone who reads or needs the money, before any worker runs', async () => {
    const [purse, merchant] = await pair('500');
    const body = transfer(purse, merchant, '400', { hold: { expires_in_seconds: 1 } });
    await send(body);
    await delay(1_100);
    expect(await ledger.standing(purse)).toEqual(['500', '0', '500']);
    expect(codeOf(await ledger.call('GET', `/transfers/${body.id}`, shop))).toEqual([200, 'expired']);
    expect(codeOf(await ledger.call('POST', `/transfers/${body.id}/post`, shop))).toEqual([422, 'HOLD_EXPIRED']);
    expect(codeOf(await send(transfer(purse, merchant, '450')))).toEqual([201, 'posted']);
    expect(await ledger.standing(purse)).toEqual(['50', '0', '50']);
    const { rows } = await ledger.pool.query('select status from hold where transfer_id = $1', [body.id]);
    expect(rows).toEqual([{ status: 'expired' }]);
  });

  it('finds holds by their accounts, even those of a version that did not store them', async () => {
    const [purse, merchant] = await pair('500');
    const earlier = async (expires: string): Promise<void> => {
      const { id } = transfer(purse, merchant, '400');
      await ledger.pool.query(
        `insert into transfer (id, reference, subject, client_id, actors, txn, posted_at) values ($1, '', 'alice', 'shop', '{shop}', 'txn', now())`,
        [id],
      );
      await ledger.pool.query(`insert into leg values ($1, 0, $2, $3, 400, 'EUR')`, [id, purse, merchant]);
      await ledger.pool.query(
        `insert into hold (transfer_id, status, expires_at) values ($1, 'held', now() + $2::interval)`,
        [id, expires],
      );
      await ledger.pool.query('update account set held = held + 400 where id = $1', [purse]);
    };
    const close = (account: string): Promise<Answer> =>
      ledger.call('PUT', `/accounts/${account}/status`, admin, { status: 'closed' });
    await earlier('-1 second');
    expect(await ledger.standing(purse)).toEqual(['500', '0', '500']);
    expect(codeOf(await send(transfer(purse, await ledger.open(shop), '450')))).toEqual([201, 'posted']);
    expect(await ledger.standing(purse)).toEqual(['50', '0', '50']);

    const body = transfer(purse, merchant, '10', { hold: { expires_in_seconds: 600 } });
    expect(codeOf(await send(body))).toEqual([201, 'held']);
    const { rows } = await ledger.pool.query('select accounts from hold where transfer_id = $1', [body.id]);
    expect(rows).toEqual([{ accounts: [purse, merchant] }]);
    expect(codeOf(await close(merchant))).toEqual([422, 'ACCOUNT_NOT_EMPTY']);
    expect(codeOf(await ledger.call('POST', `/transfers/${body.id}/void`, alice))).toEqual([200, 'voided']);

    await ledger.fund(purse, '400');
    await earlier('1 hour');
    expect(codeOf(await close(merchant))).toEqual([422, 'ACCOUNT_NOT_EMPTY']);
    expect(codeOf(await close(await ledger.open(shop)))).toEqual([200, 'closed']);
  });

  it('reverses by corrections, never more than was moved, for the original client if it may correct', async () => {
    const [purse, merchant] = await pair('500');
    const original = transfer(purse, merchant, '500');
    await send(original);
    const refund = (amount: string, who: Who = shop): Promise<Answer> =>
      send(transfer(merchant, purse, amount, { corrects: original.id }), who);
    expect(codeOf(await refund('200'))).toEqual([201, 'posted']);
    expect(codeOf(await refund('301'))).toEqual([422, 'CORRECTION_ABOVE_ORIGINAL']);
    const many = await Promise.all(Array.from({ length: 6 }, () => refund('100')));
    expect(many.filter(({ status }) => status === 201)).toHaveLength(3);
    expect(codeOf(await refund('1', { subject: 'stranger' }))).toEqual([422, 'CORRECTED_TRANSFER_UNKNOWN']);
    const wrong = transfer(purse, merchant, '1', { corrects: original.id });
    expect(codeOf(await send(wrong))).toEqual([422, 'CORRECTION_NOT_REVERSED']);
    expect(await ledger.standing(purse)).toEqual(['500', '0', '500']);
  });

  it('never lets concurrent transfers and holds take more than is available', async () => {
    const [purse, merchant] = await pair('1000');
    const orders = Array.from({ length: 30 }, (_, index) =>
      transfer(purse, merchant, '100', index % 2 === 0 ? {} : { hold: { expires_in_seconds: 60 } }),
    );
    const answers = await Promise.all(orders.map((order) => send(order)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    const [, , available] = await ledger.standing(purse);
    expect(available).toBe('0');
  });

  it('keeps a limited overdraft within its limit', async () => {
    const limited = { overdraft: 'limited', overdraft_limit: euro('50'), owner: 'alice' };
    const purse = await ledger.open(admin, limited);
    const merchant = await ledger.open(shop);
    expect(codeOf(await send(transfer(purse, merchant, '51')))).toEqual([422, 'INSUFFICIENT_FUNDS']);
    expect(codeOf(await send(transfer(purse, merchant, '50')))).toEqual([201, 'posted']);
  });

  it('refuses bodies that name no leg, too many, or both forms', async () => {
    const [purse, merchant] = await pair('1');
    const one = transfer(purse, merchant, '1');
    const leg = { debit_account: purse, credit_account: merchant, amount: euro('1') };
    for (const body of [
      { id: one.id },
      { ...one, legs: [leg] },
      { id: one.id, legs: [] },
      { id: one.id, legs: Array.from({ length: 33 }, () => leg) },
      { ...one, hold: { expires_in_seconds: 2_592_001 } },
      { ...one, metadata: { long: 'x'.repeat(201) } },
    ]) {
      expect(codeOf(await send(body))).toEqual([400, 'REQUEST_INVALID']);
    }
    expect(codeOf(await ledger.call('POST', '/transfers', admin, transfer(purse, purse, '1')))).toEqual([
      422,
      'SAME_ACCOUNT',
    ]);
  });
});
