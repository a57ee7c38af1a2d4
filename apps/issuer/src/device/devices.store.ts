import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import {
  Background,
  CLOCK,
  DATABASE,
  deleteInPortions,
  type Database,
  type Transaction,
} from '@countersign/service-host';
import { and, eq, gt, isNotNull, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Allowed } from '../authorization/code.js';
import { slowestClock } from '../registry/clocks.js';
import { deviceTable as table, type DeviceRow } from './device.tables.js';
import { POLL_SECONDS, pollAnswer, type PollAnswer } from './polling.js';

const PRUNE_EVERY_MS = 60_000;
/** Milliseconds for which one is kept after its end, so that a late poll gets the answer that it expired. */
const KEPT_MS = 3_600_000;
/** Wrong codes that a person may enter in the time that a code lives. */
export const GUESSES = 10;

const guessRows = z.tuple([z.object({ wrong: z.number() })]);

/** Devices that wait for a person, in PostgreSQL, which all replicas share. */
@Injectable()
export class DevicesStore implements OnModuleInit {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
  ) {}

  /** @returns false where the user code is another device's just now */
  async add(transaction: Transaction, row: typeof table.$inferInsert): Promise<boolean> {
    const { rowCount } = await transaction.insert(table).values(row).onConflictDoNothing();
    return rowCount === 1;
  }

  /** One that waits for a person, by its user code. */
  async waiting(
    userCodeDigest: string,
    executor: Database | Transaction = this.database,
  ): Promise<DeviceRow | undefined> {
    const [row] = await executor
      .select()
      .from(table)
      .where(and(eq(table.userCodeDigest, userCodeDigest), isNull(table.decidedAt), gt(table.expiresAt, this.clock())));
    return row;
  }

  /** Keeps what the person decided: of two that decide, one does. @param allowed undefined if they refuse */
  async decide(transaction: Transaction, id: string, allowed: Allowed | undefined): Promise<boolean> {
    const now = this.clock();
    const { rowCount } = await transaction
      .update(table)
      .set({ allowed: allowed ?? null, decidedAt: now })
      .where(and(eq(table.id, id), isNull(table.decidedAt), gt(table.expiresAt, now)));
    return rowCount === 1;
  }

  /** A device polls. @returns undefined for an unknown code, or one of another client */
  async poll(
    deviceDigest: string,
    clientId: string,
  ): Promise<{ readonly row: DeviceRow; readonly answer: PollAnswer } | undefined> {
    return this.database.transaction(async (transaction) => {
      const mine = and(eq(table.deviceDigest, deviceDigest), eq(table.clientId, clientId));
      // By the clock that all replicas share: theirs may differ by as much as a device waits between two polls.
      const at = sql`clock_timestamp()`.mapWith(table.createdAt);
      const [found] = await transaction.select({ row: table, now: at }).from(table).where(mine).for('update');
      if (found === undefined) return undefined;
      const { row, now } = found;
      const { expiresAt, every, askedAt, decidedAt, allowed, redeemedAt } = row;
      const decision = decidedAt === null ? 'none' : allowed === null ? 'refused' : 'allowed';
      const answer = pollAnswer(
        {
          ...{ expiresAt: expiresAt.getTime(), every, askedAt: askedAt?.getTime(), decision },
          redeemed: redeemedAt !== null,
        },
        now.getTime(),
      );
      const slower = answer === 'slow_down' ? every + POLL_SECONDS : every;
      // An allowed device may poll again immediately: it may not have received its response.
      if (answer !== 'allowed') await transaction.update(table).set({ askedAt: now, every: slower }).where(mine);
      return { row, answer };
    });
  }

  /** Takes back what was allowed and not redeemed yet: the device gets the answer that the person refused. As `CodesStore.withdraw`. */
  async withdraw(
    transaction: Transaction,
    { personId, clientId }: { readonly personId?: string; readonly clientId: string },
  ): Promise<void> {
    const ofPerson = personId === undefined ? undefined : sql`${table.allowed}->>'personId' = ${personId}`;
    await transaction
      .update(table)
      .set({ allowed: null })
      .where(
        and(
          isNull(table.redeemedAt),
          isNotNull(table.allowed),
          gt(table.expiresAt, slowestClock(this.clock())),
          eq(table.clientId, clientId),
          ofPerson,
        ),
      );
  }

  /**
   * Counts a code as wrong before it is looked up, so that nobody gains by entering many at once; {@link right} undoes that for a correct one.
   * @param since when the count may have started
   * @returns how many a person has entered in that time, this one included
   */
  async guess(personId: string, since: Date): Promise<number> {
    const [now, then] = [this.clock().toISOString(), since.toISOString()];
    const { rows } = await this.database.execute(sql`
      insert into device_guess as g (person_id, wrong, since) values (${personId}, 1, ${now}::timestamptz)
      on conflict (person_id) do update set
        wrong = case when g.since > ${then}::timestamptz then least(g.wrong, ${GUESSES + 1}) + 1 else 1 end,
        since = case when g.since > ${then}::timestamptz then g.since else excluded.since end
      returning wrong`);
    return guessRows.parse(rows)[0].wrong;
  }

  /** Takes back one that was counted: the code was right. */
  async right(personId: string): Promise<void> {
    await this.database.execute(
      sql`update device_guess set wrong = wrong - 1 where person_id = ${personId} and wrong > 0`,
    );
  }

  onModuleInit(): void {
    this.background.repeat({
      name: 'device_authorizations',
      everyMs: PRUNE_EVERY_MS,
      run: async (signal) => {
        const before = new Date(this.clock().getTime() - KEPT_MS);
        await deleteInPortions(this.database.$client, 'device_guess', 'since < $1', [before], signal);
        await deleteInPortions(this.database.$client, 'device_authorization', 'expires_at < $1', [before], signal);
        return undefined;
      },
    });
  }
}
