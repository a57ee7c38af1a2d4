import { AuditOutbox } from '@countersign/audit-client';
import { Problem, type Caller } from '@countersign/service-host';
import type pg from 'pg';
import { drizzle } from 'drizzle-orm/node-postgres';
import { Registry } from 'prom-client';
import { accountToJson, type AccountId } from '../accounts/account.js';
import { accountTable } from '../accounts/accounts.tables.js';
import { AccountsStore } from '../accounts/accounts.store.js';
import { StandingsStore } from '../standings/standings.store.js';
import { HoldExpiry } from '../transfers/hold-expiry.service.js';
import { Posting } from '../transfers/posting.service.js';
import { TransfersService } from '../transfers/transfers.service.js';
import { type CreateTransfer } from '../transfers/transfer-command.js';
import { type TransferId } from '../transfers/transfer.js';
import { TransfersStore } from '../transfers/transfers.store.js';
import { modelAccounts, type Step } from './ledger-model.js';

const caller: Caller = {
  principal: {
    subject: 'model',
    clientId: 'model',
    actors: [],
    scopes: new Set(['transfers:create']),
    audience: 'accounts',
    issuer: 'https://issuer.test',
    tokenId: 'model',
    txn: 'model',
    roles: [],
    amr: [],
    kind: 'service',
    issuedAt: 0,
    expiresAt: 0,
  },
  trace: {
    requestId: 'model',
    traceparent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01`,
    traceId: '1'.repeat(32),
    method: 'POST',
    route: '/transfers',
    peer: '127.0.0.1',
  },
  token: 'none',
};

/** The same id, of this run only. */
function inRun<Id extends AccountId | TransferId>(id: Id, run: number): Id;
function inRun(id: string, run: number): string {
  return `${id.slice(0, 1)}${run.toString(16).padStart(7, '0')}${id.slice(8)}`;
}

function creationInRun(command: CreateTransfer, run: number): CreateTransfer {
  return {
    ...command,
    id: inRun(command.id, run),
    corrects: command.corrects === null ? null : inRun(command.corrects, run),
    legs: command.legs.map((leg) => ({
      ...leg,
      debitAccount: inRun(leg.debitAccount, run),
      creditAccount: inRun(leg.creditAccount, run),
    })),
  };
}

/** One process's part of the ledger on a shared database, with a clock that the test moves. */
export class LedgerReplica {
  readonly expiry: HoldExpiry;
  readonly #transfers: TransfersService;
  readonly #standings: StandingsStore;
  readonly #store: TransfersStore;

  constructor(
    private readonly pool: pg.Pool,
    readonly clock: { now: Date },
    readonly run: number,
  ) {
    const now = (): Date => clock.now;
    const outbox = new AuditOutbox({ pool, source: 'accounts' });
    const store = new TransfersStore(pool);
    const posting = new Posting(pool, store, outbox, now, new Registry(), 180);
    this.#store = store;
    this.#standings = new StandingsStore(pool);
    this.expiry = new HoldExpiry(pool, store, posting, now);
    this.#transfers = new TransfersService(store, new AccountsStore(pool), posting, this.expiry, outbox, now);
  }

  /** @returns the resulting status, or the code of the refusal */
  async take(step: Step): Promise<string> {
    try {
      if (step.kind === 'wait') {
        this.clock.now = new Date(this.clock.now.getTime() + step.seconds * 1_000);
        return 'waited';
      }
      const { status } = await (step.kind === 'create'
        ? this.#transfers.create(creationInRun(step, this.run), caller)
        : this.#transfers.end({ ...step, id: inRun(step.id, this.run) }, caller));
      return status;
    } catch (error) {
      if (error instanceof Problem) return error.code;
      throw error;
    }
  }

  /** The model's balance at a past time, and the number of entries before it. */
  async asOf(account: AccountId, time: Date): Promise<{ readonly balance: bigint; readonly entries: number }> {
    const id = inRun(account, this.run);
    const entries = await this.#standings.entries(id, { to: time, limit: 200 }, this.clock.now);
    return { balance: await this.#standings.balanceAsOf(id, time), entries: entries.length };
  }

  /** Whether a hold on the model's account has not ended. */
  hasHolds(account: AccountId): Promise<boolean> {
    const id = inRun(account, this.run);
    return drizzle({ client: this.pool }).transaction((transaction) => this.#store.hasHolds(transaction, id));
  }

  /** Balance and reserved amount of each account of the model, as shown to its owner. */
  async standings(): Promise<readonly string[]> {
    const accounts = await Promise.all(
      modelAccounts.map(({ id }) => this.#standings.find(inRun(id, this.run), this.clock.now)),
    );
    return accounts.flatMap((account) => {
      if (account === undefined) return [];
      const { balance, held } = accountToJson(account);
      return [`${balance.amount}/${held.amount}`];
    });
  }
}

/** The model's accounts, opened again for one run: one database serves many runs. */
export async function openModelAccounts(pool: pg.Pool, run: number): Promise<void> {
  const accounts = modelAccounts.map((account) => ({ ...account, id: inRun(account.id, run) }));
  await drizzle({ client: pool }).insert(accountTable).values(accounts);
}
