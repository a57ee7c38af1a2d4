import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Background, CLOCK, DATABASE, deleteInPortions, type Database } from '@countersign/service-host';
import { and, eq, gt } from 'drizzle-orm';
import { providerSignOutTable, type ProviderSignOutRow } from './provider-sign-out.tables.js';

/** Seconds within which somebody must return from signing out at the provider. */
export const PROVIDER_SIGN_OUT_SECONDS = 600;
const PRUNE_EVERY_MS = 60_000;

/** People who were sent to a provider to sign out there, in PostgreSQL: they may return to any replica, once. */
@Injectable()
export class ProviderSignOutsStore implements OnModuleInit {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
  ) {}

  async add(row: ProviderSignOutRow): Promise<void> {
    await this.database.insert(providerSignOutTable).values(row);
  }

  /** @returns undefined if it is unknown, from another browser or provider, too old, or already used */
  async take({
    stateDigest,
    browserDigest,
    provider,
  }: Pick<ProviderSignOutRow, 'stateDigest' | 'browserDigest' | 'provider'>): Promise<ProviderSignOutRow | undefined> {
    const [row] = await this.database
      .delete(providerSignOutTable)
      .where(
        and(
          eq(providerSignOutTable.stateDigest, stateDigest),
          eq(providerSignOutTable.browserDigest, browserDigest),
          eq(providerSignOutTable.provider, provider),
          gt(providerSignOutTable.startedAt, this.#oldest()),
        ),
      )
      .returning();
    return row;
  }

  onModuleInit(): void {
    this.background.repeat({
      name: 'provider_sign_outs',
      everyMs: PRUNE_EVERY_MS,
      run: async (signal) => {
        await deleteInPortions(
          this.database.$client,
          'provider_sign_out',
          'started_at <= $1',
          [this.#oldest()],
          signal,
        );
        return undefined;
      },
    });
  }

  #oldest(): Date {
    return new Date(this.clock().getTime() - PROVIDER_SIGN_OUT_SECONDS * 1_000);
  }
}
