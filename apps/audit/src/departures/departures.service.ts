import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, type Caller } from '@countersign/service-host';
import { searchRecord } from '../events/search-record.js';
import { departuresOf, type Departure, type DeparturesQuery } from './departure.js';
import { DeparturesStore } from './departures.store.js';

/** Finds out who has departed; the read is recorded before it is answered. */
@Injectable()
export class Departures {
  constructor(
    @Inject(DeparturesStore) private readonly store: DeparturesStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /** @returns no entry for a name that is active or never existed */
  async of({ of }: DeparturesQuery, caller: Caller): Promise<readonly Departure[]> {
    const departures = departuresOf(await this.store.find(of));
    await this.outbox.recordDurably(searchRecord(caller, { departures_of: of }, departures.length));
    return departures;
  }
}
