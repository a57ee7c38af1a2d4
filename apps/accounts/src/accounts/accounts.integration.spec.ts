import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { admin, euro, startLedger, transfer, type Answer, type LedgerUnderTest } from '../testing/ledger-under-test.js';

const alice = { subject: 'alice' };
const shop = { subject: 'shop' };
const entriesSchema = z.object({
  entries: z.array(
    z.object({
      transfer_id: z.string(),
      side: z.string(),
      amount: z.object({ amount: z.string() }),
      balance_after: z.object({ amount: z.string() }),
    }),
  ),
  next_cursor: z.string().nullable(),
});

describe('accounts', () => {
  let ledger: LedgerUnderTest;
  beforeAll(async () => {
    ledger = await startLedger();
  }, 120_000);
  afterAll(async () => {
    await ledger.stop();
  }, 60_000);

  const codeOf = ({ status, body }: Answer): readonly unknown[] => [status, body['code'] ?? body['status']];
  const send = (body: object, who = alice): Promise<Answer> => ledger.call('POST', '/transfers', who, body);
  const setStatus = (id: string, status: string): Promise<Answer> =>
    ledger.call('PUT', `/accounts/${id}/status`, admin, { status });

  it('open with what they were given, and read so', async () => {
    const id = await ledger.open(alice, {
      kind: 'asset',
      overdraft: 'limited',
      overdraft_limit: euro('5'),
      metadata: { ref: 'a' },
    });
    expect((await ledger.call('GET', `/accounts/${id}`, alice)).body).toMatchObject({
      kind: 'asset',
      status: 'open',
      overdraft: 'limited',
      overdraft_limit: euro('5'),
      metadata: { ref: 'a' },
      owner: 'alice',
      available: euro('0'),
    });
    const wrong = [
      { overdraft: 'limited' },
      { overdraft_limit: euro('5') },
      { overdraft: 'limited', overdraft_limit: { amount: '5', currency: 'USD' } },
    ];
    for (const more of wrong) {
      const answer = await ledger.call('POST', '/accounts', alice, {
        name: 'x',
        kind: 'asset',
        currency: 'EUR',
        ...more,
      });
      expect(codeOf(answer)).toEqual([400, 'REQUEST_INVALID']);
    }
  });

  it('list page by page, each once, in the order in which they were opened', async () => {
    const owner = { subject: 'lister' };
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) ids.push(await ledger.open(owner));
    const seen: unknown[] = [];
    for (let cursor: unknown = ''; cursor !== null;) {
      const { body } = await ledger.call(
        'GET',
        `/accounts?limit=2${cursor === '' ? '' : `&cursor=${String(cursor)}`}`,
        owner,
      );
      seen.push(
        ...z
          .array(z.object({ id: z.string() }))
          .parse(body['accounts'])
          .map(({ id }) => id),
      );
      cursor = body['next_cursor'];
    }
    expect(seen).toEqual(ids);
  });

  it('take part in no new transfer while frozen, but keep the promise of a hold', async () => {
    const [purse, merchant] = [await ledger.open(alice), await ledger.open(shop)];
    await ledger.fund(purse, '100');
    const hold = transfer(purse, merchant, '40', { hold: { expires_in_seconds: 600 } });
    await send(hold);
    expect(codeOf(await setStatus(purse, 'frozen'))).toEqual([200, 'frozen']);
    expect(codeOf(await send(transfer(purse, merchant, '1')))).toEqual([422, 'ACCOUNT_FROZEN']);
    expect(codeOf(await send(transfer(purse, merchant, '1', { hold: { expires_in_seconds: 9 } })))).toEqual([
      422,
      'ACCOUNT_FROZEN',
    ]);
    expect(codeOf(await ledger.call('POST', `/transfers/${hold.id}/post`, alice))).toEqual([200, 'posted']);
    expect(codeOf(await setStatus(purse, 'open'))).toEqual([200, 'open']);
    expect(codeOf(await send(transfer(purse, merchant, '1')))).toEqual([201, 'posted']);
  });

  it('close only when empty and without a hold on either side, and then for good', async () => {
    const [purse, merchant] = [await ledger.open(alice), await ledger.open(shop)];
    await ledger.fund(purse, '100');
    expect(codeOf(await setStatus(purse, 'closed'))).toEqual([422, 'ACCOUNT_NOT_EMPTY']);
    await send(transfer(purse, merchant, '40', { hold: { expires_in_seconds: 5 } }));
    expect(codeOf(await setStatus(merchant, 'closed'))).toEqual([422, 'ACCOUNT_NOT_EMPTY']);
    await delay(5_100);
    expect(codeOf(await setStatus(merchant, 'closed'))).toEqual([200, 'closed']);
    expect(codeOf(await send(transfer(purse, merchant, '1')))).toEqual([422, 'ACCOUNT_CLOSED']);
    expect(codeOf(await setStatus(merchant, 'open'))).toEqual([422, 'ACCOUNT_CLOSED']);
  });

  it('tell the balance of a time that has passed, the same ever after', async () => {
    const [purse, merchant] = [await ledger.open(alice), await ledger.open(shop)];
    const opened = new Date();
    await delay(5);
    await ledger.fund(purse, '100');
    await delay(5);
    const funded = new Date();
    await delay(5);
    await send(transfer(purse, merchant, '30'));
    const asOf = async (time: Date): Promise<unknown> =>
      (await ledger.call('GET', `/accounts/${purse}/balance?as_of=${time.toISOString()}`, alice)).body['balance'];
    await delay(5);
    expect([await asOf(opened), await asOf(funded), await asOf(new Date(Date.now() - 1))]).toEqual([
      euro('0'),
      euro('100'),
      euro('70'),
    ]);
    const future = new Date(Date.now() + 60_000).toISOString();
    expect(codeOf(await ledger.call('GET', `/accounts/${purse}/balance?as_of=${future}`, alice))).toEqual([
      422,
      'AS_OF_NOT_PAST',
    ]);
  });

  it('have a statement whose pages do not move while others write, and whose running balance adds up', async () => {
    const [purse, merchant] = [await ledger.open(alice), await ledger.open(shop)];
    await ledger.fund(purse, '1000');
    for (let count = 0; count < 10; count += 1) await send(transfer(purse, merchant, String(count + 1)));
    const pages: z.infer<typeof entriesSchema>['entries'][] = [];
    let writing: Promise<unknown> = Promise.resolve();
    for (let cursor: string | null = ''; cursor !== null;) {
      writing = Promise.all([writing, ...Array.from({ length: 5 }, () => send(transfer(purse, merchant, '1')))]);
      const path = `/accounts/${purse}/entries?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const page = entriesSchema.parse((await ledger.call('GET', path, alice)).body);
      pages.push(page.entries);
      cursor = page.next_cursor;
    }
    await writing;
    const entries = pages.flat();
    expect(new Set(entries.map(({ transfer_id }) => transfer_id)).size).toBe(entries.length);
    expect(entries.at(-1)).toMatchObject({ side: 'credit', balance_after: { amount: '1000' } });
    for (const [index, entry] of entries.entries()) {
      const before = BigInt(entries[index + 1]?.balance_after.amount ?? 0);
      const change = BigInt(entry.amount.amount) * (entry.side === 'credit' ? 1n : -1n);
      expect(BigInt(entry.balance_after.amount)).toBe(before + change);
    }
  });
});
