import { Inject, Injectable } from '@nestjs/common';
import { limitStatements, POOL } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { CHECK_SECONDS_LIMIT, FAULTS_SHOWN_LIMIT } from '../limits.js';
import { type InvariantsJson } from './invariants.js';

export interface Invariant {
  readonly name: string;
  readonly holds: string;
  /** Yields a row (`where`, `expected`, `found`) for each fault. */
  readonly faults: string;
}

const signed = `case e.side when 'credit' then e.amount else -e.amount end`;
const normal = `case when a.kind in ('asset', 'expense') then -a.credits_minus_debits else a.credits_minus_debits end`;
const taken = `(case when a.kind in ('asset', 'expense') then l.credit_account else l.debit_account end) = a.id`;

/** What moved from one owner's accounts to another's. */
const crossed = `
  select d.owner as "from", c.owner as "to", c.currency, sum(credit.amount) as sum
  from entry credit join entry debit on (debit.transfer_id, debit.leg, debit.side) = (credit.transfer_id, credit.leg, 'debit')
    join account c on c.id = credit.account_id join account d on d.id = debit.account_id
  where credit.side = 'credit' and c.owner <> d.owner group by 1, 2, 3`;

/** The ledger's invariants: each is one query to its database. */
export const invariants: readonly Invariant[] = [
  {
    name: 'sums_zero',
    holds: 'all entries of a currency, credits less debits, sum to zero',
    faults: `select a.currency as "where", '0' as expected, sum(${signed})::text as found
      from entry e join account a on a.id = e.account_id group by a.currency having sum(${signed}) <> 0`,
  },
  {
    name: 'balances_are_sums',
    holds: 'each balance is the sum of its entries',
    faults: `select a.id as "where", coalesce(s.sum, 0)::text as expected, a.credits_minus_debits::text as found
      from account a left join (select e.account_id, sum(${signed}) as sum from entry e group by e.account_id) s on s.account_id = a.id
      where a.credits_minus_debits <> coalesce(s.sum, 0)`,
  },
  {
    name: 'running_balances',
    holds: 'each entry carries the sum of all entries of its account up to it',
    faults: `select position::text as "where", running::text as expected, balance_after::text as found from (
        select e.position, e.balance_after, sum(${signed}) over (partition by e.account_id order by e.posted_at, e.position) as running
        from entry e) r
      where balance_after <> running`,
  },
  {
    name: 'available_within_limit',
    holds: "each account's available balance is not below its overdraft limit",
    faults: `select a.id as "where", (-a.overdraft_limit)::text as expected, ((${normal}) - a.held)::text as found
      from account a where a.overdraft <> 'allowed' and (${normal}) - a.held < -a.overdraft_limit`,
  },
  {
    name: 'held_is_held',
    holds: 'the amount reserved on each account is the sum of its holds that have not ended',
    faults: `select a.id as "where", coalesce(s.sum, 0)::text as expected, a.held::text as found
      from account a left join (
        select a.id, sum(l.amount) as sum from hold h join leg l on l.transfer_id = h.transfer_id join account a on ${taken}
        where h.status = 'held' group by a.id) s on s.id = a.id
      where a.held <> coalesce(s.sum, 0)`,
  },
  {
    name: 'transfers_moved_their_legs',
    holds: 'each posted transfer has two entries per leg, every other transfer has none',
    faults: `select t.id as "where", expected.entries::text as expected, found.entries::text as found
      from transfer t left join hold h on h.transfer_id = t.id
      cross join lateral (
        select case when coalesce(h.status, 'posted') = 'posted' then coalesce(json_agg(json_build_array(l.number, side.name, side.account,
          coalesce(h.posted_amount, l.amount)) order by l.number, side.name), '[]') else '[]' end as entries
        from leg l cross join lateral (values ('credit', l.credit_account), ('debit', l.debit_account)) side(name, account)
        where l.transfer_id = t.id) expected
      cross join lateral (
        select coalesce(json_agg(json_build_array(e.leg, e.side, e.account_id, e.amount) order by e.leg, e.side), '[]') as entries
        from entry e where e.transfer_id = t.id) found
      where expected.entries::text <> found.entries::text`,
  },
  {
    name: 'given_as_granted',
    holds: "no owner's accounts hold more than they received, less what they paid, plus what they may overdraw",
    faults: `select s.owner || ' ' || s.currency as "where",
        format('%s: %s came in, %s went out, %s granted', s.came_in - s.went_out + s.granted, s.came_in, s.went_out, s.granted) as expected,
        s.has || coalesce(', by accounts that nobody granted it to: ' || array_to_string(s.ungranted[1:3], ', '), '') as found
      from (
        select a.owner, a.currency, coalesce(i.sum, 0) as came_in, coalesce(o.sum, 0) as went_out, a.granted, a.has, a.ungranted
        from (
          select owner, currency, sum(greatest(credits_minus_debits, 0)) as has,
            coalesce(sum(greatest(-credits_minus_debits, 0)) filter (where granted_by is not null), 0) as granted,
            array_agg(id order by id) filter (where granted_by is null and credits_minus_debits < 0) as ungranted
          from account group by owner, currency) a
        left join (select "to" as owner, currency, sum(sum) from (${crossed}) c group by 1, 2) i on (i.owner, i.currency) = (a.owner, a.currency)
        left join (select "from" as owner, currency, sum(sum) from (${crossed}) c group by 1, 2) o on (o.owner, o.currency) = (a.owner, a.currency)
      ) s where s.has > s.came_in - s.went_out + s.granted`,
  },
  {
    name: 'corrections_within_original',
    holds: 'no transfer is corrected by more than it moved',
    faults: `select t.id as "where", moved.sum::text as expected, back.sum::text as found
      from (select distinct corrects from transfer where corrects is not null) c join transfer t on t.id = c.corrects
      cross join lateral (select coalesce(sum(e.amount), 0) as sum from entry e where e.transfer_id = t.id and e.side = 'debit') moved
      cross join lateral (
        select coalesce(sum(e.amount), 0) as sum from entry e join transfer r on r.id = e.transfer_id
        where r.corrects = t.id and e.side = 'debit') back
      where back.sum > moved.sum`,
  },
];

/** The query for one invariant: the number of faults, and the first of them. */
export function questionOf({ faults }: Invariant): string {
  return `with fault as (${faults}) select (select count(*) from fault)::int as count, coalesce((
    select json_agg(shown) from (select "where", expected, found from fault limit ${String(FAULTS_SHOWN_LIMIT)}) shown), '[]') as shown`;
}

const countRows = z.tuple([z.object({ accounts: z.number(), transfers: z.number(), entries: z.number() })]);
const faultRows = z.tuple([
  z.object({
    count: z.number(),
    shown: z.array(z.object({ where: z.string(), expected: z.string(), found: z.string() })),
  }),
]);

const lockName = 'countersign.ledger-check';

const countAll = `select (select count(*) from account)::int as accounts, (select count(*) from transfer)::int as transfers,
  (select count(*) from entry)::int as entries`;

@Injectable()
export class InvariantsStore {
  constructor(@Inject(POOL) private readonly pool: pg.Pool) {}

  /** All queries, in one snapshot. @param clock read just before the snapshot is taken */
  async ask(clock: () => Date): Promise<InvariantsJson> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('begin isolation level repeatable read read only');
      await limitStatements(client, CHECK_SECONDS_LIMIT * 1_000);
      const checkedAt = clock();
      // Replicas take turns. The snapshot is from before the wait.
      await client.query('select pg_advisory_xact_lock(hashtext($1))', [lockName]);
      const [counts] = countRows.parse((await client.query(countAll)).rows);
      const answers = [];
      for (const invariant of invariants) {
        const [{ count, shown }] = faultRows.parse((await client.query(questionOf(invariant))).rows);
        answers.push({ name: invariant.name, holds: invariant.holds, ok: count === 0, faults: count, shown });
      }
      await client.query('commit');
      return { ok: answers.every(({ ok }) => ok), checked_at: checkedAt.toISOString(), ...counts, invariants: answers };
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      throw broken;
    } finally {
      client.release(broken);
    }
  }
}
