import { type Benchmark } from './benchmark.js';
import { openAccounts, payInRound } from './payments/load.js';
import { recordPayment } from './payments/recorded-payment.js';
import { startPaymentServices } from './payments/services.js';
import { payBySql } from './payments/replay.js';
import { interleave } from './rounds.js';

/** Clients on either side of the ratio. */
const CLIENTS = 16;
/** Seconds of one candidate's round. */
const SECONDS = 2;
const PAIRS = 64;

/** One payment of each kind, as services send it that have paid before. */
async function recorded() {
  const services = await startPaymentServices({ recorded: true });
  try {
    const [warm, held, once] = await openAccounts(services, 3);
    if (warm === undefined || held === undefined || once === undefined)
      throw new Error('there are not enough accounts');
    await recordPayment(services, warm, true);
    return { held: await recordPayment(services, held, true), once: await recordPayment(services, once, false) };
  } finally {
    await services.stop();
  }
}

const benchmark: Benchmark = {
  description:
    'payments over HTTP (token, exchange, hold, post, the audit events durable in each service) by issuer, payments and accounts, against ' +
    'only the SQL statements that they send (recorded before the first round), one transfer per transaction, on the same tables of the same PostgreSQL by as many clients; fsync off for both.',
  async run({ rounds, progress, measured }) {
    const sql = await recorded();
    const services = await startPaymentServices();
    try {
      const payers = await openAccounts(services, PAIRS);
      const [hot] = payers;
      const merchant = payers.map(({ from }) => ({ from, to: hot?.to ?? '' }));
      const http = (clients: number, held: boolean, of = payers) => payInRound(services, of, clients, SECONDS, held);
      const figures = await interleave(
        [
          { name: 'held', round: async () => (await http(CLIENTS, true)).perSecond },
          { name: 'heldSql', round: () => payBySql(services.databases, sql.held, payers, CLIENTS, SECONDS) },
          { name: 'once', round: async () => (await http(CLIENTS, false)).perSecond },
          { name: 'onceSql', round: () => payBySql(services.databases, sql.once, payers, CLIENTS, SECONDS) },
          { name: 'clients1', round: async () => (await http(1, false)).perSecond },
          { name: 'clients8', round: async () => (await http(8, false)).perSecond },
          { name: 'clients64', round: async () => (await http(64, false)).perSecond },
          { name: 'hotMerchant', round: async () => (await http(64, false, merchant)).perSecond },
        ],
        {
          rounds,
          onRound: (round) => {
            progress(`round ${String(round)}`);
          },
        },
      );
      const unit = 'payments/s';
      measured(`hold, then capture: HTTP, ${String(CLIENTS)} clients`, figures.held, unit);
      measured(`hold, then capture: only SQL, ${String(CLIENTS)} clients`, figures.heldSql, unit);
      measured(`at once: HTTP, ${String(CLIENTS)} clients`, figures.once, unit);
      measured(`at once: only SQL, ${String(CLIENTS)} clients`, figures.onceSql, unit);
      measured('at once: HTTP, 1 client', figures.clients1, unit);
      measured('at once: HTTP, 8 clients', figures.clients8, unit);
      measured('at once: HTTP, 64 clients', figures.clients64, unit);
      measured('at once: HTTP, 64 clients, one merchant', figures.hotMerchant, unit);
      return [
        { metric: 'payments.ratio_sql', value: figures.held / figures.heldSql, goal: 0.4, better: 'higher' },
        { metric: 'payments.at_once.ratio_sql', value: figures.once / figures.onceSql, better: 'higher' },
        {
          metric: 'payments.hot_merchant.ratio_spread',
          value: figures.hotMerchant / figures.clients64,
          better: 'higher',
        },
      ];
    } finally {
      await services.stop();
    }
  },
};
export default benchmark;
