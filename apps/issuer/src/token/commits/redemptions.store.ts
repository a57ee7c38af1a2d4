import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, CLOCK, Groups, Later, POOL, type Served } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { useReadyAssertions } from '../../authentication/used-assertions.store.js';
import { isProven, useProofs } from '../../authentication/used-proofs.store.js';
import { type NewDelegation } from '../../delegations/delegation.js';
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

/** What is redeemed: a code by its digest, or the approval of a device. */
export type Redeemed = { readonly code: string } | { readonly device: string };

/** The beginning of a delegation, with the record of its first token. */
export interface Redemption extends Decided {
  readonly of: Redeemed;
  readonly delegation: NewDelegation;
  /** The event of the beginning, as JSON. */
  readonly begun: string;
  /** Of the family of refresh tokens that begins with it; none where none does. */
  readonly salt: string | undefined;
}

/** Why nothing began: what would be redeemed was redeemed before, revoked or has expired, or the session in which it was allowed has ended. */
export type NotRedeemed = 'USED' | 'WITHDRAWN' | 'EXPIRED' | 'SESSION_ENDED';
export type RedemptionOutcome = Outcome | NotRedeemed;

const rowsSchema = z.array(
  z.object({
    n: z.number(),
    state: z.enum(['held', 'USED', 'WITHDRAWN', 'EXPIRED', 'SESSION_ENDED', 'ready']),
    proven: z.boolean(),
    good: z.boolean(),
  }),
);

/**
 * One statement for a whole group of redemptions: what is redeemed is used up, its delegation and the family of its refresh tokens begin, the
 * client's assertion and its proof are used up, and both events are recorded, for each of the group by itself. It never waits for a row that another
 * transaction holds, so no order of locks can bring it to a standstill; such a redemption is tried again a moment later.
 *
 * A lock gives the newest row, whatever the snapshot shows: a code that another replica redeemed in the meantime is seen as used. Until the commit the
 * session does not end, and who takes codes back waits, so that they find the delegation afterwards.
 */
const redeemGroup = `
with asked as materialized (
  select i.* from jsonb_to_recordset($1::jsonb) as i (n int, ${usedUpColumns}, code text, device uuid,
    session_id uuid, salt text, delegation jsonb), registry r
  where r.version = $2
), code as materialized (
  select digest, redeemed_at, withdrawn_at, expires_at from authorization_code
  where digest = any ($3::text[]) for update skip locked
), device as materialized (
  select id, redeemed_at, allowed, expires_at from device_authorization where id = any ($4::uuid[]) for update skip locked
), signed_in as materialized (
  select id, ${liveSession('$6', '$7')} as live from session where id = any ($5::uuid[]) for share skip locked
), judged as materialized (
  select a.*, case
      when coalesce(c.digest, d.id::text) is null then 'held'
      when coalesce(c.redeemed_at, d.redeemed_at) is not null then 'USED'
      when c.withdrawn_at is not null or (d.id is not null and d.allowed is null) then 'WITHDRAWN'
      when coalesce(c.expires_at, d.expires_at) <= $8::timestamptz then 'EXPIRED'
      when s.live then 'ready'
      when s.id is null and exists (select from session x where x.id = a.session_id) then 'held'
      else 'SESSION_ENDED'
    end as state
  from asked a left join code c on c.digest = a.code left join device d on d.id = a.device
    left join signed_in s on s.id = a.session_id
), proven as (${useProofs("judged where state = 'ready'")}
), used as (${useReadyAssertions}
), good as materialized (
  select * from judged j where state = 'ready' and ${isProven('j')}
    and (jti is null or exists (select from used u where u.client_id = j.client_id and u.jti = j.jti))
), redeemed as (
  update authorization_code c set redeemed_at = $8::timestamptz from good g where c.digest = g.code
), approved as (
  update device_authorization d set redeemed_at = $8::timestamptz from good g where d.id = g.device
), begun as (
  insert into delegation select d.* from good g, jsonb_populate_record(null::delegation, g.delegation) d
), family as (
  insert into refresh_family (delegation_id, salt, generation, rotations, begun_at, used_at)
  select (delegation->>'id')::uuid, salt, 0, '[]', $8::timestamptz, date_trunc('hour', $8::timestamptz) from good where salt is not null
), recorded as (
${recordGroup('$9', 2)}
)
select n, state, ${isProven('j')} as proven, exists (select from good g where g.n = j.n) as good from judged j`;

const used = (redemption: Redemption): readonly string[] =>
  namesOf(redemption, 'code' in redemption.of ? redemption.of.code : redemption.of.device);

/** One redemption as the statement reads it. */
function rowOf(redemption: Redemption, n: number): object {
  const { of, delegation, salt } = redemption;
  const { id, personId, clientId, audience, scopes, sessionId, authTime, acr, amr, roles, nonce } = delegation;
  const { dpopKey, createdAt } = delegation;
  return {
    ...{ n, ...usedUpBy(redemption), ...of, session_id: sessionId, salt },
    delegation: {
      ...{ id, person_id: personId, client_id: clientId, audience, scopes, session_id: sessionId },
      ...{ auth_time: authTime.toISOString(), created_at: createdAt.toISOString() },
      ...{ acr, amr, roles, nonce, dpop_key: dpopKey },
    },
  };
}

/** What people allowed and applications redeem: a code, or the approval of a device, each once at all replicas together. */
@Injectable()
export class Redemptions {
  readonly #group = new Groups<Redemption, RedemptionOutcome>((group) => this.#write(group), { namesOf: used });

  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(SESSION_TIMES) private readonly times: SessionTimes,
  ) {}

  /** @throws what the database said: then nothing may be answered but that it failed */
  redeem(redemption: Redemption): Promise<RedemptionOutcome> {
    return this.#group.run(redemption);
  }

  async #write(group: readonly Redemption[]): Promise<readonly Served<RedemptionOutcome>[]> {
    const version = newestVersion(group);
    const named = new NamedOnce();
    const results: Served<RedemptionOutcome>[] = group.map(() => ({ result: 'outdated' }));
    const rows: object[] = [];
    const [codes, devices, sessions] = [new Set<string>(), new Set<string>(), new Set<string>()];
    group.forEach((one, n) => {
      if (one.ground.version !== version) return;
      // The second of two redemptions of the same code gets its answer from the next group, which sees what the first left.
      if (!named.take(used(one))) {
        results[n] = new Later();
        return;
      }
      rows.push(rowOf(one, n));
      sessions.add(one.delegation.sessionId);
      if ('code' in one.of) codes.add(one.of.code);
      else devices.add(one.of.device);
    });
    const now = this.clock();
    const { seenAfter, createdAfter } = liveSince(now, this.times);
    const answer = await this.pool.query({
      name: 'redeem',
      text: redeemGroup,
      values: [
        ...[JSON.stringify(rows), version, [...codes], [...devices], [...sessions], seenAfter, createdAfter, now],
        eventsOf(group.map(({ begun, event }) => ({ event: `${begun}\n${event}` }))),
      ],
    });
    let committed = false;
    for (const { n, state, proven, good } of rowsSchema.parse(answer.rows)) {
      if (state === 'held') results[n] = new Later(HELD_MS);
      else if (state !== 'ready') results[n] = { result: state };
      else if (!proven) results[n] = { result: 'proof_replayed' };
      else results[n] = { result: good ? 'committed' : 'replayed' };
      committed ||= good;
    }
    if (committed) this.outbox.recorded();
    return results;
  }
}
