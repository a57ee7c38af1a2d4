import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  admin,
  auditor,
  euro,
  startLedger,
  transfer,
  usualScopes,
  type Answer,
  type LedgerUnderTest,
  type Who,
} from './testing/ledger-under-test.js';

/** alice acts through the application `shop`; mallory holds the same scopes, through their own application. */
const alice: Who = { subject: 'alice', clientId: 'shop', actors: ['shop'] };
const shop: Who = { subject: 'shop' };
const mallory: Who = { subject: 'mallory', clientId: 'mall', scopes: [...usualScopes] };

describe("the ledger's objects are their owners'", () => {
  let ledger: LedgerUnderTest;
  let purse: string;
  let merchant: string;
  let mallorys: string;
  beforeAll(async () => {
    ledger = await startLedger();
    [purse, merchant, mallorys] = [await ledger.open(alice), await ledger.open(shop), await ledger.open(mallory)];
    await ledger.fund(purse, '1000');
    await ledger.fund(mallorys, '1000');
  }, 120_000);
  afterAll(async () => {
    await ledger.stop();
  }, 60_000);

  const send = (body: object, who: Who): Promise<Answer> => ledger.call('POST', '/transfers', who, body);
  /** Everything that an answer reveals to a caller, except ids. */
  const answered = ({ status, body }: Answer): readonly unknown[] => [status, body['code'], body['detail']];
  const held = async (): Promise<string> => {
    const body = transfer(purse, merchant, '1', { hold: { expires_in_seconds: 600 } });
    expect((await send(body, alice)).status).toBe(201);
    return body.id;
  };

  /** What a stranger may try at each route: with an object of alice's, and with one that does not exist. */
  const attempts: Readonly<Record<string, (id: { account: string; transfer: string }) => Promise<Answer>>> = {
    'GET /accounts': ({ account }) => ledger.call('GET', `/accounts?cursor=${account}`, mallory),
    'GET /accounts/{id}': ({ account }) => ledger.call('GET', `/accounts/${account}`, mallory),
    'GET /accounts/{id}/entries': ({ account }) => ledger.call('GET', `/accounts/${account}/entries`, mallory),
    'GET /accounts/{id}/balance': ({ account }) =>
      ledger.call('GET', `/accounts/${account}/balance?as_of=2026-01-01T00:00:00Z`, mallory),
    'PATCH /accounts/{id}': ({ account }) =>
      ledger.call('PATCH', `/accounts/${account}`, mallory, { metadata: { seen: 'yes' } }),
    'PUT /accounts/{id}/status': ({ account }) =>
      ledger.call('PUT', `/accounts/${account}/status`, mallory, { status: 'frozen' }),
    'POST /transfers': ({ account }) => send(transfer(account, mallorys, '1'), mallory),
    'GET /transfers': (id) => ledger.call('GET', `/transfers?cursor=${id.transfer}`, mallory),
    'GET /transfers/{id}': (id) => ledger.call('GET', `/transfers/${id.transfer}`, mallory),
    'POST /transfers/{id}/post': (id) => ledger.call('POST', `/transfers/${id.transfer}/post`, mallory),
    'POST /transfers/{id}/void': (id) => ledger.call('POST', `/transfers/${id.transfer}/void`, mallory),
  };
  /** They name no object of anybody's. */
  const withoutObject = ['POST /accounts', 'GET /ledger/invariants'];

  it('covers every route that names an object', async () => {
    const { body } = await ledger.call('GET', '/openapi.json', mallory);
    const paths = z
      .record(z.string(), z.record(z.string(), z.looseObject({ security: z.unknown().optional() })))
      .parse(body['paths']);
    const routes = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { security }]) =>
        security === undefined ? [] : [`${method.toUpperCase()} ${path}`],
      ),
    );
    expect(routes.filter((route) => !withoutObject.includes(route)).sort()).toEqual(Object.keys(attempts).sort());
  });

  it.each(Object.keys(attempts))('%s answers a stranger exactly as if the object did not exist', async (route) => {
    const attempt = attempts[route];
    if (attempt === undefined) throw new Error(route);
    const theirs = await attempt({ account: purse, transfer: await held() });
    const nobodys = await attempt({ account: randomUUID(), transfer: randomUUID() });
    expect(answered(theirs)).toEqual(answered(nobodys));
    if (route === 'GET /accounts')
      expect(theirs.body['accounts']).not.toContainEqual(expect.objectContaining({ owner: 'alice' }));
    else if (route === 'GET /transfers')
      expect(theirs.body['transfers']).not.toContainEqual(expect.objectContaining({ subject: 'alice' }));
    else expect(theirs.status).toBeGreaterThanOrEqual(400);
    expect(await ledger.call('GET', `/accounts/${purse}`, alice)).toMatchObject({
      body: { status: 'open', balance: euro('1000'), metadata: {} },
    });
  });

  it('reveals no account’s state to a stranger: a closed, frozen or other-currency account looks like a missing one', async () => {
    const status = (id: string, to: string): Promise<Answer> =>
      ledger.call('PUT', `/accounts/${id}/status`, admin, { status: to });
    const [frozen, closed] = [await ledger.open(alice), await ledger.open(alice)];
    const dollars = await ledger.open(alice, { currency: 'USD' });
    await status(frozen, 'frozen');
    await status(closed, 'closed');
    // Also where the caller's own account would be refused for another reason, or has too little.
    const ownFrozen = await ledger.open(mallory);
    await status(ownFrozen, 'frozen');
    const poor = await ledger.open(mallory);
    for (const from of [mallorys, ownFrozen, poor]) {
      for (const more of [{}, { hold: { expires_in_seconds: 9 } }]) {
        const attempt = (to: string): Promise<Answer> => send(transfer(from, to, '1', more), mallory);
        const absent = answered(await attempt(randomUUID()));
        for (const theirs of [frozen, closed, dollars]) expect(answered(await attempt(theirs))).toEqual(absent);
      }
    }
    expect((await send(transfer(mallorys, frozen, '1'), mallory)).body['code']).toBe('ACCOUNT_UNKNOWN');
    const { rows } = await ledger.pool.query(
      `select event->'data'->>'reason' as reason from audit_outbox_event where event->>'type' like '%transfer.refused%' order by position desc limit 1`,
    );
    expect(rows).toEqual([{ reason: 'ACCOUNT_FROZEN' }]);
    // Their owner sees the reason.
    expect((await send(transfer(purse, frozen, '1'), alice)).body['code']).toBe('ACCOUNT_FROZEN');
  });

  it("lets a correction take from another's account only with the scope for it, for the client that made the transfer, within the age limit", async () => {
    const corrector = { ...shop, scopes: [...usualScopes, 'transfers:correct'] };
    const [payer, payee] = [await ledger.open(alice), await ledger.open(mallory)];
    await ledger.fund(payer, '100');
    const paid = transfer(payer, payee, '100');
    expect((await send(paid, alice)).status).toBe(201);
    const back = (who: Who, more: object = {}): Promise<Answer> =>
      send(transfer(payee, payer, '10', { corrects: paid.id, ...more }), who);
    const codes = async (...whos: Who[]): Promise<readonly unknown[]> => {
      const answers = [];
      for (const who of whos) answers.push((await back(who)).body['code'] ?? 'corrected');
      return answers;
    };
    const stranger = { subject: 'stranger', scopes: [...usualScopes, 'transfers:correct'] };
    const sameClient: Who = { subject: 'bob', clientId: 'shop', actors: ['shop'] };
    expect(await codes(alice, shop, sameClient, stranger, mallory, corrector, admin)).toEqual([
      'CORRECTION_NOT_YOURS',
      'CORRECTED_TRANSFER_UNKNOWN',
      'CORRECTED_TRANSFER_UNKNOWN',
      'CORRECTED_TRANSFER_UNKNOWN',
      'corrected',
      'corrected',
      'corrected',
    ]);
    expect((await back(alice, { hold: { expires_in_seconds: 9 } })).body['code']).toBe('CORRECTION_NOT_YOURS');
    // A payee who refunds does not see the state of the payer's account; a caller that may take money back does.
    await ledger.call('PUT', `/accounts/${payer}/status`, admin, { status: 'frozen' });
    expect(await codes(mallory, corrector)).toEqual(['ACCOUNT_UNKNOWN', 'ACCOUNT_FROZEN']);
  });

  it("records an attempt on somebody else's object as denied", async () => {
    await ledger.call('GET', `/accounts/${purse}`, mallory);
    const { rows } = await ledger.pool.query(
      `select event->'data'->>'outcome' as outcome from audit_outbox_event where event->'data'->'principal'->>'subject' = 'mallory'
        and event->>'subject' = $1 order by position desc limit 1`,
      [`account/${purse}`],
    );
    expect(rows).toEqual([{ outcome: 'denied' }]);
  });

  it("lets a leg take from no account but the owner's, whichever side takes from it", async () => {
    const assets = await ledger.open(admin, { kind: 'asset', overdraft: 'allowed', owner: 'alice' });
    const answers = [
      await send(
        {
          id: randomUUID(),
          legs: [
            { debit_account: mallorys, credit_account: merchant, amount: euro('1') },
            { debit_account: purse, credit_account: mallorys, amount: euro('1') },
          ],
        },
        mallory,
      ),
      await send(transfer(mallorys, assets, '1'), mallory),
      await send(transfer(purse, merchant, '1', { hold: { expires_in_seconds: 9 } }), mallory),
    ];
    expect(answers.map(({ status, body }) => [status, body['code']])).toEqual(
      answers.map(() => [422, 'ACCOUNT_UNKNOWN']),
    );
    expect((await send(transfer(mallorys, purse, '1'), mallory)).status).toBe(201);
    expect((await send(transfer(purse, mallorys, '1'), alice)).status).toBe(201);
  });

  it('lets only the client of a hold end it without its user, not the owner through another client, nor an administrator', async () => {
    const end = (id: string, who: Who): Promise<Answer> => ledger.call('POST', `/transfers/${id}/void`, who);
    const id = await held();
    expect([(await end(id, { subject: 'alice', clientId: 'mall' })).status, (await end(id, admin)).status]).toEqual([
      404, 404,
    ]);
    expect((await end(id, shop)).body['status']).toBe('voided');
  });

  it('keeps two subjects of one client apart: neither ends nor reads the other’s hold, except a client with the scope for it', async () => {
    const eve: Who = { subject: 'eve', clientId: 'shop', actors: ['shop'] };
    const id = await held();
    const answered = async (who: Who): Promise<readonly number[]> => [
      (await ledger.call('GET', `/transfers/${id}`, who)).status,
      (await ledger.call('POST', `/transfers/${id}/post`, who)).status,
      (await ledger.call('POST', `/transfers/${id}/void`, who)).status,
    ];
    expect(await answered(eve)).toEqual([404, 404, 404]);
    const wide = { scopes: ['transfers:read:client', 'transfers:create:client'] };
    expect(await answered({ ...eve, ...wide, clientId: 'mall' })).toEqual([404, 404, 404]);
    // Its post ends the hold, so that there is nothing left to void.
    expect(await answered({ ...eve, ...wide })).toEqual([200, 200, 422]);
  });

  it('lists transfers to the subject that made them, and to their client for itself or with the scope, each once, page by page', async () => {
    const made = [await held(), await held(), await held()];
    const pages = async (who: Who): Promise<readonly string[]> => {
      const ids = await ledger.idsOf('transfers', '/transfers?limit=2', who);
      expect(ids).toEqual([...new Set(ids)].sort());
      return ids;
    };
    expect(await pages(alice)).toEqual(expect.arrayContaining(made));
    const eve: Who = { subject: 'eve', clientId: 'shop', actors: ['shop'] };
    for (const who of [shop, { ...eve, scopes: ['transfers:read:client'] }])
      expect(await pages(who)).toEqual(expect.arrayContaining(made));
    for (const stranger of [eve, mallory, { ...mallory, scopes: ['transfers:read:client'] }])
      expect(await pages(stranger)).not.toContain(made[0]);
  });

  it('shows a transfer to its client, the owners at both ends, administrators and auditors', async () => {
    const id = await held();
    const statuses = [];
    for (const who of [shop, alice, { subject: 'shop', clientId: 'other' }, admin, auditor, mallory])
      statuses.push((await ledger.call('GET', `/transfers/${id}`, who)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 404]);
  });

  it('lets administrators name an owner and read all, auditors read all and change nothing', async () => {
    const given = await ledger.open(admin, { owner: 'alice' });
    expect((await ledger.call('GET', `/accounts/${given}`, alice)).body['owner']).toBe('alice');
    const foreign = await ledger.call('POST', '/accounts', mallory, {
      name: 'x',
      kind: 'asset',
      currency: 'EUR',
      owner: 'alice',
    });
    expect([foreign.status, foreign.body['code']]).toEqual([403, 'OWNER_NOT_YOURS']);
    expect((await ledger.call('GET', `/accounts/${purse}`, auditor)).status).toBe(200);
    expect((await ledger.call('GET', '/accounts?owner=alice', auditor)).body['accounts']).toContainEqual(
      expect.objectContaining({ id: purse }),
    );
    expect((await ledger.call('GET', '/accounts?owner=alice', mallory)).status).toBe(403);
    expect((await ledger.call('PUT', `/accounts/${purse}/status`, auditor, { status: 'frozen' })).status).toBe(403);
  });

  it('keeps with each transfer and entry who moved the money: subject, client, actors, txn', async () => {
    const id = await held();
    await ledger.call('POST', `/transfers/${id}/post`, shop);
    const { rows } = await ledger.pool.query('select subject, client_id, actors, txn from transfer where id = $1', [
      id,
    ]);
    expect(rows).toEqual([{ subject: 'alice', client_id: 'shop', actors: ['shop'], txn: 'txn-alice' }]);
    const { body } = await ledger.call('GET', `/accounts/${purse}/entries?limit=1`, alice);
    expect(body['entries']).toMatchObject([
      { transfer_id: id, subject: 'shop', client_id: 'shop', actors: [], txn: 'txn-shop' },
    ]);
  });

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    expect(await ledger.recorded()).toEqual(
      expect.arrayContaining([
        'account.read allowed',
        'account.read denied',
        'accounts.listed allowed',
        'accounts.listed denied',
        'balance.read denied',
        'statement.read allowed',
        'statement.read denied',
        'account.status-changed allowed',
        'transfer.held allowed',
        'transfer.voided allowed',
        'transfer.read allowed',
        'transfers.listed allowed',
        'transfer.refused denied',
      ]),
    );
  });
});
