import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type Principal } from '@countersign/auth-core';
import { moneySchema } from '@countersign/money';
import { openDatabase, type Caller, type RequestTrace } from '@countersign/service-host';
import type { Problem } from '@countersign/service-host';
import type pg from 'pg';
import { pino } from 'pino';
import { connectToAccounts, type AccountsConnection } from '../accounts/accounts-connection.js';
import { idempotencyKeySchema, type IdempotencyKey } from '../idempotency/idempotency-key.js';
import { createPaymentSchema, paymentIdSchema } from '../payments/payment.js';
import { createRefundSchema } from '../refunds/refund.js';
import { cutPool, cutTransport, CutProcess, cutTokens, type Cut } from './cuts.js';
import { migrate } from './migrate.js';
import { startProcess, type PaymentsProcess } from './payments-process.js';
import { startRealAccounts, type RealAccounts } from './real-accounts.js';

export const euro = (amount: number) => ({ amount: String(amount), currency: 'EUR' });

/** One thing that a client asks for, with its own key. */
export type Step =
  | { readonly do: 'pay'; readonly amount: number; readonly capture?: 'manual'; readonly holdSeconds?: number }
  | { readonly do: 'capture'; readonly amount: number }
  | { readonly do: 'cancel' }
  | { readonly do: 'refund'; readonly amount: number };

/** What the client saw: an answer, or nothing. */
export type Seen = { readonly status: number; readonly body: Readonly<Record<string, unknown>> } | undefined;

/** Real PostgreSQL and accounts, and processes of payments that may be cut; its clock can be put forward. */
export class CrashWorld {
  #offset = 0;
  readonly clock = (): Date => new Date(Date.now() + this.#offset);

  private constructor(
    readonly accounts: RealAccounts,
    readonly pool: pg.Pool,
    readonly connection: AccountsConnection,
  ) {}

  static async start(): Promise<CrashWorld> {
    const accounts = await startRealAccounts();
    const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));
    const options = { url: await accounts.backing.database('payments', migrate), migrationsFolder };
    const pool = await openDatabase(options, pino({ level: 'silent' }));
    return new CrashWorld(accounts, pool, connectToAccounts(accounts.url));
  }

  async stop(): Promise<void> {
    await this.connection.close();
    await this.pool.end();
    await this.accounts.stop();
  }

  /** @param ms how much later it is from now on */
  forward(ms: number): void {
    this.#offset += ms;
  }

  process(cut?: Cut): { readonly life: CutProcess; readonly services: PaymentsProcess } {
    const life = new CutProcess(cut);
    const services = startProcess({
      pool: cutPool(this.pool, life),
      accountsUrl: this.accounts.url,
      transport: cutTransport(this.connection.transport, life),
      tokens: cutTokens(this.accounts.tokens, life),
      clock: this.clock,
    });
    return { life, services };
  }

  async balance(account: string): Promise<number> {
    const { rows: found } = await this.accounts.ledger.query<{ sum: string }>(
      'select credits_minus_debits as sum from account where id = $1',
      [account],
    );
    return Number(found[0]?.sum);
  }

  /** A merchant pays all that it has to somebody else. @returns how much */
  async spend(from: string, client: string): Promise<number> {
    const amount = await this.balance(from);
    if (amount === 0) return 0;
    const elsewhere = await this.accounts.open(client, 'forbidden');
    const token = await this.accounts.issuer.mint({
      clientId: client,
      audience: 'accounts',
      scopes: ['transfers:create'],
    });
    const { status } = await fetch(`${this.accounts.url}/transfers`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        id: randomUUID(),
        debit_account: from,
        credit_account: elsewhere,
        amount: euro(amount),
      }),
    });
    if (status !== 201) throw new Error(`accounts answered ${String(status)}`);
    return amount;
  }

  async caller(client: string): Promise<Caller> {
    const token = await this.accounts.issuer.mint({ clientId: client });
    const now = Math.floor(this.clock().getTime() / 1_000);
    const principal: Principal = {
      subject: client,
      clientId: client,
      actors: [],
      scopes: new Set(['payments:create']),
      audience: 'payments',
      issuer: this.accounts.issuer.issuer,
      tokenId: randomUUID(),
      txn: randomUUID(),
      roles: [],
      amr: [],
      kind: 'service',
      issuedAt: now,
      expiresAt: now + 300,
    };
    const hex = (length: number): string => randomUUID().replaceAll('-', '').slice(0, length);
    const trace: RequestTrace = {
      requestId: randomUUID(),
      traceparent: `00-${hex(32)}-${hex(16)}-01`,
      traceId: hex(32),
      method: 'POST',
      route: '/payments',
      peer: '127.0.0.1',
    };
    return { principal, token, trace };
  }
}

export const newKey = (): IdempotencyKey => idempotencyKeySchema.parse(randomUUID());

/** As the owner of the tables. */
export async function asOwner(pool: pg.Pool, statement: string): Promise<void> {
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

/** Asks once. A refusal is an answer; a dead process, a fault or a request to retry is not. */
export async function ask(
  { payments, captures, refunds }: PaymentsProcess,
  step: Step,
  key: IdempotencyKey,
  caller: Caller,
  accounts: { readonly from: string; readonly to: string },
  paymentId: string | undefined,
): Promise<Seen> {
  try {
    if (step.do === 'pay') {
      const { amount, capture = 'automatic', holdSeconds } = step;
      const command = createPaymentSchema.parse({ amount: euro(amount), ...accounts, capture });
      const held = holdSeconds === undefined ? command : { ...command, hold_seconds: holdSeconds };
      return await payments.pay(held, key, caller);
    }
    const id = paymentIdSchema.parse(paymentId);
    if (step.do === 'cancel') return await captures.take(id, { kind: 'cancel' }, key, caller);
    const amount = euro(step.amount);
    if (step.do === 'refund') return await refunds.refund(id, createRefundSchema.parse({ amount }), key, caller);
    return await captures.take(id, { kind: 'capture', command: { amount: moneySchema.parse(amount) } }, key, caller);
  } catch (error) {
    if (!isProblem(error)) return undefined;
    if (error.status === 503 || error.code === 'IDEMPOTENCY_IN_FLIGHT' || error.code === 'PAYMENT_BUSY')
      return undefined;
    return { status: error.status, body: { code: error.code } };
  }
}

function isProblem(error: unknown): error is Problem {
  return error instanceof Error && error.name === 'Problem';
}
