import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Background, CLOCK, DATABASE, deleteInPortions, type Database } from '@countersign/service-host';
import { and, eq, gt } from 'drizzle-orm';
import { signInTable, type SignInRow } from './sign-in.tables.js';

/** Seconds within which somebody must return from the provider. */
export const SIGN_IN_SECONDS = 600;
const PRUNE_EVERY_MS = 60_000;

/** People who were sent to a provider, in PostgreSQL: the response may reach any replica, and each works once. */
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

  /** Removes a sign-in, so that it is completed only once. @returns undefined if it is unknown, from another browser or provider, too old, or already used */
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
      run: async (signal) => {
        await deleteInPortions(this.database.$client, 'sign_in', 'started_at <= $1', [this.#oldest()], signal);
        return undefined;
      },
    });
  }

  #oldest(): Date {
    return new Date(this.clock().getTime() - SIGN_IN_SECONDS * 1_000);
  }
}
