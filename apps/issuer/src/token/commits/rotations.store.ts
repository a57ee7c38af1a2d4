import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, CLOCK, Groups, Later, POOL, type Served } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { useReadyAssertions } from '../../authentication/used-assertions.store.js';
import { isProven, useProofs } from '../../authentication/used-proofs.store.js';
import { type DelegationId } from '../../delegations/delegation.js';
import { planUses, type FamilyPlan, type FamilyUse } from '../../refresh/family-uses.js';
import { REFRESH_TIMES, type RefreshTimes } from '../../refresh/rotation.js';
import { SESSION_TIMES, type SessionTimes } from '../../sessions/session.js';
import { liveSession, liveSince } from '../../sessions/sessions.store.js';
import {
  HELD_MS,
  namesOf,
  newestVersion,
  NamedOnce,
  usedUpBy,
  usedUpColumns,
  type Decided,
  type Outcome,
} from './decided.js';
import { eventsOf, recordGroup } from './record-group.store.js';

/** A use of a refresh token, with the record of the access token that it brings. */
export interface Rotation extends Decided, FamilyUse {
  /** The session that must still go on; none where the person allowed the application to act while they are away. */
  readonly sessionId: string | undefined;
}

/** Why a use yields nothing. */
export type NotRotated =
  'DELEGATION_ENDED' | 'SESSION_ENDED' | 'REFRESH_TOKEN_EXPIRED' | 'REFRESH_TOKEN_REPLAYED' | 'REFRESH_TOKEN_UNKNOWN';

export type RotationOutcome =
  | { readonly outcome: Exclude<Outcome, 'committed'> }
  | { readonly outcome: 'refused'; readonly refused: NotRotated }
  /** The token of this generation is the one that works now; `again`: another use had made it. */
  | { readonly outcome: 'committed'; readonly generation: number; readonly again: boolean };

interface Waiting {
  readonly rotation: Rotation;
  /** What is known of its family by now. */
  use: FamilyUse;
}

const rowSchema = z.object({
  n: z.number(),
  state: z.enum(['held', 'moved', 'DELEGATION_ENDED', 'SESSION_ENDED', 'ready']),
  proven: z.boolean(),
  good: z.boolean(),
  /** The first of the good ones of its family. */
  first: z.boolean(),
  generation: z.number().nullable(),
  rotations: z.array(z.number()).nullable(),
});
type Row = z.infer<typeof rowSchema>;
const rowsSchema = z.array(rowSchema);

/**
 * One statement for a whole group of uses: each family advances to its planned generation, provided that it still is what the plan rests on and that
 * a use of it is good; the clients' assertions and proofs are used up and the events recorded, for each use by itself. It never waits for a row that another
 * transaction holds, so no order of locks can bring it to a standstill; such a use is tried again a moment later, and one whose family has moved on
 * is planned again.
 *
 * A lock gives the newest row, whatever the snapshot shows. Until the commit neither the delegation nor the session ends.
 */
const rotateGroup = `
with asked as materialized (
  select i.* from jsonb_to_recordset($1::jsonb) as i (n int, ${usedUpColumns}, family uuid,
    session_id uuid, expected int), registry r
  where r.version = $2
), kept as materialized (
  select delegation_id, generation, rotations from refresh_family where delegation_id = any ($4::uuid[]) for update skip locked
), granted as materialized (
  select id, ended_at from delegation where id = any ($4::uuid[]) for share skip locked
), signed_in as materialized (
  select id, ${liveSession('$6', '$7')} as live from session where id = any ($5::uuid[]) for share skip locked
), judged as materialized (
  select a.*, k.generation, k.rotations, case
      when d.ended_at is not null then 'DELEGATION_ENDED'
      when k.delegation_id is null and not exists (select from refresh_family x where x.delegation_id = a.family) then 'DELEGATION_ENDED'
      when d.id is null or k.delegation_id is null then 'held'
      when a.session_id is not null and s.live is not true then
        case when s.id is null and exists (select from session x where x.id = a.session_id) then 'held' else 'SESSION_ENDED' end
      when k.generation <> a.expected then 'moved'
      else 'ready'
    end as state
  from asked a left join kept k on k.delegation_id = a.family left join granted d on d.id = a.family
    left join signed_in s on s.id = a.session_id
), proven as (${useProofs("judged where state = 'ready'")}
), used as (${useReadyAssertions}
), good as materialized (
  select n, family, n = min(n) over (partition by family) as first from judged j where state = 'ready' and ${isProven('j')}
    and (jti is null or exists (select from used u where u.client_id = j.client_id and u.jti = j.jti))
), rotated as (
  update refresh_family f set generation = p.next, rotations = p.rotations, used_at = date_trunc('hour', $8::timestamptz)
  from jsonb_to_recordset($3::jsonb) as p (family uuid, next int, rotations jsonb)
  where f.delegation_id = p.family and p.family in (select family from good)
), recorded as (
${recordGroup('$9')}
)
select j.n, j.state, ${isProven('j')} as proven, g.n is not null as good, g.n is not null and g.first as first,
  case state when 'moved' then generation end as generation, case state when 'moved' then rotations end as rotations
from judged j left join good g on g.n = j.n`;

/** One use as the statement reads it. */
function rowOf({ rotation, use }: Waiting, { family }: FamilyPlan, n: number): object {
  const ofUse = { family: use.delegationId, session_id: rotation.sessionId, expected: family.generation };
  return { n, ...usedUpBy(rotation), ...ofUse };
}

const refusals = {
  expired: 'REFRESH_TOKEN_EXPIRED',
  replayed: 'REFRESH_TOKEN_REPLAYED',
  unknown: 'REFRESH_TOKEN_UNKNOWN',
} as const;

function refusalOf({ verdict: { kind } }: FamilyPlan): NotRotated | undefined {
  return kind === 'rotated' || kind === 'again' ? undefined : refusals[kind];
}

/** What a row says of its use, by the plan on which it was asked. */
function servedOf(one: Waiting, row: Row, plan: FamilyPlan): Served<RotationOutcome> {
  const { state, proven, good, first, generation, rotations } = row;
  if (state === 'held') return new Later(HELD_MS);
  if (state === 'moved') {
    const { family } = one.use;
    const now = { generation: generation ?? family.generation, rotations: rotations ?? family.rotations };
    one.use = { ...one.use, family: { ...family, ...now } };
    return new Later();
  }
  if (state !== 'ready') return { result: { outcome: 'refused', refused: state } };
  if (!proven) return { result: { outcome: 'proof_replayed' } };
  if (!good) return { result: { outcome: 'replayed' } };
  const { verdict, family } = plan;
  return verdict.kind === 'rotated'
    ? { result: { outcome: 'committed', generation: verdict.family.generation, again: !first } }
    : { result: { outcome: 'committed', generation: family.generation, again: true } };
}

/** Uses of refresh tokens: of many of one token, at all replicas together, one makes its successor, and all get it. */
@Injectable()
export class Rotations {
  readonly #group = new Groups<Waiting, RotationOutcome>((group) => this.#write(group), {
    namesOf: ({ rotation }) => namesOf(rotation, rotation.delegationId),
  });

  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(REFRESH_TIMES) private readonly times: RefreshTimes,
    @Inject(SESSION_TIMES) private readonly sessions: SessionTimes,
  ) {}

  /** @throws what the database said: then nothing may be answered but that it failed */
  rotate(rotation: Rotation): Promise<RotationOutcome> {
    return this.#group.run({ rotation, use: rotation });
  }

  async #write(group: readonly Waiting[]): Promise<readonly Served<RotationOutcome>[]> {
    const version = newestVersion(group.map(({ rotation }) => rotation));
    const now = this.clock();
    const plans = planUses(
      group.map(({ use }) => use),
      now.getTime(),
      this.times,
    );
    const named = new NamedOnce();
    const results: Served<RotationOutcome>[] = group.map(() => ({ result: { outcome: 'outdated' } }));
    const asked: object[] = [];
    const families = new Map<DelegationId, FamilyPlan>();
    const sessions = new Set<string>();
    group.forEach((one, n) => {
      const { rotation, use } = one;
      if (rotation.ground.version !== version) return;
      const plan = plans.get(use.delegationId);
      const refused = plan === undefined ? undefined : refusalOf(plan);
      if (plan?.presented !== use.generation) results[n] = new Later();
      else if (refused !== undefined) results[n] = { result: { outcome: 'refused', refused } };
      else if (!named.take(namesOf(rotation))) results[n] = new Later();
      else {
        asked.push(rowOf(one, plan, n));
        families.set(use.delegationId, plan);
        if (rotation.sessionId !== undefined) sessions.add(rotation.sessionId);
      }
    });
    if (asked.length === 0) return results;
    const next = [...families].flatMap(([family, { verdict }]) =>
      verdict.kind === 'rotated'
        ? [{ family, next: verdict.family.generation, rotations: verdict.family.rotations }]
        : [],
    );
    const { seenAfter, createdAfter } = liveSince(now, this.sessions);
    const names = [[...families.keys()], [...sessions]];
    const answer = await this.pool.query({
      name: 'rotate',
      text: rotateGroup,
      values: [
        ...[JSON.stringify(asked), version, JSON.stringify(next), ...names, seenAfter, createdAfter, now],
        eventsOf(group.map(({ rotation }) => rotation)),
      ],
    });
    const rows = rowsSchema.parse(answer.rows);
    for (const row of rows) {
      const one = group[row.n];
      const plan = one === undefined ? undefined : families.get(one.use.delegationId);
      if (one !== undefined && plan !== undefined) results[row.n] = servedOf(one, row, plan);
    }
    if (rows.some(({ good }) => good)) this.outbox.recorded();
    return results;
  }
}
