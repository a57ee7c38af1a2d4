import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type NewAuditEvent } from '@countersign/audit-event';
import { AUDIT_OUTBOX, deleteInPortions, inTransaction, POOL } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { type Audience } from './issuer.client.js';
import { type EndedAtIssuer } from './logout-token.js';

const keptRows = z
  .array(
    z
      .object({
        id: z.string(),
        person: z.string(),
        name: z.string(),
        began_at: z.date(),
        used_at: z.date(),
        ends_at: z.date(),
        sealed: z.instanceof(Buffer).nullable(),
        expires_at: z.date().nullable(),
      })
      .transform(({ began_at: beganAt, used_at: usedAt, ends_at: endsAt, expires_at: expiresAt, sealed, ...who }) => ({
        ...who,
        beganAt,
        usedAt,
        endsAt,
        token: sealed === null || expiresAt === null ? undefined : { sealed, expiresAt },
      })),
  )
  .max(1);

const endedRows = z.array(z.object({ id: z.string() }));
const sealedRows = z.array(z.object({ sealed: z.instanceof(Buffer) }));

/** A stored session, with its token for the requested audience, if there is one. */
export type KeptSession = z.infer<typeof keptRows>[number];

export interface NewSession {
  readonly digest: Buffer;
  readonly id: string;
  readonly person: string;
  readonly name: string;
  readonly issuerSession: string | undefined;
  readonly beganAt: Date;
  readonly endsAt: Date;
}

export interface KeptToken {
  readonly sealed: Buffer;
  readonly expiresAt: Date;
}

/** Sessions of the console, and the issuer's tokens for each. */
@Injectable()
export class ConsoleSessionsStore {
  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /** @param event says that it began */
  async add(
    { digest, id, person, name, issuerSession, beganAt, endsAt }: NewSession,
    event: NewAuditEvent,
  ): Promise<void> {
    await inTransaction(this.pool, async (client) => {
      await client.query(
        `insert into console_session (digest, id, person, name, issuer_session, began_at, used_at, ends_at)
         values ($1, $2, $3, $4, $5, $6, $6, $7)`,
        [digest, id, person, name, issuerSession ?? null, beganAt, endsAt],
      );
      await this.outbox.record(client, event);
    });
  }

  /** Ends every session that the issuer's end names, each together with its event. A session whose issuer session is unknown counts as named. @returns how many */
  async endAll(
    { person, issuerSession, before }: EndedAtIssuer,
    eventOf: (id: string) => NewAuditEvent,
  ): Promise<number> {
    return inTransaction(this.pool, async (client) => {
      const { rows } = await client.query(
        `delete from console_session
         where began_at < $3 and ($1::text is null or person = $1)
           and ($2::text is null or issuer_session = $2 or (issuer_session is null and person = $1))
         returning id`,
        [person ?? null, issuerSession ?? null, before],
      );
      const ended = endedRows.parse(rows);
      await this.outbox.recordAll(
        client,
        ended.map(({ id }) => eventOf(id)),
      );
      return ended.length;
    });
  }

  /** Stores a token and ends its renewal. @param event is recorded with it @returns false if the session has ended */
  async putToken(
    digest: Buffer,
    audience: Audience,
    { sealed, expiresAt }: KeptToken,
    event?: NewAuditEvent,
  ): Promise<boolean> {
    return inTransaction(this.pool, async (client) => {
      const { rowCount } = await client.query(
        `insert into console_token (session, audience, sealed, expires_at)
         select digest, $2, $3, $4 from console_session where digest = $1 for key share
         on conflict (session, audience) do update set sealed = $3, expires_at = $4, renewed_until = null`,
        [digest, audience, sealed, expiresAt],
      );
      if (rowCount !== 1) return false;
      if (event !== undefined) await this.outbox.record(client, event);
      return true;
    });
  }

  /** @param idleSince sessions not used since then have ended */
  async find(digest: Buffer, audience: Audience, now: Date, idleSince: Date): Promise<KeptSession | undefined> {
    const { rows } = await this.pool.query(
      `select id, person, name, began_at, used_at, ends_at, sealed, expires_at
       from console_session left join console_token on session = digest and audience = $2
       where digest = $1 and ends_at > $3 and used_at > $4`,
      [digest, audience, now, idleSince],
    );
    return keptRows.parse(rows)[0];
  }

  async touch(digest: Buffer, now: Date): Promise<void> {
    await this.pool.query('update console_session set used_at = $2 where digest = $1 and used_at < $2', [digest, now]);
  }

  /**
   * Acquires for a while the right to renew a token, which can be used only once.
   * @returns false when another process has it, or has renewed the token already
   */
  async claimRenewal(digest: Buffer, audience: Audience, sealed: Buffer, now: Date, until: Date): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      `update console_token set renewed_until = $5
       where session = $1 and audience = $2 and sealed = $3 and (renewed_until is null or renewed_until < $4)`,
      [digest, audience, sealed, now, until],
    );
    return rowCount === 1;
  }

  async giveBackRenewal(digest: Buffer, audience: Audience, sealed: Buffer): Promise<void> {
    await this.pool.query(
      'update console_token set renewed_until = null where session = $1 and audience = $2 and sealed = $3',
      [digest, audience, sealed],
    );
  }

  async removeToken(digest: Buffer, audience: Audience): Promise<void> {
    await this.pool.query('delete from console_token where session = $1 and audience = $2', [digest, audience]);
  }

  /**
   * Removes a session, together with the event of its end.
   * @returns its stored tokens, including one that is being stored right now; undefined if there is no such session
   */
  async remove(digest: Buffer, eventOf: (id: string) => NewAuditEvent): Promise<readonly Buffer[] | undefined> {
    return inTransaction(this.pool, async (client) => {
      await client.query('select from console_session where digest = $1 for update', [digest]);
      const kept = await client.query('select sealed from console_token where session = $1', [digest]);
      const { rows } = await client.query('delete from console_session where digest = $1 returning id', [digest]);
      const [ended] = endedRows.parse(rows);
      if (ended === undefined) return undefined;
      await this.outbox.record(client, eventOf(ended.id));
      return sealedRows.parse(kept.rows).map(({ sealed }) => sealed);
    });
  }

  /** Removes sessions that have ended. */
  async prune(now: Date, idleSince: Date): Promise<void> {
    await deleteInPortions(this.pool, 'console_session', 'ends_at <= $1 or used_at <= $2', [now, idleSince]);
  }
}
