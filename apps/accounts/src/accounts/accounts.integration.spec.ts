import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { KeyedAnswers } from '@countersign/service-host';
import { z } from 'zod';
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

const alice = { subject: 'alice' };
const banker = { subject: 'alice', scopes: [...usualScopes, 'accounts:overdraft'] };
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
  const change = (id: string, body: object, who: Who = banker): Promise<Answer> =>
    ledger.call('PATCH', `/accounts/${id}`, who, body);
  const setStatus = (id: string, status: string): Promise<Answer> =>
    ledger.call('PUT', `/accounts/${id}/status`, admin, { status });

  it('open with the given values, and read back the same', async () => {
    const id = await ledger.open(banker, {
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
      const answer = await ledger.call('POST', '/accounts', banker, {
        name: 'x',
        kind: 'asset',
        currency: 'EUR',
        ...more,
      });
      expect(codeOf(answer)).toEqual([400, 'REQUEST_INVALID']);
    }
  });

  it('may go negative only if a client with the scope allows it, at opening or later', async () => {
    const opening = (overdraft: object, who: Who): Promise<Answer> =>
      ledger.call('POST', '/accounts', who, { name: 'x', kind: 'liability', currency: 'EUR', ...overdraft });
    const giving = { asset: 403, expense: 403, liability: 201, equity: 201, income: 201 };
    for (const [kind, status] of Object.entries(giving)) {
      expect([kind, (await opening({ kind }, alice)).status]).toEqual([kind, status]);
      expect([kind, (await opening({ kind }, banker)).status]).toEqual([kind, 201]);
    }
    const limited = { overdraft: 'limited', overdraft_limit: euro('5') };
    const plain = { ...admin, scopes: [...usualScopes, 'accounts:admin'] };
    for (const who of [alice, plain]) {
      expect(codeOf(await opening({ overdraft: 'allowed' }, who))).toEqual([403, 'OVERDRAFT_NOT_YOURS']);
      expect(codeOf(await opening(limited, who))).toEqual([403, 'OVERDRAFT_NOT_YOURS']);
      expect(codeOf(await opening({ overdraft: 'forbidden' }, who))).toEqual([201, 'open']);
    }
    const id = await ledger.open(banker, limited);
    expect(codeOf(await change(id, { overdraft: 'allowed' }, alice))).toEqual([403, 'OVERDRAFT_NOT_YOURS']);
    expect(codeOf(await change(id, { overdraft: 'forbidden' }, alice))).toEqual([200, 'open']);
    expect(codeOf(await change(id, { overdraft: 'allowed' }, shop))).toEqual([404, 'ACCOUNT_UNKNOWN']);
  });

  it('of a kind that grows by debits, opened before the scope was required, pay nothing until someone with the scope allows it', async () => {
    const [till, wallet] = [await ledger.open(banker, { kind: 'asset' }), await ledger.open(alice)];
    await ledger.pool.query('update account set granted_by = null where id = $1', [till]);
    const give = () => send(transfer(till, wallet, '999999999'));
    expect(codeOf(await give())).toEqual([422, 'ACCOUNT_CANNOT_GIVE']);
    expect(codeOf(await change(till, { overdraft: 'forbidden' }, alice))).toEqual([200, 'open']);
    expect(codeOf(await give())).toEqual([422, 'ACCOUNT_CANNOT_GIVE']);
    expect(codeOf(await change(till, { overdraft: 'forbidden' }))).toEqual([200, 'open']);
    expect(codeOf(await give())).toEqual([201, 'posted']);
  });

  it('change their overdraft rule and their metadata, and nothing else, with before and after in the trail', async () => {
    const id = await ledger.open(alice, { metadata: { kept: '1', gone: '2', other: '3' } });
    const body = { overdraft: 'limited', overdraft_limit: euro('50'), metadata: { gone: null, other: '4', new: '5' } };
    const { status, body: changed } = await change(id, body);
    expect([status, changed]).toMatchObject([
      200,
      { overdraft: 'limited', overdraft_limit: euro('50'), metadata: { kept: '1', other: '4', new: '5' } },
    ]);
    expect((await ledger.call('GET', `/accounts/${id}`, alice)).body).toEqual(changed);
    const { rows } = await ledger.pool.query(
      `select event->'data'->'changes' as changes from audit_outbox_event where event->>'type' = 'countersign.accounts.account.changed.v1'
        and event->>'subject' = $1`,
      [`account/${id}`],
    );
    expect(rows).toEqual([
      {
        changes: {
          overdraft: { from: 'forbidden', to: 'limited' },
          overdraft_limit: { from: '0', to: '50' },
          granted_by: { from: null, to: 'alice' },
          metadata: { gone: { from: '2', to: null }, other: { from: '3', to: '4' }, new: { from: null, to: '5' } },
        },
      },
    ]);
    for (const wrong of [
      {},
      { name: 'y' },
      { owner: 'mallory' },
      { overdraft: 'limited' },
      { overdraft_limit: euro('5') },
    ])
      expect(codeOf(await change(id, wrong))).toEqual([400, 'REQUEST_INVALID']);
    const dollars = { overdraft: 'limited', overdraft_limit: { amount: '5', currency: 'USD' } };
    expect(codeOf(await change(id, dollars))).toEqual([422, 'CURRENCY_MISMATCH']);
    const many = Object.fromEntries(Array.from({ length: 14 }, (_, index) => [`m${String(index)}`, 'x']));
    expect(codeOf(await change(id, { metadata: many }))).toEqual([422, 'METADATA_LIMIT']);
    await setStatus(id, 'closed');
    expect(codeOf(await change(id, { metadata: { late: '1' } }))).toEqual([422, 'ACCOUNT_CLOSED']);
  });

  it('keep a limit that is in use, by postings and by holds', async () => {
    const [purse, merchant] = [await ledger.open(banker, { overdraft: 'allowed' }), await ledger.open(shop)];
    await send(transfer(purse, merchant, '60'));
    await send(transfer(purse, merchant, '30', { hold: { expires_in_seconds: 600 } }));
    const limit = (amount: string) => change(purse, { overdraft: 'limited', overdraft_limit: euro(amount) });
    expect(codeOf(await change(purse, { overdraft: 'forbidden' }))).toEqual([409, 'OVERDRAFT_IN_USE']);
    expect(codeOf(await limit('89'))).toEqual([409, 'OVERDRAFT_IN_USE']);
    expect(codeOf(await limit('90'))).toEqual([200, 'open']);
    expect(codeOf(await send(transfer(purse, merchant, '1')))).toEqual([422, 'INSUFFICIENT_FUNDS']);
    expect(codeOf(await limit('100'))).toEqual([200, 'open']);
    expect(codeOf(await send(transfer(purse, merchant, '10')))).toEqual([201, 'posted']);
  });

  it('stay within their limit, whatever the order of changes and transfers', async () => {
    const limited = { overdraft: 'limited', overdraft_limit: euro('200') };
    const [purse, merchant] = [await ledger.open(banker, limited), await ledger.open(shop)];
    const limits = ['20', '30', '60', '90', '10', '200', '40', '80'];
    const answers = await Promise.all(
      limits.flatMap((amount) => [
        change(purse, { overdraft: 'limited', overdraft_limit: euro(amount) }),
        ...Array.from({ length: 4 }, () => send(transfer(purse, merchant, '7'))),
      ]),
    );
    expect(answers.filter(({ status }) => ![200, 201, 409, 422].includes(status))).toEqual([]);
    const paid = BigInt(answers.filter(({ status }) => status === 201).length * 7);
    const { body } = await ledger.call('GET', `/accounts/${purse}`, alice);
    const { overdraft_limit } = z.object({ overdraft_limit: z.object({ amount: z.coerce.bigint() }) }).parse(body);
    expect(body['balance']).toEqual(euro(-paid));
    expect(overdraft_limit.amount).toBeGreaterThanOrEqual(paid);
  });

  it('are opened once under an Idempotency-Key, however often and concurrently it is sent', async () => {
    const body = { name: 'x', kind: 'liability', currency: 'EUR', metadata: { a: '1', b: '2' } };
    const open = (key: string, more: object = {}, who: Who = alice): Promise<Answer> =>
      ledger.call('POST', '/accounts', who, { ...body, ...more }, { 'idempotency-key': key });
    const answers = await Promise.all(Array.from({ length: 8 }, () => open('key-1', { metadata: { b: '2', a: '1' } })));
    expect(answers.map(codeOf)).toEqual(answers.map(() => [201, 'open']));
    expect(new Set(answers.map((answer) => answer.body['id'])).size).toBe(1);
    expect(answers.filter(({ replayed }) => replayed)).toHaveLength(7);
    expect(codeOf(await open('key-1', { name: 'y' }))).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(codeOf(await open('not one'))).toEqual([400, 'IDEMPOTENCY_KEY_INVALID']);
    // Another subject's or client's key of the same characters is another key.
    const others = [
      await open('key-1', {}, { subject: 'alice', clientId: 'shop' }),
      await open('key-1', {}, { subject: 'bob', clientId: 'alice' }),
    ];
    expect(new Set([answers[0], ...others].map((answer) => answer?.body['id'])).size).toBe(3);
    const { rows } = await ledger.pool.query(
      `select event->>'type' as type, count(*)::int from audit_outbox_event where event->>'subject' = $1 group by 1 order by 1`,
      [`account/${String(answers[0]?.body['id'])}`],
    );
    expect(rows).toEqual([
      { type: 'countersign.accounts.account.opened.v1', count: 1 },
      { type: 'countersign.accounts.account.repeated.v1', count: 7 },
    ]);
    const { rows: refused } = await ledger.pool.query(
      `select event->>'subject' as subject, event->'data'->>'outcome' as outcome, event->'data'->>'reason' as reason from audit_outbox_event
        where event->>'type' = 'countersign.accounts.idempotency-key.refused.v1'`,
    );
    expect(refused).toContainEqual({
      subject: 'idempotency-key/key-1',
      outcome: 'failed',
      reason: 'IDEMPOTENCY_KEY_REUSED',
    });
    // A day later it is free again.
    await ledger.pool.query(
      `update idempotency_key set created_at = created_at - interval '25 hours' where key = 'key-1'`,
    );
    const later = await open('key-1', { name: 'y' });
    expect([codeOf(later), later.replayed]).toEqual([[201, 'open'], false]);
    await ledger.app.get(KeyedAnswers).prune();
    const { rows: kept } = await ledger.pool.query(`select 1 from idempotency_key where key = 'key-1'`);
    expect(kept).toHaveLength(1);
  });

  it("accept no control characters and no lone surrogates, in any of their texts or a transfer's", async () => {
    const id = await ledger.open(alice);
    for (const bad of ['\u0000', 'a\u0001b', 'a\nb', '\ud800']) {
      const opening = { name: 'x', kind: 'liability', currency: 'EUR' };
      const answers = [
        await ledger.call('POST', '/accounts', alice, { ...opening, name: `x${bad}x` }),
        await ledger.call('POST', '/accounts', alice, { ...opening, metadata: { note: bad } }),
        await ledger.call('POST', '/accounts', admin, { ...opening, owner: `x${bad}` }),
        await change(id, { metadata: { note: bad } }),
        await send(transfer(id, id, '1', { reference: bad })),
        await send(transfer(id, id, '1', { metadata: { note: bad } })),
        await ledger.call('GET', `/accounts?owner=${bad === '\ud800' ? '%00' : encodeURIComponent(bad)}`, admin),
      ];
      expect(answers.map(codeOf)).toEqual(answers.map(() => [400, 'REQUEST_INVALID']));
    }
  });

  it('accept metadata changes up to the limit, before and after in one event, and report when an older account has too much', async () => {
    const members = (value: string): Record<string, string> =>
      Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`m${String(index)}`.padEnd(40, 'x'), value]));
    const id = await ledger.open(alice, { metadata: members('€'.repeat(200)) });
    for (const value of ['\u2028'.repeat(200), '"'.repeat(200), '😀'.repeat(100)])
      expect(codeOf(await change(id, { metadata: members(value) }))).toEqual([200, 'open']);
    // Opened when control characters were taken: each is six bytes in JSON.
    await ledger.pool.query('update account set metadata = $2 where id = $1', [id, members('\u0001'.repeat(200))]);
    const all = Object.fromEntries(Object.keys(members('')).map((name) => [name, '€'.repeat(200)]));
    expect(codeOf(await change(id, { metadata: all }))).toEqual([422, 'CHANGE_TOO_LARGE']);
    const half = Object.fromEntries(Object.entries(all).slice(0, 8));
    expect(codeOf(await change(id, { metadata: half }))).toEqual([200, 'open']);
    expect(codeOf(await change(id, { metadata: all }))).toEqual([200, 'open']);
  });

  it('report members named like built-in properties, before and after', async () => {
    const id = await ledger.open(alice, { metadata: { toString: 'kept' } });
    const names = { constructor: '1', hasOwnProperty: '2', toString: null, valueOf: '3' };
    expect((await change(id, { metadata: names })).body['metadata']).toEqual({
      constructor: '1',
      hasOwnProperty: '2',
      valueOf: '3',
    });
    const { rows } = await ledger.pool.query<{ metadata: unknown }>(
      `select event->'data'->'changes'->'metadata' as metadata from audit_outbox_event
        where event->>'type' = 'countersign.accounts.account.changed.v1' and event->>'subject' = $1`,
      [`account/${id}`],
    );
    expect(rows[0]?.metadata).toEqual({
      constructor: { from: null, to: '1' },
      hasOwnProperty: { from: null, to: '2' },
      toString: { from: 'kept', to: null },
      valueOf: { from: null, to: '3' },
    });
    const one = transfer(id, await ledger.open(alice), '1', { metadata: { constructor: 'x' } });
    await ledger.fund(id, '5');
    expect([codeOf(await send(one)), codeOf(await send(one))]).toEqual([
      [201, 'posted'],
      [201, 'posted'],
    ]);
    expect(codeOf(await send({ ...one, metadata: { valueOf: 'x' } }))).toEqual([422, 'TRANSFER_ID_REUSED']);
  });

  it('cannot be opened in a withdrawn currency; existing ones can be read, and emptied', async () => {
    const open = (currency: string): Promise<Answer> =>
      ledger.call('POST', '/accounts', alice, { name: 'x', kind: 'liability', currency });
    const codes = ['VED', 'HRK', 'XXX', 'QQQ'];
    expect(await Promise.all(codes.map(async (currency) => (await open(currency)).status))).toEqual([
      201, 400, 400, 400,
    ]);
    const [from, to] = [randomUUID(), randomUUID()];
    for (const id of [from, to])
      await ledger.pool.query(
        `insert into account (id, name, kind, currency, overdraft, granted_by, owner, opened_by, opened_at, changed_at)
          values ($1, 'x', 'liability', 'HRK', 'allowed', 'alice', 'alice', 'alice', now(), now())`,
        [id],
      );
    expect((await ledger.call('GET', `/accounts/${from}`, alice)).body['balance']).toEqual({
      amount: '0',
      currency: 'HRK',
    });
    const move = {
      id: randomUUID(),
      debit_account: from,
      credit_account: to,
      amount: { amount: '5', currency: 'HRK' },
    };
    expect(codeOf(await send(move))).toEqual([201, 'posted']);
  });

  it('list page by page, each once, in the order in which they were opened', async () => {
    const owner = { subject: 'lister' };
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) ids.push(await ledger.open(owner));
    expect(await ledger.idsOf('accounts', '/accounts?limit=2', owner)).toEqual(ids);
  });

  it('take part in no new transfer while frozen, but still honour a hold', async () => {
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

  it('close only when empty and without a hold on either side, and then permanently', async () => {
    const [purse, merchant] = [await ledger.open(alice), await ledger.open(shop)];
    await ledger.fund(purse, '100');
    expect(codeOf(await setStatus(purse, 'closed'))).toEqual([422, 'ACCOUNT_NOT_EMPTY']);
    await send(transfer(purse, merchant, '40', { hold: { expires_in_seconds: 5 } }));
    expect(codeOf(await setStatus(merchant, 'closed'))).toEqual([422, 'ACCOUNT_NOT_EMPTY']);
    await delay(5_100);
    expect(codeOf(await setStatus(merchant, 'closed'))).toEqual([200, 'closed']);
    expect(codeOf(await send(transfer(purse, merchant, '1')))).toEqual([422, 'ACCOUNT_UNKNOWN']);
    expect(codeOf(await send(transfer(merchant, purse, '1'), shop))).toEqual([422, 'ACCOUNT_CLOSED']);
    expect(codeOf(await setStatus(merchant, 'open'))).toEqual([422, 'ACCOUNT_CLOSED']);
  });

  it('give the balance at a past time, which never changes afterwards', async () => {
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
      const moved = BigInt(entry.amount.amount) * (entry.side === 'credit' ? 1n : -1n);
      expect(BigInt(entry.balance_after.amount)).toBe(before + moved);
    }
  });

  it('have a statement that accepts no cursor of another account', async () => {
    const [purse, other] = [await ledger.open(alice), await ledger.open(shop)];
    await ledger.fund(purse, '5');
    await ledger.fund(other, '7');
    const { rows } = await ledger.pool.query<{ position: string }>('select position from entry where account_id = $1', [
      other,
    ]);
    const path = `/accounts/${purse}/entries?cursor=${rows[0]?.position ?? ''}`;
    expect((await ledger.call('GET', path, alice)).body['entries']).toEqual([]);
  });

  it('have a statement of a period: start included, end excluded, page by page, and unchanged while others write', async () => {
    const [purse, merchant] = [await ledger.open(alice), await ledger.open(shop)];
    await ledger.fund(purse, '1000');
    for (let count = 1; count <= 8; count += 1) {
      await send(transfer(purse, merchant, String(count)));
      await delay(3);
    }
    const timed = z.array(z.object({ amount: z.object({ amount: z.string() }), posted_at: z.string() }));
    const whole = timed.parse((await ledger.call('GET', `/accounts/${purse}/entries`, alice)).body['entries']);
    const timeOf = (amount: string): string => whole.find((entry) => entry.amount.amount === amount)?.posted_at ?? '';
    const writing: Promise<unknown>[] = [];
    async function statementOf(range: string): Promise<readonly string[]> {
      const amounts: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        writing.push(send(transfer(purse, merchant, '9')));
        const path: string = `/accounts/${purse}/entries?limit=2&${range}${cursor === '' ? '' : `&cursor=${cursor}`}`;
        const { body } = await ledger.call('GET', path, alice);
        amounts.push(...timed.parse(body['entries']).map(({ amount }) => amount.amount));
        cursor = z.string().nullable().parse(body['next_cursor']);
      }
      return amounts;
    }
    expect(await statementOf(`from=${timeOf('2')}&to=${timeOf('7')}`)).toEqual(['6', '5', '4', '3', '2']);
    expect(await statementOf(`to=${timeOf('3')}`)).toEqual(['2', '1', '1000']);
    const justAfter = timeOf('2').replace('Z', '0001Z');
    expect(await statementOf(`from=${justAfter}&to=${timeOf('5').replace('Z', '0001Z')}`)).toEqual(['5', '4', '3']);
    expect((await statementOf(`from=${timeOf('7')}`)).filter((amount) => amount !== '9')).toEqual(['8', '7']);
    const { body: newest } = await ledger.call('GET', `/accounts/${purse}/entries?limit=1`, alice);
    const beyond = `/accounts/${purse}/entries?to=${timeOf('3')}&cursor=${String(newest['next_cursor'])}`;
    const { body: earlier } = await ledger.call('GET', beyond, alice);
    expect(timed.parse(earlier['entries']).map(({ amount }) => amount.amount)).toEqual(['2', '1', '1000']);
    for (const wrong of ['from=yesterday', 'to=2026-01-01', `from=${timeOf('3')}&to=${timeOf('3')}`]) {
      expect(codeOf(await ledger.call('GET', `/accounts/${purse}/entries?${wrong}`, alice))).toEqual([
        400,
        'REQUEST_INVALID',
      ]);
    }
    await Promise.all(writing);
  });

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    expect(await ledger.recorded()).toEqual(
      expect.arrayContaining([
        'balance.read allowed',
        'account.status-changed failed',
        'transfer.expired allowed',
        'transfer.repeated allowed',
        'transfer.refused failed',
      ]),
    );
  });
});
