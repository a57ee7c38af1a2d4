import { openDatabase } from '@countersign/backing-services';
import type pg from 'pg';
import { type Payer } from './load.js';
import { paymentAgain, type RecordedPayment } from './recorded-payment.js';
import { type Ledger } from './statement-tap.js';

/** A pgbench-style client: a connection to each database, one statement after the other, no service in between. */
type Connections = Readonly<Record<Ledger, pg.Client>>;

async function pay(connections: Connections, recorded: RecordedPayment, payer: Payer): Promise<void> {
  for (const { database, name, text, values } of paymentAgain(recorded, payer)) {
    const statement = { text, values: [...values] };
    await connections[database].query(name === undefined ? statement : { name, ...statement });
  }
}

/** Makes a recorded payment again and again by its SQL only, for the given seconds. @returns payments per second */
export async function payBySql(
  databases: Readonly<Record<Ledger, string>>,
  recorded: RecordedPayment,
  payers: readonly Payer[],
  clients: number,
  seconds: number,
): Promise<number> {
  const connections = await Promise.all(
    Array.from({ length: clients }, async () => ({
      payments: await openDatabase(databases.payments),
      accounts: await openDatabase(databases.accounts),
    })),
  );
  const startedAt = performance.now();
  const until = startedAt + seconds * 1_000;
  let paid = 0;
  await Promise.all(
    connections.map(async (own, index) => {
      const payer = payers[index % payers.length] ?? { from: '', to: '' };
      while (performance.now() < until) {
        await pay(own, recorded, payer);
        paid += 1;
      }
    }),
  );
  const took = (performance.now() - startedAt) / 1_000;
  await Promise.all(connections.flatMap(({ payments, accounts }) => [payments.end(), accounts.end()]));
  return paid / took;
}
