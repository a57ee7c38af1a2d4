import { Inject, Injectable } from '@nestjs/common';
import { type UnnumberedEvent } from '@countersign/audit-event';
import { type Reach } from '@countersign/auth-core';
import { POOL, type Transaction } from '@countersign/service-host';
import { and, arrayContains, eq } from 'drizzle-orm';
import type pg from 'pg';
import { z } from 'zod';
import { accountOf, type AccountRow } from '../accounts/account-row.js';
import { type Account, type AccountId } from '../accounts/account.js';
import { type Decision } from './decision.js';
import { type ListTransfers } from './transfer-list.js';
import { transferOf, transferRowSchema, type TransferRow } from './transfer-rows.js';
import { accountsOf, type Transfer, type TransferId } from './transfer.js';
import { holdTable } from './transfers.tables.js';

/** What executes statements: the pool, or one connection in a transaction. */
export type Queryable = Pick<pg.Pool, 'query'>;

/** Columns of a transfer with its legs and hold, a {@link TransferRow}; `transfer` is named t, `hold` h. */
const transferColumns = `
  t.id, t.reference, t.metadata, t.corrects, t.subject, t.client_id, t.actors, t.txn, t.posted_at,
  (select json_agg(json_build_array(l.debit_account, l.credit_account, l.amount::text, l.currency) order by l.number)
   from leg l where l.transfer_id = t.id) as legs,
  h.status, h.expires_at, h.posted_amount, h.ended_at, h.ended_by_subject, h.ended_by_client_id, h.ended_by_actors, h.ended_by_txn`;

/** In the order of their ids, so that concurrent batches never deadlock. */
const lockAccounts = {
  name: 'ledger.lock-accounts',
  text: 'select * from account where id = any($1::uuid[]) order by id for no key update',
};

const findTransfers = {
  name: 'ledger.find-transfers',
  text: `select ${transferColumns} from transfer t left join hold h on h.transfer_id = t.id
    where t.id = any($1::uuid[]) or t.corrects = any($2::uuid[])`,
};

/** Each side of the union reads one page of its index, however many transfers there are. */
const listTransfers = `
  select ${transferColumns} from (
    (select id from transfer where subject = $1 and ($3::uuid is null or id > $3) order by id limit $4) union
    (select id from transfer where client_id = $2 and ($3::uuid is null or id > $3) order by id limit $4)
    order by id limit $4
  ) as page join transfer t on t.id = page.id left join hold h on h.transfer_id = t.id order by t.id`;

const findOverdue = `
  select ${transferColumns} from hold h join transfer t on t.id = h.transfer_id
  where h.status = 'held' and h.expires_at <= $1 and ($3::uuid[] is null or h.accounts && $3)
  order by h.expires_at limit $2`;

/**
 * Everything that a batch of decisions writes, as one statement. It divides by zero, and so writes nothing, if it finds other holds or accounts
 * than were locked.
 */
const writeDecisions = {
  name: 'ledger.write-decisions',
  text: `
    with made as (
      insert into transfer (id, reference, metadata, corrects, subject, client_id, actors, txn, posted_at)
      select id, reference, metadata, corrects, subject, client_id, actors, txn, posted_at from jsonb_to_recordset($1::jsonb)
        as t(id uuid, reference text, metadata jsonb, corrects uuid, subject text, client_id text, actors text[], txn text, posted_at timestamptz)
    ), legs as (
      insert into leg (transfer_id, number, debit_account, credit_account, amount, currency)
      select * from jsonb_to_recordset($2::jsonb)
        as l(transfer_id uuid, number smallint, debit_account uuid, credit_account uuid, amount bigint, currency char(3))
    ), held as (
      insert into hold (transfer_id, status, expires_at, accounts)
      select * from jsonb_to_recordset($3::jsonb) as h(transfer_id uuid, status text, expires_at timestamptz, accounts uuid[])
    ), ended as (
      update hold set status = e.status, posted_amount = e.posted_amount, ended_at = e.ended_at, ended_by_subject = e.subject,
        ended_by_client_id = e.client_id, ended_by_actors = e.actors, ended_by_txn = e.txn
      from jsonb_to_recordset($4::jsonb) as e(transfer_id uuid, status text, posted_amount bigint, ended_at timestamptz,
        subject text, client_id text, actors text[], txn text)
      where hold.transfer_id = e.transfer_id and hold.status = 'held'
      returning 1
    ), entries as (
      insert into entry (transfer_id, leg, account_id, side, amount, balance_after, posted_at)
      select * from jsonb_to_recordset($5::jsonb)
        as e(transfer_id uuid, leg smallint, account_id uuid, side text, amount bigint, balance_after bigint, posted_at timestamptz)
    ), balances as (
      update account set credits_minus_debits = b.sum, held = b.held, changed_at = b.changed_at
      from jsonb_to_recordset($6::jsonb) as b(id uuid, sum bigint, held bigint, changed_at timestamptz)
      where account.id = b.id
      returning 1
    ), events as (
      insert into audit_outbox_group (events, count) select $7, $10 where $10 > 0
    )
    select 1 / ((select count(*) from ended) = $8 and (select count(*) from balances) = $9)::int as as_decided`,
};

/** A decision of this batch with its events. */
export interface Written {
  readonly decision: Decision;
  readonly events: readonly UnnumberedEvent[];
}

/** Rows for the statement's six sets of JSON; an account is written once, in its final state. */
function rowsOf(written: readonly Written[]): readonly string[] {
  const created = new Map<TransferId, Transfer>();
  const ended = new Map<TransferId, Transfer>();
  const accounts = new Map<AccountId, Account>();
  for (const { decision } of written) {
    const { change, transfer } = decision;
    if (change === 'created') created.set(transfer.id, transfer);
    if (change === 'ended') ended.set(transfer.id, transfer);
    for (const account of decision.accounts.values()) accounts.set(account.id, account);
  }
  const transfers = [...created.values()];
  return [
    transfers.map(({ id, reference, metadata, corrects, origin, madeAt }) => ({
      id,
      reference,
      metadata,
      corrects,
      subject: origin.subject,
      client_id: origin.clientId,
      actors: origin.actors,
      txn: origin.txn,
      posted_at: madeAt,
    })),
    transfers.flatMap(({ id, legs }) =>
      legs.map((leg, number) => ({
        transfer_id: id,
        number,
        debit_account: leg.debitAccount,
        credit_account: leg.creditAccount,
        amount: leg.amount.toString(),
        currency: leg.currency,
      })),
    ),
    transfers.flatMap(({ id, hold, legs }) =>
      hold === null
        ? []
        : [
            {
              transfer_id: id,
              status: hold.status,
              expires_at: hold.expiresAt,
              accounts: [...new Set(accountsOf(legs))],
            },
          ],
    ),
    [...ended.values()].map(({ id, hold }) => ({
      transfer_id: id,
      status: hold?.status,
      posted_amount: hold?.postedAmount?.toString(),
      ended_at: hold?.endedAt,
      subject: hold?.endedBy?.subject,
      client_id: hold?.endedBy?.clientId,
      actors: hold?.endedBy?.actors,
      txn: hold?.endedBy?.txn,
    })),
    written.flatMap(({ decision: { transfer, entries } }) =>
      entries.map((entry) => ({
        transfer_id: transfer.id,
        leg: entry.leg,
        account_id: entry.accountId,
        side: entry.side,
        amount: entry.amount.toString(),
        balance_after: entry.balanceAfter.toString(),
        posted_at: transfer.hold?.endedAt ?? transfer.madeAt,
      })),
    ),
    [...accounts.values()].map((account) => ({
      id: account.id,
      sum: account.creditsMinusDebits.toString(),
      held: account.held.toString(),
      changed_at: account.changedAt,
    })),
  ].map((rows) => JSON.stringify(rows));
}

@Injectable()
export class TransfersStore {
  constructor(@Inject(POOL) private readonly pool: pg.Pool) {}

  async begin(on: Queryable): Promise<void> {
    await on.query('begin');
  }

  async commit(on: Queryable): Promise<void> {
    await on.query('commit');
  }

  async rollBack(on: Queryable): Promise<void> {
    await on.query('rollback');
  }

  /** Those of these accounts that exist, locked until the transaction ends. */
  async lock(on: Queryable, ids: readonly AccountId[]): Promise<Map<AccountId, Account>> {
    const { rows } = await on.query<AccountRow>({ ...lockAccounts, values: [ids] });
    return new Map(rows.map(accountOf).map((account) => [account.id, account]));
  }

  /** The transfers under these ids, and all that correct one of `corrected`. */
  async find(
    ids: readonly TransferId[],
    corrected: readonly TransferId[] = [],
    on: Queryable = this.pool,
  ): Promise<readonly Transfer[]> {
    const { rows } = await on.query<TransferRow>({ ...findTransfers, values: [ids, corrected] });
    return rows.map(transferOf);
  }

  /** Transfers within reach in the order of their ids; one more than the page holds, if there are more. */
  async list({ subject, clientId }: Reach, { cursor, limit }: ListTransfers): Promise<readonly Transfer[]> {
    const values = [subject, clientId ?? null, cursor ?? null, limit + 1];
    const { rows } = await this.pool.query(listTransfers, values);
    return z.array(transferRowSchema).parse(rows).map(transferOf);
  }

  /** Holds past their time that are not yet ended, longest overdue first; those on `accounts`, or all. */
  async overdue(now: Date, limit: number, accounts: readonly AccountId[] | null = null): Promise<readonly Transfer[]> {
    const { rows } = await this.pool.query(findOverdue, [now, limit, accounts]);
    return z.array(transferRowSchema).parse(rows).map(transferOf);
  }

  /** Whether the account, on either side, has an open hold. */
  async hasHolds(transaction: Transaction, id: AccountId): Promise<boolean> {
    const found = await transaction
      .select({ id: holdTable.transferId })
      .from(holdTable)
      .where(and(eq(holdTable.status, 'held'), arrayContains(holdTable.accounts, [id])))
      .limit(1);
    return found.length > 0;
  }

  /** Writes all decisions or, on an error, nothing. */
  async write(on: Queryable, written: readonly Written[]): Promise<void> {
    const ended = written.filter(({ decision }) => decision.change === 'ended').length;
    const accounts = new Set(written.flatMap(({ decision }) => [...decision.accounts.keys()])).size;
    const events = written.flatMap((one) => one.events.map((event) => JSON.stringify(event)));
    const values = [...rowsOf(written), events.join('\n'), ended, accounts, events.length];
    await on.query({ ...writeDecisions, values });
  }
}
