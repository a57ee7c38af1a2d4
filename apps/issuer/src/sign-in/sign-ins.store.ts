import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Background, CLOCK, DATABASE, type Database } from '@countersign/service-host';
import { and, eq, gt, inArray, lte } from 'drizzle-orm';
import { signInTable, type SignInRow } from './sign-in.tables.js';

/** Seconds in which somebody must come back from the provider. */
export const SIGN_IN_SECONDS = 600;
const PRUNE_EVERY_MS = 60_000;
const BATCH = 1_000;

/** People who were sent to a provider, in PostgreSQL: the answer may come to any replica, and each works once. */
@Injectable()
export class SignInsStore implements OnModuleInit {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
  ) {}

  async add(row: SignInRow): Promise<void> {
    await this.database.insert(signInTable).values(row);
  }

  /** Takes a sign-in away, so that it is finished once. @returns undefined for one that is unknown, of another browser or provider, too old, or taken */
  async take({
    stateDigest,
    browserDigest,
    provider,
  }: Pick<SignInRow, 'stateDigest' | 'browserDigest' | 'provider'>): Promise<SignInRow | undefined> {
    const [row] = await this.database
      .delete(signInTable)
      .where(
        and(
          eq(signInTable.stateDigest, stateDigest),
          eq(signInTable.browserDigest, browserDigest),
          eq(signInTable.provider, provider),
          gt(signInTable.startedAt, this.#oldest()),
        ),
      )
      .returning();
    return row;
  }

  onModuleInit(): void {
    this.background.repeat({
      name: 'unfinished_sign_ins',
      everyMs: PRUNE_EVERY_MS,
      run: async () => {
        const old = this.database
          .select({ stateDigest: signInTable.stateDigest })
          .from(signInTable)
          .where(lte(signInTable.startedAt, this.#oldest()))
          .limit(BATCH);
        const { rowCount } = await this.database.delete(signInTable).where(inArray(signInTable.stateDigest, old));
        return rowCount === BATCH ? 'again' : undefined;
      },
    });
  }

  #oldest(): Date {
    return new Date(this.clock().getTime() - SIGN_IN_SECONDS * 1_000);
  }
}
