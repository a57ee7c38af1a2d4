import { Inject, Injectable } from '@nestjs/common';
import { DeadLetterStore } from '../intake/dead-letters.store.js';
import { Looks, type Looker } from '../events/looks.js';
import { MaskedValuesStore } from './masked-values.store.js';

export const REVEAL = 'audit:reveal';
export const ERASE = 'audit:erase';

export interface RevealedValues {
  readonly event_id: string;
  /** Empty when nothing was masked, or all of it is erased. */
  readonly values: readonly {
    readonly path: string;
    readonly value: unknown;
    /** base64url. SHA-256 over salt and canonical JSON (RFC 8785) of the value is the commitment in the log. */
    readonly salt: string;
  }[];
}

/** Shows and erases what is masked in the log. Each is in the trail first, with the reason that was given. */
@Injectable()
export class MaskedValuesService {
  constructor(
    @Inject(MaskedValuesStore) private readonly values: MaskedValuesStore,
    @Inject(DeadLetterStore) private readonly letters: DeadLetterStore,
    @Inject(Looks) private readonly looks: Looks,
  ) {}

  async reveal(eventId: string, reason: string, looker: Looker): Promise<RevealedValues> {
    const values = await this.values.of(eventId);
    const changes = { reason, shown: values.map(({ path }) => path) };
    await this.looks.record({ done: 'event.revealed', resource: `event/${eventId}`, changes, action: REVEAL }, looker);
    return {
      event_id: eventId,
      values: values.map(({ salt, ...value }) => ({ ...value, salt: salt.toString('base64url') })),
    };
  }

  /** @returns how many values are gone, those of a dead letter counted as one */
  async erase(what: { event: string } | { subject: string }, reason: string, looker: Looker): Promise<number> {
    const resource = 'event' in what ? `event/${what.event}` : 'events';
    const look = { resource, action: ERASE };
    await this.looks.record({ ...look, done: 'event.erasure_ordered', changes: { ...what, reason } }, looker);
    const values =
      'event' in what ? await this.values.eraseEvent(what.event) : await this.values.eraseSubject(what.subject);
    // What no trail could take may hold the same.
    const erased = values + (await this.letters.erase(what));
    await this.looks.record({ ...look, done: 'event.erased', changes: { ...what, reason, erased } }, looker);
    return erased;
  }
}
