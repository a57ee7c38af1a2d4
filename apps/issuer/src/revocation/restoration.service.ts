import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type Statement } from '@countersign/revocation-feed';
import {
  AUDIT_OUTBOX,
  by,
  byItself,
  DATABASE,
  HEALTH,
  LOGGER,
  unattended,
  type Caller,
  type Database,
  type HealthRegistry,
} from '@countersign/service-host';
import { type Logger } from 'pino';
import { AssertionAge } from '../authentication/assertion-age.service.js';
import { events } from '../events.js';
import { Replica } from '../registry/replica.service.js';
import { RevocationsStore } from './revocations.store.js';

/** Whether the database was restored from a backup, as the admin API shows it. */
export interface RestorationJson {
  /** When it was noticed; null once that is acknowledged. */
  readonly restored_at: string | null;
}

/**
 * Notices that the issuer's database is older than what the issuer has published, and does not carry on as if nothing had happened: revocations
 * in the bucket are reinstated, readiness reports it, and until an administrator has acknowledged it no assertion is accepted that was issued
 * earlier, because assertions used since the backup are not known to be used.
 */
@Injectable()
export class Restoration {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(RevocationsStore) private readonly store: RevocationsStore,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(AssertionAge) private readonly age: AssertionAge,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) health: HealthRegistry,
  ) {
    health.addNote('restored_database', () => this.#note());
  }

  /** Whether a number that the issuer has published is ahead of the database. */
  isBehind(statedNumber: number | undefined): boolean {
    return statedNumber !== undefined && statedNumber > this.replica.ground.revocations;
  }

  /** The database and the bucket were compared, and the database has everything that was published. */
  compared(): void {
    this.age.compared();
  }

  /** The database is older than a published list: continues numbering after it, and reinstates what is still in force. */
  async notice(statedNumber: number, statements: readonly Statement[]): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await this.store.restored(transaction, statedNumber);
      await this.store.adopt(transaction, statements);
      await this.outbox.record(
        transaction,
        events.event('database.restored', byItself(unattended()), {
          id: 'issuer',
          changes: { stated_number: statedNumber, revocations_taken_back: statements.length },
        }),
      );
    });
    await this.replica.refresh();
    this.logger.warn(
      { stated_number: statedNumber, taken_back: statements.length },
      'this database is older than what the issuer has published, so it was restored from a backup. Check the clients that changed since the backup, then acknowledge',
    );
  }

  show(): RestorationJson {
    const { restoredAt } = this.replica;
    return { restored_at: restoredAt === undefined ? null : new Date(restoredAt).toISOString() };
  }

  /** Confirms that the changes missing from the backup have been dealt with; assertions are accepted again, no matter when they were issued. */
  async acknowledge(caller: Caller): Promise<RestorationJson> {
    await this.database.transaction(async (transaction) => {
      const restoredAt = await this.store.acknowledge(transaction);
      await this.outbox.record(
        transaction,
        events.event('database.acknowledged', by(caller), {
          id: 'issuer',
          changes: { restored_at: restoredAt?.toISOString() ?? null },
        }),
      );
    });
    await this.replica.refresh();
    return this.show();
  }

  #note(): object {
    const { restored_at: at } = this.show();
    if (at === null) return { restored: false };
    return {
      restored: true,
      restored_at: at,
      to_do:
        'changes since the backup are lost: check the clients that were disabled or changed, then run countersign revoke restored --acknowledge',
    };
  }
}
