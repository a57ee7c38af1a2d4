import { isDeepStrictEqual } from 'node:util';
import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type EventContext } from '@countersign/audit-event';
import { AUDIT_OUTBOX, CLOCK, DATABASE, type Database } from '@countersign/service-host';
import { events } from '../events.js';
import { type Audiences } from '../registry/audience-words.js';
import { AudienceWordsStore } from '../registry/audience-words.store.js';

/** What people read of services and scopes, as it was last declared. */
@Injectable()
export class DeclaredWords {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(AudienceWordsStore) private readonly store: AudienceWordsStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /**
   * Replaces all texts with the declared ones. Applying the same texts again changes nothing.
   * @param audiences undefined if none are declared: then nothing changes
   * @returns the audiences whose words differ
   */
  async apply(audiences: Audiences | undefined, dryRun: boolean, who: EventContext): Promise<readonly string[]> {
    if (audiences === undefined) return [];
    return this.database.transaction(async (transaction) => {
      const before = await this.store.all(transaction);
      const names = [...new Set([...Object.keys(before), ...Object.keys(audiences)])];
      const differing = names.filter((name) => !isDeepStrictEqual(before[name], audiences[name]));
      if (dryRun || differing.length === 0) return differing;
      await this.store.replace(transaction, audiences, this.clock());
      for (const id of differing) {
        const changes = { before: before[id] ?? null, after: audiences[id] ?? null };
        await this.outbox.record(transaction, events.event('audience.declared', who, { id, changes }));
      }
      return differing;
    });
  }
}
