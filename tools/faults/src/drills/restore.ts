import { setTimeout as delay } from 'node:timers/promises';
import { countersign, type Stack } from '@countersign/stack';
import { z } from 'zod';
import { Load } from '../faults/load.js';
import { openAccount } from '../faults/open-account.js';
import { seededRandom } from '../faults/random.js';
import { Storefront } from '../faults/storefront.js';
import { copyDatabase, restoreDatabase, type DatabaseCopy } from './database-copy.js';

/** Milliseconds of load before, between and after the copies. */
const LOAD_MS = 2_000;

const reportSchema = z.looseObject({
  ok: z.boolean(),
  payments: z.number(),
  transfers: z.number(),
  repaired: z.number(),
  differences: z.record(z.string(), z.number()),
});
type Report = z.infer<typeof reportSchema>;

/** The drill's findings; `wrong` is empty if everything went as in the operations guide. */
export interface DrillReport {
  readonly before: Report;
  readonly restored: Report;
  readonly repaired: Report;
  readonly wrongOrder: Report;
  readonly wrong: readonly string[];
}

async function reconcile(stack: Stack, ...options: readonly string[]): Promise<Report> {
  const { code, out, said } = await countersign(stack, 'payments', 'reconcile', '--json', ...options);
  const report = reportSchema.safeParse(JSON.parse(out === '' ? '{}' : out));
  if (report.success && code === (report.data.ok ? 0 : 1)) return report.data;
  throw new Error(`countersign payments reconcile ended with ${String(code)}: ${said}${out}`);
}

/**
 * Payments' database is copied, then accounts', under load; both are restored, and `countersign payments reconcile --repair` makes again the
 * difference between the copies. Then the other way round, which loses money: what is lost must be named.
 */
export async function restoreDrill(stack: Stack, seed: number, say: (line: string) => void): Promise<DrillReport> {
  const wrong: string[] = [];
  const expectThat = (holds: boolean, what: string): void => {
    if (!holds) wrong.push(what);
  };
  const urlOf = (database: string): string =>
    `postgresql://postgres:${encodeURIComponent(stack.identities.superuserPassword)}@127.0.0.1:${String(stack.postgres.port)}/${database}`;
  const storefront = new Storefront(stack);
  const [from, to] = [
    await openAccount(stack, storefront, 'allowed'),
    await openAccount(stack, storefront, 'forbidden'),
  ];
  const load = new Load({
    payments: stack.urls.payments,
    storefront,
    from,
    to,
    clients: 8,
    tag: 'drill',
    random: seededRandom(seed),
  });
  await delay(LOAD_MS);
  const payments = await copyDatabase(urlOf('payments'));
  await delay(LOAD_MS);
  const accounts = await copyDatabase(urlOf('accounts'));
  await delay(LOAD_MS);
  const laterPayments = await copyDatabase(urlOf('payments'));
  const dealt = await load.stop();
  say(`${String(dealt.length)} payments under load, three copies taken in the meantime`);
  wrong.push(...dealt.flatMap((one) => one.wrong ?? []));
  const before = await reconcile(stack);
  expectThat(before.ok, 'payments and accounts differ before anything was restored');

  async function restore(copies: Readonly<Record<'payments' | 'accounts', DatabaseCopy>>): Promise<void> {
    await Promise.all([stack.stopService('payments', 'SIGTERM'), stack.stopService('accounts', 'SIGTERM')]);
    await restoreDatabase(urlOf('accounts'), copies.accounts);
    await restoreDatabase(urlOf('payments'), copies.payments);
    await stack.startService('accounts');
    await stack.startService('payments');
    const { code, said } = await countersign(stack, 'ledger', 'check');
    expectThat(code === 0, `the restored ledger is not whole: ${said}`);
  }

  await restore({ payments, accounts });
  const restored = await reconcile(stack);
  say(`payments first: ${JSON.stringify(restored.differences)}`);
  const { TRANSFER_MISSING: lost = 0, RECORD_MISSING: missing = 0 } = restored.differences;
  expectThat(lost === 0, `${String(lost)} payments have no transfer, though payments was copied first`);
  expectThat(missing > 0, 'nothing lay between the copies, so that the drill showed nothing');
  const repaired = await reconcile(stack, '--repair');
  say(`repaired: ${String(repaired.repaired)}`);
  const after = await reconcile(stack);
  expectThat(repaired.ok && after.ok, `after the repair: ${JSON.stringify(after.differences)}`);
  expectThat(after.payments > restored.payments, 'no payment was recreated');

  await restore({ payments: laterPayments, accounts });
  const wrongOrder = await reconcile(stack, '--repair');
  say(`accounts first: ${JSON.stringify(wrongOrder.differences)}`);
  expectThat((wrongOrder.differences['TRANSFER_MISSING'] ?? 0) > 0, 'what accounts lost was not named');
  return { before, restored, repaired, wrongOrder, wrong };
}
