import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { principalOf } from '@countersign/audit-event';
import { type Principal } from '@countersign/auth-core';
import { AUDIT_OUTBOX, CLOCK, POOL, auditRequest, type RequestTrace } from '@countersign/service-host';
import type pg from 'pg';
import { CHECK_SECONDS_LIMIT } from '../limits.js';
import { invariants, questionOf, type Fault, type InvariantsJson } from './invariants.js';

interface Counts {
  readonly accounts: number;
  readonly transfers: number;
  readonly entries: number;
}

const lockName = 'countersign.ledger-check';

const countAll = `select (select count(*) from account)::int as accounts, (select count(*) from transfer)::int as transfers,
  (select count(*) from entry)::int as entries`;

/** Asks the database whether the ledger is whole, all questions of one snapshot. */
@Injectable()
export class InvariantsService {
  #running: Promise<InvariantsJson> | undefined;

  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async check(caller: Principal, trace: RequestTrace): Promise<InvariantsJson> {
    const answer = await this.#askOnce();
    const broken = answer.invariants.filter(({ ok }) => !ok).map(({ name }) => name);
    await this.outbox.recordDurably({
      type: 'countersign.accounts.invariants.checked.v1',
      subject: 'ledger',
      traceparent: trace.traceparent,
      data: {
        principal: principalOf(caller),
        txn: caller.txn,
        action: 'ledger:check',
        resource: 'ledger',
        outcome: 'allowed',
        request: auditRequest(trace),
        changes: { ok: answer.ok, broken },
      },
    });
    return answer;
  }

  /** One at a time, because each reads every entry: who asks meanwhile gets the answer of the one that runs. */
  #askOnce(): Promise<InvariantsJson> {
    this.#running ??= this.#ask().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #ask(): Promise<InvariantsJson> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('begin isolation level repeatable read read only');
      await client.query(`set local statement_timeout = ${String(CHECK_SECONDS_LIMIT * 1_000)}`);
      const checkedAt = this.clock();
      // Replicas take turns. The snapshot is of before the wait.
      await client.query('select pg_advisory_xact_lock(hashtext($1))', [lockName]);
      const counts = (await client.query<Counts>(countAll)).rows[0] ?? { accounts: 0, transfers: 0, entries: 0 };
      const answers = [];
      for (const invariant of invariants) {
        const { rows } = await client.query<{ count: number; shown: readonly Fault[] }>(questionOf(invariant));
        const { count, shown } = rows[0] ?? { count: 0, shown: [] };
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
