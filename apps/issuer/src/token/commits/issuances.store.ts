import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type NewAuditEvent } from '@countersign/audit-event';
import { AUDIT_OUTBOX, CLOCK, Groups, Later, POOL, type Served } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { type UsedAssertion } from '../../authentication/used-assertions.store.js';
import { isProven, useProofs, type UsedProof } from '../../authentication/used-proofs.store.js';
import {
  namesOf,
  newestVersion,
  NamedOnce,
  usedUpBy,
  usedUpColumns,
  type Decided,
  type DecisionGround,
  type Outcome,
} from './decided.js';
import { eventsOf, recordGroup } from './record-group.store.js';

/** A decision by itself, with what else it uses up. */
interface Issuance extends Decided {
  /** The assertion of another issuer that the token is for. */
  readonly brought?: UsedAssertion | undefined;
}

/** `brought`: what the token is for was used before; the client's own assertion is used up all the same. */
type IssuanceOutcome = Outcome | 'brought';

const answerSchema = z.object({
  version: z.coerce.number(),
  current: z.array(z.number()),
  proven: z.array(z.number()),
  fresh: z.array(z.number()),
  used: z.array(z.number()),
});

/**
 * One statement for a whole group: under the condition that the registry is still of the version on whose ground was decided, and that no
 * newer revocation names a token that is exchanged, it uses up the proofs and the assertions and records the events of those that were fresh. One snapshot sees it all; a crash leaves all or nothing. Of two groups that
 * hold the same of these one waits for the other, in one order, so that neither waits forever.
 */
const commitGroup = `
with decided as (
  select d.*
  from jsonb_to_recordset($1::jsonb)
    as d (n int, ${usedUpColumns}, by_issuer text, brought text, brought_until float8, known bigint, against text[]), registry
  where version = $2 and (against is null or not exists (
    select from revocation r where r.bucket_key = any (against) and r.changed_in > known
  ))
), proven as (${useProofs('decided where true')}
), asked as (
  select * from decided d where ${isProven('d')}
), used as (
  insert into client_assertion (client_id, jti, expires_at)
  select client_id, jti, to_timestamp(expires_at) from asked where jti is not null
  union all select by_issuer, brought, to_timestamp(brought_until) from asked where brought is not null
  order by 1, 2
  on conflict do nothing
  returning client_id, jti
), fresh as (
  select n, by_issuer, brought from asked d
  where jti is null or exists (select from used u where u.client_id = d.client_id and u.jti = d.jti)
), good as (
  select n from fresh f
  where brought is null or exists (select from used u where u.client_id = f.by_issuer and u.jti = f.brought)
), recorded as (
${recordGroup('$3')}
)
select (select version from registry) as version, array(select n from decided) as current,
  array(select n from asked) as proven, array(select n from fresh) as fresh, array(select n from good) as used`;

/** One decision as the statement reads it. */
function rowOf(issuance: Issuance, n: number): object {
  const { ground, brought } = issuance;
  const exchange = ground.against === undefined ? {} : { known: ground.revocations, against: ground.against };
  const also =
    brought === undefined
      ? {}
      : { by_issuer: brought.clientId, brought: brought.jti, brought_until: brought.expiresAt };
  return { n, ...usedUpBy(issuance), ...exchange, ...also };
}

const used = (issuance: Issuance): readonly string[] => namesOf(issuance, issuance.brought);

/** The record of what the token endpoint decided: durable before anything is answered, concurrent decisions in one commit. */
@Injectable()
export class Issuances {
  readonly #group = new Groups<Issuance, IssuanceOutcome>((group) => this.#write(group), { namesOf: used });

  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** A decision as it is committed. */
  decided(
    ground: DecisionGround,
    { assertion, proof }: { readonly assertion?: UsedAssertion | undefined; readonly proof?: UsedProof | undefined },
    event: NewAuditEvent,
  ): Decided {
    return { ground, assertion, proof, event: this.outbox.prepareText(event, this.clock()) };
  }

  /** @throws what the database said: then nothing may be answered but that it failed */
  async commit(decided: Decided): Promise<Outcome> {
    const outcome = await this.#group.run(decided);
    return outcome === 'brought' ? 'outdated' : outcome;
  }

  /** Like {@link commit}, for a token that another issuer's assertion is used up for. */
  commitWith(decided: Decided, brought: UsedAssertion): Promise<IssuanceOutcome> {
    return this.#group.run({ ...decided, brought });
  }

  /** Announces a committed event. */
  announce(event: NewAuditEvent): void {
    this.outbox.announce(event);
  }

  /** Records what holds whatever the registry's version. */
  async record(event: NewAuditEvent): Promise<void> {
    await this.outbox.recordDurably(event);
  }

  async #write(group: readonly Issuance[]): Promise<readonly Served<IssuanceOutcome>[]> {
    const version = newestVersion(group);
    const named = new NamedOnce();
    const results: Served<IssuanceOutcome>[] = group.map(() => ({ result: 'outdated' }));
    const rows: object[] = [];
    group.forEach((one, n) => {
      if (one.ground.version !== version) return;
      if (named.take(used(one))) rows.push(rowOf(one, n));
      else results[n] = new Later();
    });
    const { rows: answers } = await this.pool.query({
      name: 'commit-issuances',
      text: commitGroup,
      values: [JSON.stringify(rows), version, eventsOf(group)],
    });
    const answer = answerSchema.parse(answers[0]);
    if (answer.version !== version) return results;
    this.outbox.recorded();
    for (const n of answer.current) results[n] = { result: 'proof_replayed' };
    for (const n of answer.proven) results[n] = { result: 'replayed' };
    for (const n of answer.fresh) results[n] = { result: 'brought' };
    for (const n of answer.used) results[n] = { result: 'committed' };
    return results;
  }
}
