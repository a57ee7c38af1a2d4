import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import { AUDIT_OUTBOX, by, type Caller } from '@countersign/service-host';
import { events } from '../events.js';
import { DeadLetterStore } from '../intake/dead-letters.store.js';
import { MaskedValuesStore } from '../masking/masked-values.store.js';

export const REVEAL = 'audit:reveal';
export const ERASE = 'audit:erase';

export interface RevealedValues {
  readonly event_id: string;
  /** Empty if nothing was masked, or everything was erased. */
  readonly values: readonly {
    readonly path: string;
    readonly value: unknown;
    /** base64url. SHA-256 over salt and canonical JSON (RFC 8785) of the value is the commitment in the log. */
    readonly salt: string;
  }[];
}

/** Shows and erases masked values. Each operation is recorded in the trail first, with its reason. */
@Injectable()
export class MaskedValuesService {
  constructor(
    @Inject(MaskedValuesStore) private readonly values: MaskedValuesStore,
    @Inject(DeadLetterStore) private readonly letters: DeadLetterStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  async reveal(eventId: string, reason: string, caller: Caller): Promise<RevealedValues> {
    const values = await this.values.of(eventId);
    const revealed = { id: eventId, changes: { reason, shown: values.map(({ path }) => path) } };
    await this.outbox.recordDurably(events.event('event.revealed', by(caller), revealed));
    return {
      event_id: eventId,
      values: values.map(({ salt, ...value }) => ({ ...value, salt: salt.toString('base64url') })),
    };
  }

  /** @returns how many values were erased, counting those of a dead letter as one */
  async erase(what: { event: string } | { subject: string }, reason: string, caller: Caller): Promise<number> {
    const id = 'event' in what ? what.event : EVERY;
    const ordered = { id, changes: { ...what, reason } };
    await this.outbox.recordDurably(events.event('event.erasure_ordered', by(caller), ordered));
    // Dead letters may contain the same values; they come first, because one that is replayed now leaves its values in the trail.
    const letters = await this.letters.erase(what);
    const values =
      'event' in what ? await this.values.eraseEvent(what.event) : await this.values.eraseSubject(what.subject);
    const erased = letters + values;
    const done = { id, changes: { ...what, reason, erased } };
    await this.outbox.recordDurably(events.event('event.erased', by(caller), done));
    return erased;
  }
}
