import pg from 'pg';
import { z } from 'zod';
import { openAccounts, payInRound, type Payer } from './load.js';
import { startPaymentServices, type PaymentServices } from './services.js';
import { recordPayment } from './recorded-payment.js';
import { payBySql } from './replay.js';

type Row = Readonly<Record<string, unknown>>;
const rowSchema = z.record(z.string(), z.unknown());
/** What the relay makes of events afterwards, at its own pace. */
const ofTheRelay = { table: 'audit_sequence', columns: new Set(['position', 'sequence', 'published_at']) };
/** Long enough for one payment of each client, and no second. */
const ONE_EACH = 0.001;

/** A value without what is peculiar to one run: ids, keys, texts and times are replaced by their kind. */
function plain(value: unknown): unknown {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) return 'a time';
  if (typeof value === 'string' && value.length > 20) return 'a text';
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return 'an object';
}

describe('the SQL that payments are measured against', () => {
  let services: PaymentServices;
  let payers: readonly Payer[];
  const clients: Partial<Record<'payments' | 'accounts', pg.Client>> = {};
  beforeAll(async () => {
    services = await startPaymentServices({ recorded: true });
    payers = await openAccounts(services, 6);
    for (const name of ['payments', 'accounts'] as const) {
      const client = new pg.Client({ connectionString: services.databases[name] });
      await client.connect();
      clients[name] = client;
    }
  }, 180_000);
  afterAll(async () => {
    for (const client of Object.values(clients)) await client.end();
    await services.stop();
  }, 60_000);

  /** Every row of both databases, under its table; of accounts those of the payer. */
  async function all({ from, to }: Payer): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    for (const [name, client] of Object.entries(clients)) {
      const { rows: tables } = await client.query<{ table: string }>(
        `select tablename as "table" from pg_tables where schemaname = 'public' and tablename <> $1 order by 1`,
        [ofTheRelay.table],
      );
      for (const { table } of tables) {
        const { rows } = await client.query<{ row: unknown }>(`select to_jsonb(t) as row from ${table} t`);
        for (const row of rows.map((one) => rowSchema.parse(one.row))) {
          if (table === 'account' && row['id'] !== from && row['id'] !== to) continue;
          const own = Object.entries(row).filter(([column]) => !ofTheRelay.columns.has(column));
          const kept: Row = Object.fromEntries(own.map(([column, value]) => [column, plain(value)]));
          found.set(`${name}.${table} ${JSON.stringify(own)}`, `${name}.${table} ${JSON.stringify(kept)}`);
        }
      }
    }
    return found;
  }

  async function leftBy(payer: Payer, pay: () => Promise<unknown>): Promise<readonly string[]> {
    const before = await all(payer);
    await pay();
    const after = await all(payer);
    return [...after].flatMap(([row, kept]) => (before.has(row) ? [] : [kept])).sort();
  }

  it.each([
    ['at once', false],
    ['held, then captured', true],
  ] as const)(
    'leaves what the services leave of a payment %s, row by row',
    async (_, held) => {
      const [first, http, sql] = held ? payers.slice(0, 3) : payers.slice(3);
      if (first === undefined || http === undefined || sql === undefined)
        throw new Error('there are not enough accounts');
      const recorded = await recordPayment(services, first, held);
      const byServices = await leftBy(http, () => payInRound(services, [http], 1, ONE_EACH, held));
      const bySql = await leftBy(sql, () => payBySql(services.databases, recorded, [sql], 1, ONE_EACH));
      expect(byServices.length).toBeGreaterThan(8);
      expect(bySql).toEqual(byServices);
    },
    60_000,
  );
});
