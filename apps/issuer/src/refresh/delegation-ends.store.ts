import { Inject, Injectable } from '@nestjs/common';
import { POOL } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { delegationIdSchema, type DelegationId } from '../delegations/delegation.js';
import { type DelegationTimes } from './delegation-ends.js';

const timeRows = z.array(
  z
    .object({
      id: delegationIdSchema,
      created_at: z.date(),
      offline: z.boolean(),
      begun_at: z.date().nullable(),
      rotations: z.array(z.number()).nullable(),
      session_created_at: z.date().nullable(),
      session_seen_at: z.date().nullable(),
    })
    .transform((row): { readonly id: DelegationId; readonly times: DelegationTimes } => {
      const { id, created_at: createdAt, offline, begun_at: begunAt, rotations } = row;
      const { session_created_at: sessionBegan, session_seen_at: seenAt } = row;
      const rotated = rotations?.at(-1);
      const usedAt = rotated === undefined ? begunAt : new Date(rotated);
      return {
        id,
        times: {
          createdAt,
          offline,
          family: begunAt === null || usedAt === null ? undefined : { begunAt, usedAt },
          session: sessionBegan === null || seenAt === null ? undefined : { createdAt: sessionBegan, seenAt },
        },
      };
    }),
);
const idRows = z.array(z.object({ id: delegationIdSchema }));

/** Whose delegations to select; without either, everybody's. */
export interface Whose {
  readonly personId: string | undefined;
  readonly clientId: string | undefined;
}

/** Reads what decides when delegations end. */
@Injectable()
export class DelegationEndsStore {
  constructor(@Inject(POOL) private readonly pool: pg.Pool) {}

  async timesOf(ids: readonly DelegationId[]): Promise<ReadonlyMap<DelegationId, DelegationTimes>> {
    const { rows } = await this.pool.query(
      `select d.id, d.created_at, d.scopes ? 'offline_access' as offline, f.begun_at, f.rotations,
         s.created_at as session_created_at, s.seen_at as session_seen_at
       from delegation d left join refresh_family f on f.delegation_id = d.id left join session s on s.id::text = d.session_id
       where d.id = any ($1::uuid[])`,
      [ids],
    );
    return new Map(timeRows.parse(rows).map(({ id, times }) => [id, times]));
  }

  /** Live delegations with `offline_access` whose refresh tokens started before a time, earliest first. */
  async begunBefore(before: Date, { personId, clientId }: Whose, limit: number): Promise<readonly DelegationId[]> {
    const { rows } = await this.pool.query(
      `select d.id from refresh_family f join delegation d on d.id = f.delegation_id
       where f.begun_at < $1 and d.ended_at is null and d.scopes ? 'offline_access'
         and ($2::text is null or d.person_id = $2) and ($3::text is null or d.client_id = $3)
       order by f.begun_at limit $4`,
      [before, personId ?? null, clientId ?? null, limit],
    );
    return idRows.parse(rows).map(({ id }) => id);
  }
}
