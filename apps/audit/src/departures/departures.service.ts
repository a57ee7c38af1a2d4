import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import { AUDIT_OUTBOX, by, type Caller } from '@countersign/service-host';
import { events } from '../events.js';
import { departuresOf, type Departure, type DeparturesQuery } from './departure.js';
import { DeparturesStore } from './departures.store.js';

/** Says who has departed; the look is recorded before it is answered. */
@Injectable()
export class Departures {
  constructor(
    @Inject(DeparturesStore) private readonly store: DeparturesStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /** @returns no entry for a name that is still there, or never was */
  async of({ of }: DeparturesQuery, caller: Caller): Promise<readonly Departure[]> {
    const departures = departuresOf(await this.store.find(of));
    const searched = { search: { departures_of: of }, shown: departures.length };
    const details = { id: EVERY, action: 'audit:read', changes: searched } as const;
    await this.outbox.recordDurably(events.event('events.searched', by(caller), details));
    return departures;
  }
}
