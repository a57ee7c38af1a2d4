import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { z } from 'zod';
import { ask, CrashWorld, newKey, type Seen, type Step } from '../testing/crash-world.js';
import { type Cut, type CutMode } from '../testing/cuts.js';
import { type PaymentsProcess } from '../testing/payments-process.js';

interface Flow {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly overdraft: 'allowed' | 'forbidden';
  /** After the step of this number the merchant has spent what it got. */
  readonly emptyAfter?: number;
  /** Milliseconds to wait after the steps: a hold runs out in the meantime. */
  readonly waitMs?: number;
}

const flows: readonly Flow[] = [
  { name: 'pay', overdraft: 'allowed', steps: [{ do: 'pay', amount: 100 }] },
  { name: 'pay without funds', overdraft: 'forbidden', steps: [{ do: 'pay', amount: 100 }] },
  {
    name: 'hold, capture a part',
    overdraft: 'allowed',
    steps: [
      { do: 'pay', amount: 100, capture: 'manual' },
      { do: 'capture', amount: 60 },
    ],
  },
  {
    name: 'hold, cancel',
    overdraft: 'allowed',
    steps: [{ do: 'pay', amount: 100, capture: 'manual' }, { do: 'cancel' }],
  },
  {
    name: 'pay, refund in two parts',
    overdraft: 'allowed',
    steps: [
      { do: 'pay', amount: 100 },
      { do: 'refund', amount: 30 },
      { do: 'refund', amount: 70 },
    ],
  },
  {
    name: 'pay, refund of what the merchant has spent',
    overdraft: 'allowed',
    emptyAfter: 0,
    steps: [
      { do: 'pay', amount: 100 },
      { do: 'refund', amount: 100 },
    ],
  },
  {
    name: 'hold, which runs out',
    overdraft: 'allowed',
    waitMs: 1_100,
    steps: [{ do: 'pay', amount: 100, capture: 'manual', holdSeconds: 1 }],
  },
];

const minute = 60_000;
const paymentRow = z.object({
  id: z.string(),
  status: z.string(),
  transfer_id: z.string(),
  captured: z.coerce.number(),
  refunded: z.coerce.number(),
  refunding: z.coerce.number(),
  pending: z.string().nullable(),
  attend_at: z.date().nullable(),
  expires_at: z.date().nullable(),
});
const refundRow = z.object({
  id: z.string(),
  status: z.string(),
  transfer_id: z.string(),
  amount: z.coerce.number(),
  attend_at: z.date().nullable(),
});

async function asOwner(pool: pg.Pool, statement: string): Promise<void> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<{ owner: string }>(
      'select pg_get_userbyid(datdba) as owner from pg_database where datname = current_database()',
    );
    await client.query(`set role ${client.escapeIdentifier(rows[0]?.owner ?? '')}`);
    await client.query(statement);
    await client.query('reset role');
  } finally {
    client.release();
  }
}

describe('a crash', () => {
  let world: CrashWorld;
  beforeAll(async () => {
    world = await CrashWorld.start();
    // This spec looks for what happened by columns that no service looks by.
    await asOwner(world.pool, `create index on audit_outbox ((event->>'subject'))`);
    await asOwner(world.pool, 'create index on webhook_delivery (payment_id)');
  }, 180_000);
  // So that the planner knows of the rows of a second ago: the tables grow from nothing faster than autovacuum looks.
  beforeEach(() => Promise.all([world.pool, world.accounts.ledger].map((pool) => asOwner(pool, 'analyze'))));
  afterAll(async () => {
    await world.stop();
  }, 60_000);

  interface Run {
    readonly client: string;
    readonly from: string;
    readonly to: string;
    readonly spent: number;
    readonly seen: readonly Seen[];
    readonly steps: readonly string[];
  }

  async function rows<Row extends z.ZodType>(row: Row, text: string, value: string): Promise<z.infer<Row>[]> {
    return z.array(row).parse((await world.pool.query(text, [value])).rows);
  }
  async function statusOfTransfer(id: string): Promise<readonly [string, number]> {
    const { rows: found } = await world.accounts.ledger.query<{ status: string | null; amount: string | null }>(
      `select (select case when h.status = 'held' and h.expires_at <= now() then 'expired' else h.status end
          from hold h where h.transfer_id = t.id) as status,
        (select sum(e.amount) from entry e where e.transfer_id = t.id and e.side = 'debit') as amount
       from transfer t where t.id = $1`,
      [id],
    );
    const [transfer] = found;
    if (transfer === undefined) return ['none', 0];
    return [transfer.status ?? 'posted', Number(transfer.amount ?? 0)];
  }
  async function balance(account: string): Promise<number> {
    const { rows: found } = await world.accounts.ledger.query<{ sum: string }>(
      'select credits_minus_debits as sum from account where id = $1',
      [account],
    );
    return Number(found[0]?.sum);
  }

  /** The merchant pays all that it has to somebody else. */
  async function spend(to: string, client: string): Promise<number> {
    const amount = await balance(to);
    if (amount === 0) return 0;
    const elsewhere = await world.accounts.open(client, 'forbidden');
    const token = await world.accounts.issuer.mint({
      clientId: client,
      audience: 'accounts',
      scopes: ['transfers:create'],
    });
    const response = await fetch(`${world.accounts.url}/transfers`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        id: randomUUID(),
        debit_account: to,
        credit_account: elsewhere,
        amount: { amount: String(amount), currency: 'EUR' },
      }),
    });
    expect(response.status).toBe(201);
    return amount;
  }

  async function recover(services: PaymentsProcess): Promise<void> {
    const failures: unknown[] = [];
    for (let sweep = 0; sweep < 8; sweep += 1) {
      const { looked } = await services.recovery.sweep((id, error) => failures.push([id, error]));
      if (looked === 0) break;
      world.forward(30_000);
    }
    expect(failures).toEqual([]);
  }

  /** One client's flow, cut once; then a repeat of what was not answered, where the client repeats; then recovery. */
  async function run(flow: Flow, cut: Cut | undefined, repeats: boolean): Promise<Run> {
    const client = `client-${randomUUID()}`;
    const from = await world.accounts.open(client, flow.overdraft);
    const to = await world.accounts.open(client, 'forbidden');
    await world.pool.query(
      `insert into webhook_endpoint values ($1, $2, 'https://merchant.example/', $3, 'active', now(), now())`,
      [
        randomUUID(),
        client,
        [
          'payment.settled',
          'payment.failed',
          'payment.cancelled',
          'payment.expired',
          'payment.held',
          'refund.settled',
          'refund.failed',
        ],
      ],
    );
    const first = world.process(cut);
    let now = first;
    let paymentId: string | undefined;
    let spent = 0;
    const seen: Seen[] = [];
    for (const [index, step] of flow.steps.entries()) {
      const key = newKey();
      const accounts = { from, to };
      let answer = await ask(now.services, step, key, await world.caller(client), accounts, paymentId);
      for (let again = 0; repeats && answer === undefined && again < 8; again += 1) {
        world.forward(31_000);
        if (now.life.dead) now = world.process();
        answer = await ask(now.services, step, key, await world.caller(client), accounts, paymentId);
        if (again > 5) await world.process().services.recovery.sweep(() => undefined);
        if (again > 5) world.forward(20 * minute);
      }
      seen.push(answer);
      if (answer === undefined) break;
      const id = answer.body['id'] ?? undefined;
      if (step.do === 'pay' && typeof id === 'string') paymentId = id;
      if (answer.status >= 400) break;
      if (index === flow.emptyAfter) spent = await spend(to, client);
    }
    if (flow.waitMs !== undefined) await delay(flow.waitMs);
    const services = world.process().services;
    world.forward(minute);
    await recover(services);
    for (const act of first.life.late) await act().catch(() => undefined);
    if (flow.waitMs !== undefined && first.life.late.length > 0) await delay(flow.waitMs);
    world.forward(20 * minute);
    await recover(services);
    world.forward(20 * minute);
    await recover(services);
    return { client, from, to, spent, seen, steps: first.life.steps };
  }

  /** What must hold whatever happened. */
  async function check({ client, from, to, spent, seen }: Run, flow: Flow): Promise<void> {
    const payments = await rows(paymentRow, 'select * from payment where client_id = $1', client);
    expect(payments.length).toBeLessThanOrEqual(1);
    const [payment] = payments;
    const [received, given] = [await balance(to), await balance(from)];
    if (payment === undefined) {
      expect([received, given, seen.some((answer) => answer !== undefined)]).toEqual([0, 0, false]);
      return;
    }
    const { status, captured, refunded, refunding, pending, attend_at, expires_at } = payment;
    expect({ refunding, pending }).toEqual({ refunding: 0, pending: null });
    expect(attend_at).toEqual(status === 'held' ? expires_at : null);
    const [transfer, posted] = await statusOfTransfer(payment.transfer_id);
    const may: Readonly<Record<string, readonly string[]>> = {
      held: ['held'],
      settled: ['posted'],
      partially_refunded: ['posted'],
      refunded: ['posted'],
      failed: ['none', 'expired'],
      cancelled: ['voided'],
      expired: ['expired'],
    };
    expect(may[status]).toContain(transfer);
    expect(posted).toBe(captured);
    expect([received, given]).toEqual([captured - refunded - spent, refunded - captured]);

    const refunds = await rows(refundRow, 'select * from refund where payment_id = $1', payment.id);
    for (const refund of refunds) {
      expect(refund.attend_at).toBeNull();
      const [state, amount] = await statusOfTransfer(refund.transfer_id);
      expect([refund.status, state, amount]).toEqual(
        refund.status === 'settled' ? ['settled', 'posted', refund.amount] : ['failed', 'none', 0],
      );
    }
    const settled = refunds.filter(({ status: one }) => one === 'settled');
    expect(settled.reduce((sum, { amount }) => sum + amount, 0)).toBe(refunded);
    expect(refunds.length).toBeLessThanOrEqual(flow.steps.filter(({ do: what }) => what === 'refund').length);

    const done = (await events(`payment/${payment.id}`)).concat(
      ...(await Promise.all(refunds.map(({ id }) => events(`refund/${id}`)))),
    );
    for (const type of ['created', 'held', 'settled', 'failed', 'cancelled', 'expired']) {
      const many = done.filter((one) => one === `payment.${type}`).length;
      expect([type, many <= 1]).toEqual([type, true]);
    }
    const ended = refunded > 0 ? 'settled' : status;
    expect(done).toContain(`payment.${ended}`);
    expect(done.filter((one) => one === 'refund.settled')).toHaveLength(settled.length);
    const notices = await rows(
      z.object({ type: z.string() }),
      'select type from webhook_delivery where payment_id = $1',
      payment.id,
    );
    const noticeTypes = notices.map(({ type }) => type).sort();
    const wantedTypes = done.filter((one) =>
      /^(payment\.(held|settled|failed|cancelled|expired)|refund\.(settled|failed))$/.test(one),
    );
    expect(noticeTypes).toEqual(wantedTypes.sort());

    const answered = seen.filter((answer) => answer !== undefined);
    for (const [index, answer] of answered.entries()) {
      const step = flow.steps[index]?.do;
      const paid = answer.status < 300;
      if (step === 'pay' && paid) expect(status).not.toBe('failed');
      if (step === 'pay' && !paid) expect(status).toBe('failed');
      if (step === 'capture' && paid) expect(captured).toBe(60);
      if (step === 'cancel' && paid) expect(status).toBe('cancelled');
      if (step === 'refund') expect(refunds[index - 1]?.status).toBe(paid ? 'settled' : 'failed');
    }
  }

  async function events(resource: string): Promise<readonly string[]> {
    const found = await rows(
      z.object({ type: z.string() }),
      `select event->>'type' as type from audit_outbox where event->>'subject' = $1 order by position`,
      resource,
    );
    return found.map(({ type }) => type.split('.').slice(2, 4).join('.'));
  }

  const modes: readonly CutMode[] = ['before', 'after', 'lost', 'late'];
  let tried = 0;

  it.each(flows.map((flow) => [flow.name, flow] as const))(
    'at any point of "%s" loses and doubles nothing, whether or not the client asks again',
    async (name, flow) => {
      const whole = await run(flow, undefined, true);
      await check(whole, flow);
      expect(whole.steps.length).toBeGreaterThan(2);
      for (const [at, kind] of whole.steps.entries()) {
        for (const mode of modes) {
          if (mode === 'late' && kind !== 'remote') continue;
          for (const repeats of flow.waitMs === undefined ? [true, false] : [false]) {
            const cut = { at, mode };
            const label = `${name}, step ${String(at)}, ${mode}, client ${repeats ? 'asks again' : 'is gone'}`;
            try {
              await check(await run(flow, cut, repeats), flow);
            } catch (error) {
              throw new Error(label, { cause: error });
            }
            tried += 1;
          }
        }
      }
    },
    600_000,
  );

  it('leaves the ledger balanced, and was tried at many points', async () => {
    const { rows: found } = await world.accounts.ledger.query(`
      select (select coalesce(sum(case side when 'credit' then amount else -amount end), 0) from entry) as total,
        (select count(*) from account a where credits_minus_debits <>
          coalesce((select sum(case side when 'credit' then amount else -amount end) from entry e where e.account_id = a.id), 0)) as wrong`);
    expect(found).toEqual([{ total: '0', wrong: '0' }]);
    process.stdout.write(`crash test: ${String(tried)} cuts tried\n`);
    expect(tried).toBeGreaterThan(200);
  });
});
