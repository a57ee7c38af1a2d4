import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { uuidv7 } from '@countersign/audit-event';
import { CrashOutcome, type ClientsStory } from '../testing/crash-outcome.js';
import { ask, asOwner, CrashWorld, euro, newKey, type Seen, type Step } from '../testing/crash-world.js';
import { type Cut, type CutMode } from '../testing/cuts.js';

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
const modes: readonly CutMode[] = ['before', 'after', 'lost', 'late'];
const notices = ['settled', 'failed', 'cancelled', 'expired', 'held']
  .map((status) => `payment.${status}`)
  .concat('refund.settled', 'refund.failed');

/** A flow that is cut at most once. */
interface Trial {
  readonly flow: Flow;
  readonly cut: Cut | undefined;
  /** Whether the client asks again for what was not answered. */
  readonly repeats: boolean;
}
interface Run extends Trial, ClientsStory {
  readonly first: ReturnType<CrashWorld['process']>;
  readonly seen: Seen[];
  spent: number;
}

const labelOf = ({ flow: { name }, cut, repeats }: Trial): string =>
  `${name}, step ${String(cut?.at)}, ${String(cut?.mode)}, client ${repeats ? 'asks again' : 'is gone'}`;

/** Does it with each, a few at once. */
async function withEach<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const next = items.entries();
  const lane = async (): Promise<void> => {
    for (const [at, item] of next) results[at] = await work(item);
  };
  await Promise.all(Array.from({ length: 6 }, lane));
  return results;
}

// Many runs share a world: each has its own client, accounts and processes, and what passes for one passes for all: time, and recovery.
describe('a crash', () => {
  let world: CrashWorld;
  let outcome: CrashOutcome;
  beforeAll(async () => {
    world = await CrashWorld.start();
    outcome = new CrashOutcome(world);
    // This spec looks for what happened by columns that no service looks by.
    await asOwner(world.pool, `create index on audit_outbox ((event->>'subject'))`);
    await asOwner(world.pool, 'create index on webhook_delivery (payment_id)');
  }, 180_000);
  afterAll(async () => {
    await world.stop();
  }, 60_000);

  /** Each with its own client, whose two accounts and webhook exist. */
  async function beginAll(trials: readonly Trial[]): Promise<readonly Run[]> {
    const runs = trials.map((trial): Run => {
      const [client, from, to] = [`client-${randomUUID()}`, uuidv7(), uuidv7()];
      return {
        ...trial,
        client,
        from,
        to,
        steps: trial.flow.steps,
        first: world.process(trial.cut),
        seen: [],
        spent: 0,
      };
    });
    await world.accounts.openRows(
      runs.flatMap(({ client, from, to, flow: { overdraft } }) => [
        { id: from, owner: client, overdraft },
        { id: to, owner: client, overdraft: 'forbidden' },
      ]),
    );
    await world.pool.query(
      `insert into webhook_endpoint select gen_random_uuid(), client, 'https://merchant.example/', $2, 'active', now(), now()
       from unnest($1::text[]) as client`,
      [runs.map(({ client }) => client), notices],
    );
    return runs;
  }

  /** What the client asks for, one after another. A client without an answer waits a while; after many tries, until recovery has run. */
  async function* asking(run: Run): AsyncGenerator<'a while' | 'recovery', undefined> {
    const { flow, client, from, to, repeats, seen } = run;
    let now = run.first;
    let paymentId: string | undefined;
    for (const [index, step] of flow.steps.entries()) {
      const key = newKey();
      const answerOf = async (): Promise<Seen> =>
        ask(now.services, step, key, await world.caller(client), { from, to }, paymentId);
      let answer = await answerOf();
      for (let again = 0; repeats && answer === undefined && again < 8; again += 1) {
        yield again > 6 ? 'recovery' : 'a while';
        if (now.life.dead) now = world.process();
        answer = await answerOf();
      }
      seen.push(answer);
      if (answer === undefined) return undefined;
      const { id } = answer.body;
      if (step.do === 'pay' && typeof id === 'string') paymentId = id;
      if (answer.status >= 400) return undefined;
      if (index === flow.emptyAfter) run.spent = await world.spend(to, client);
    }
    return undefined;
  }

  /** Time passes, and recovery looks, once nobody has anything left to ask before that. */
  async function askAll(runs: readonly Run[]): Promise<void> {
    let clients = runs.map((run) => asking(run));
    let stuck: typeof clients = [];
    for (;;) {
      const waiting = await withEach(clients, async (client) => (await client.next()).value);
      stuck = stuck.concat(clients.filter((_, at) => waiting[at] === 'recovery'));
      clients = clients.filter((_, at) => waiting[at] === 'a while');
      if (clients.length === 0) {
        if (stuck.length === 0) return;
        await world.process().services.recovery.sweep(() => undefined);
        world.forward(20 * minute);
        [clients, stuck] = [stuck, []];
      }
      world.forward(31_000);
    }
  }

  async function recover({ services }: Run['first']): Promise<void> {
    const failures: unknown[] = [];
    for (let sweep = 0; sweep < 8; sweep += 1) {
      const { checked } = await services.recovery.sweep((id, error) => failures.push([id, error]));
      if (checked === 0) break;
      world.forward(30_000);
    }
    expect(failures).toEqual([]);
  }

  /** The flows, each cut once; then repeats of what was not answered, where the client repeats; then recovery, and what was still on its way. */
  async function carryOut(trials: readonly Trial[]): Promise<readonly Run[]> {
    const runs = await beginAll(trials);
    await askAll(runs);
    const waitMs = Math.max(...trials.map(({ flow }) => flow.waitMs ?? 0));
    await delay(waitMs);
    const process = world.process();
    world.forward(minute);
    await recover(process);
    const late = runs.flatMap(({ first }) => first.life.late);
    await withEach(late, (act) => act().catch(() => undefined));
    if (late.length > 0) await delay(waitMs);
    for (let again = 0; again < 2; again += 1) {
      world.forward(20 * minute);
      await recover(process);
    }
    await withEach(runs, async (run) => {
      try {
        await outcome.check(run);
      } catch (error) {
        throw new Error(labelOf(run), { cause: error });
      }
    });
    return runs;
  }

  let tried = 0;

  it.each(flows.map((flow) => [flow.name, flow] as const))(
    'at any point of "%s" loses and doubles nothing, whether or not the client asks again',
    async (_, flow) => {
      // So that the planner knows of the rows of a second ago: the tables grow from nothing faster than autovacuum looks.
      await Promise.all([world.pool, world.accounts.ledger].map((pool) => asOwner(pool, 'analyze')));
      const [whole] = await carryOut([{ flow, cut: undefined, repeats: true }]);
      const steps = whole?.first.life.steps ?? [];
      expect(steps.length).toBeGreaterThan(2);
      const cuts = steps.flatMap((kind, at) =>
        modes.filter((mode) => mode !== 'late' || kind === 'remote').map((mode) => ({ at, mode })),
      );
      for (const repeats of flow.waitMs === undefined ? [true, false] : [false])
        tried += (await carryOut(cuts.map((cut) => ({ flow, cut, repeats })))).length;
    },
    600_000,
  );

  it('of recovery after it has paid a refund back fails no refund that its client requests again, however late', async () => {
    const [client, from, to] = [`client-${randomUUID()}`, uuidv7(), uuidv7()];
    await world.accounts.openRows([
      { id: from, owner: client, overdraft: 'allowed' },
      { id: to, owner: client, overdraft: 'forbidden' },
    ]);
    const take = async (
      step: Step,
      key: ReturnType<typeof newKey>,
      { services }: Run['first'],
      of?: string,
    ): Promise<Seen> => ask(services, step, key, await world.caller(client), { from, to }, of);
    const paid = await take({ do: 'pay', amount: 100 }, newKey(), world.process());
    const id = String(paid?.body['id']);
    const whole = world.process();
    await take({ do: 'refund', amount: 10 }, newKey(), whole, id);
    const key = newKey();
    const orderAt = whole.life.steps.lastIndexOf('remote');
    const dying = world.process({ at: orderAt, mode: 'before' });
    expect(await take({ do: 'refund', amount: 30 }, key, dying, id)).toBeUndefined();
    world.forward(20 * minute);
    // Its look at the transfer, the step that it takes up, and the order.
    const recovering = world.process({ at: 4, mode: 'after' });
    await recovering.services.recovery.sweep(() => undefined);
    expect(recovering.life.steps).toEqual(['token', 'remote', 'commit', 'token', 'remote']);
    expect(await world.balance(to)).toBe(60);
    world.forward(20 * minute);
    expect(await take({ do: 'refund', amount: 30 }, key, world.process(), id)).toMatchObject({
      status: 201,
      body: { status: 'settled', payment: { refunded: euro(40) } },
    });
    expect(await world.balance(to)).toBe(60);
  }, 60_000);

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
