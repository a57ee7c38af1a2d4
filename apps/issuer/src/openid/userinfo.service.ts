import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type JsonObject } from '@countersign/auth-core';
import { AUDIT_OUTBOX, by, Problem, type Caller } from '@countersign/service-host';
import { events } from '../events.js';
import { PeopleStore } from '../people/people.store.js';
import { personIdSchema } from '../people/person.js';
import { claimsAboutPerson } from './id-token.js';

/** What an application may know about its token's person. Each response is recorded before it is sent. */
@Injectable()
export class UserInfo {
  constructor(
    @Inject(PeopleStore) private readonly people: PeopleStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /** @throws {Problem} 403 `PERSON_UNKNOWN` for somebody who is not (or no longer) a person here */
  async read(caller: Caller): Promise<JsonObject> {
    const { subject, scopes } = caller.principal;
    const id = personIdSchema.safeParse(subject);
    const person = id.success ? await this.people.find(id.data) : undefined;
    if (person === undefined || person.disabledAt !== null) {
      const refused = { id: subject, outcome: 'denied', reason: 'PERSON_UNKNOWN' } as const;
      await this.outbox.recordDurably(events.event('userinfo.read', by(caller), refused));
      throw new Problem(403, 'PERSON_UNKNOWN', 'The person in this token is unknown here, or disabled.');
    }
    const changes = { scope: [...scopes].join(' ') };
    await this.outbox.recordDurably(events.event('userinfo.read', by(caller), { id: subject, changes }));
    return { sub: subject, ...claimsAboutPerson(person, [...scopes]) };
  }
}
