import { Inject, Injectable } from '@nestjs/common';
import { uuidv7 } from '@countersign/audit-event';
import { DATABASE, type Database, type Transaction } from '@countersign/service-host';
import { and, eq, lte, sql } from 'drizzle-orm';
import { delegationTable } from '../delegations/delegations.tables.js';
import { clientTable } from '../registry/clients.tables.js';
import { logoutNoticeTable, type LogoutNoticeRow } from './logout-notices.tables.js';

/** Notices waiting to be sent to clients, in PostgreSQL: written with the session's end, sent by any replica. */
@Injectable()
export class LogoutNoticesStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Clients that got an ID token in a session, whether or not the delegation has ended since, and want to be notified of its end. */
  async clientsOf(transaction: Transaction, sessionId: string): Promise<readonly string[]> {
    const rows = await transaction
      .selectDistinct({ clientId: delegationTable.clientId })
      .from(delegationTable)
      .innerJoin(clientTable, eq(clientTable.clientId, delegationTable.clientId))
      .where(
        and(
          eq(delegationTable.sessionId, sessionId),
          sql`${delegationTable.scopes} ? 'openid'`,
          sql`${clientTable.registration} ? 'backchannel_logout_uri'`,
        ),
      );
    return rows.map(({ clientId }) => clientId);
  }

  async add(
    transaction: Transaction,
    notice: Pick<LogoutNoticeRow, 'clientId' | 'personId' | 'sessionId' | 'txn'>,
    now: Date,
  ): Promise<void> {
    const row = { ...notice, id: uuidv7(now.getTime()), attempts: 0, dueAt: now, createdAt: now };
    await transaction.insert(logoutNoticeTable).values(row);
  }

  /**
   * Takes the notices that have been due longest, a limited number per client; another replica gets them only after the lease.
   * @param full clients of which none are taken now
   * @param leaseMs longer than an attempt takes
   */
  async take(
    limit: { readonly all: number; readonly perClient: number },
    full: readonly string[],
    now: Date,
    leaseMs: number,
  ): Promise<LogoutNoticeRow[]> {
    const [id, clientId, dueAt] = [logoutNoticeTable.id, logoutNoticeTable.clientId, logoutNoticeTable.dueAt];
    const isDue = lte(dueAt, now);
    // From client to client through the index, so that the cost does not grow with the number of waiting notices.
    const chosen = sql`
      with recursive waiting as (
        (select ${clientId} from ${logoutNoticeTable} order by ${clientId} limit 1) union all
        select next.client_id from waiting cross join lateral (
          select ${clientId} from ${logoutNoticeTable} where ${clientId} > waiting.client_id order by ${clientId} limit 1) as next
      )
      select due.id from waiting cross join lateral (
        select ${id}, ${dueAt} from ${logoutNoticeTable} where ${clientId} = waiting.client_id and ${isDue}
        order by ${dueAt} limit ${limit.perClient}) as due
      where waiting.client_id <> all (${sql.param([...full])}::text[]) order by due.due_at limit ${limit.all}`;
    // If two replicas choose the same one, the second finds it no longer due.
    return this.database
      .update(logoutNoticeTable)
      .set({ dueAt: new Date(now.getTime() + leaseMs), attempts: sql`${logoutNoticeTable.attempts} + 1` })
      .where(and(sql`${id} in (${chosen})`, isDue))
      .returning();
  }

  async postpone(id: string, dueAt: Date): Promise<void> {
    await this.database.update(logoutNoticeTable).set({ dueAt }).where(eq(logoutNoticeTable.id, id));
  }

  async remove(transaction: Transaction, id: string): Promise<void> {
    await transaction.delete(logoutNoticeTable).where(eq(logoutNoticeTable.id, id));
  }
}
