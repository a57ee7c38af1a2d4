import { Inject, Injectable } from '@nestjs/common';
import { GroupCommit, type AuditOutbox } from '@countersign/audit-client';
import { uuidv7, type NewAuditEvent, type UnnumberedEvent } from '@countersign/audit-event';
import { AUDIT_OUTBOX, CLOCK, DATABASE, POOL, type Database } from '@countersign/service-host';
import { sql, type SQL } from 'drizzle-orm';
import type pg from 'pg';
import { z } from 'zod';
import { type UsedAssertion } from '../authentication/used-assertions.store.js';
import { type Ground } from '../registry/replica.service.js';
import { TogetherRefused, type FurtherTokens, type Issuing, type Together } from './grants/grant.js';
import { isoTimes } from './iso-time.js';

/** What became of one decision. */
export type Outcome =
  /** The event is durable and the assertion used up: the answer may be sent. */
  | 'committed'
  /** The assertion was used before; nothing was recorded. */
  | 'replayed'
  /** Clients or keys have changed since the decision, or the subject token was revoked; nothing was recorded: decide again. */
  | 'outdated';

/** What a decision rests on, and what would revoke it. */
export interface DecisionGround extends Ground {
  /** Keys of the revocations that would refuse the token that is exchanged; none where none is. */
  readonly against?: readonly string[] | undefined;
}

interface Decided {
  readonly ground: DecisionGround;
  readonly assertion: UsedAssertion | undefined;
  /** The event as JSON. */
  readonly event: string;
  outcome: Outcome;
}

const rowsSchema = z.object({ rows: z.array(z.unknown()) });
const answerSchema = z.object({
  version: z.coerce.number(),
  current: z.array(z.number()),
  used: z.array(z.number()),
});

/**
 * One statement for a whole group: under the condition that the registry is still of the version on whose ground was decided, and that no
 * newer revocation names a token that is exchanged, it uses up the assertions and records the events of those that were fresh. One snapshot sees it all; a crash leaves all or nothing. Of two groups that
 * hold the same assertions one waits for the other, in one order, so that neither waits for ever.
 */
const commitGroup = `
with decided as (
  select n, client_id, jti, expires_at, event
  from jsonb_to_recordset($1::jsonb)
    as d (n int, client_id text, jti text, expires_at float8, known bigint, against text[], event jsonb), registry
  where version = $2 and (against is null or not exists (
    select from revocation r where r.bucket_key = any (against) and r.changed_in > known
  ))
), fresh as (
  insert into client_assertion (client_id, jti, expires_at)
  select client_id, jti, to_timestamp(expires_at) from decided where jti is not null order by client_id, jti
  on conflict do nothing
  returning client_id, jti
), good as (
  select n, event from decided d
  where jti is null or exists (select from fresh f where f.client_id = d.client_id and f.jti = d.jti)
), recorded as (
  insert into audit_outbox (id, event) select (event->>'id')::uuid, event from good order by n
)
select (select version from registry) as version, array(select n from decided) as current,
  array(select n from good) as used`;

/** The same, in a transaction of the caller's. */
function commitOne(row: string, version: number): SQL {
  const [head = '', middle = '', tail = ''] = commitGroup.split(/\$[12]/);
  return sql`${sql.raw(head)}${`[${row}]`}${sql.raw(middle)}${version}${sql.raw(tail)}`;
}

/** One decision as the statement reads it. */
function rowOf({ assertion, event, ground: { against, revocations } }: Decided, n: number): string {
  const { clientId, jti, expiresAt } = assertion ?? {};
  const exchange = against === undefined ? {} : { known: revocations, against };
  const row = JSON.stringify({ n, client_id: clientId, jti, expires_at: expiresAt, ...exchange });
  return `${row.slice(0, -1)},"event":${event}}`;
}

/** Leaves the transaction without a trace of it. */
class NotCommitted extends Error {}

/** What became of a decision that something else must commit with. */
export type OutcomeTogether =
  | { readonly outcome: Outcome; readonly further?: FurtherTokens }
  | { readonly outcome: 'refused'; readonly refusal: TogetherRefused };

/** The record of what the token endpoint decided: durable before anything is answered, concurrent decisions in one commit. */
@Injectable()
export class Issuances {
  readonly #group: GroupCommit<Decided>;
  readonly #timeText = isoTimes();

  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {
    this.#group = new GroupCommit((group) => this.#write(group), { groupLimit: 500, queueLimit: 10_000 });
  }

  /** @throws what the database said: then nothing may be answered but that it failed */
  async commit(ground: DecisionGround, assertion: UsedAssertion | undefined, event: NewAuditEvent): Promise<Outcome> {
    const decided = this.#decided(ground, assertion, event);
    await this.#group.add(decided);
    if (decided.outcome === 'committed') this.outbox.announce(event);
    return decided.outcome;
  }

  /** As {@link commit}, for a decision that something of its grant must commit with: both in one transaction, or neither. */
  async commitWith(
    together: Together,
    issuing: Issuing,
    ground: DecisionGround,
    assertion: UsedAssertion | undefined,
    event: NewAuditEvent,
  ): Promise<OutcomeTogether> {
    const row = rowOf(this.#decided(ground, assertion, event), 0);
    const stopped: { why?: OutcomeTogether } = {};
    const stop = (why: OutcomeTogether): NotCommitted => {
      stopped.why = why;
      return new NotCommitted();
    };
    try {
      const further = await this.database.transaction(async (transaction) => {
        const done = await together.commit(transaction, issuing);
        if (done instanceof TogetherRefused) throw stop({ outcome: 'refused', refusal: done });
        // Last, so that it sees the registry as it is when all of this commits.
        const { rows } = rowsSchema.parse(await transaction.execute(commitOne(row, ground.version)));
        const { current, used } = answerSchema.parse(rows[0]);
        if (current.length === 0) throw stop({ outcome: 'outdated' });
        if (used.length === 0) throw stop({ outcome: 'replayed' });
        return done;
      });
      this.outbox.recorded();
      this.outbox.announce(event);
      return { outcome: 'committed', further };
    } catch (error) {
      if (error instanceof NotCommitted && stopped.why !== undefined) return stopped.why;
      throw error;
    }
  }

  #decided(ground: DecisionGround, assertion: UsedAssertion | undefined, event: NewAuditEvent): Decided {
    const now = this.clock();
    const id = uuidv7(now.getTime());
    const { type, subject, traceparent, data } = event;
    // That it fits the trail's schema, a spec holds for all decisions, so that no token pays for it.
    const complete: UnnumberedEvent = {
      specversion: '1.0',
      id,
      source: 'issuer',
      type,
      time: this.#timeText(now.getTime()),
      subject,
      datacontenttype: 'application/json',
      traceparent,
      data,
    };
    return { ground, assertion, event: JSON.stringify(complete), outcome: 'outdated' };
  }

  /** Records what holds whatever the registry's version. */
  async record(event: NewAuditEvent): Promise<void> {
    await this.outbox.recordDurably(event);
  }

  async #write(group: readonly Decided[]): Promise<void> {
    const version = Math.max(...group.map(({ ground }) => ground.version));
    const seen = new Set<string>();
    const current = group.filter((one) => {
      if (one.ground.version !== version) return false;
      if (one.assertion === undefined) return true;
      const name = `${one.assertion.clientId} ${one.assertion.jti}`;
      const again = seen.has(name);
      seen.add(name);
      if (again) one.outcome = 'replayed';
      return !again;
    });
    const rows = current.map(rowOf);
    const { rows: answers } = await this.pool.query({
      name: 'commit-issuances',
      text: commitGroup,
      values: [`[${rows.join(',')}]`, version],
    });
    const answer = answerSchema.parse(answers[0]);
    if (answer.version !== version) return;
    this.outbox.recorded();
    const [still, good] = [new Set(answer.current), new Set(answer.used)];
    current.forEach((one, n) => {
      if (still.has(n)) one.outcome = good.has(n) ? 'committed' : 'replayed';
    });
  }
}
