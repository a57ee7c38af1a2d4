import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, CLOCK, DATABASE, Problem, type Database, type RequestTrace } from '@countersign/service-host';
import { Consents } from '../consent/consents.service.js';
import { linesOf, recordedRights } from '../consent/asked-rights.js';
import { Delegations } from '../delegations/delegations.service.js';
import { events } from '../events.js';
import { AudienceWordsStore } from '../registry/audience-words.store.js';
import { type Client } from '../registry/client.js';
import { ClientDocuments } from '../registry/client-documents.service.js';
import { decideForPerson } from '../registry/people-policy.js';
import { Replica } from '../registry/replica.service.js';
import { type Session } from '../sessions/session.js';
import { byPerson } from '../sessions/sessions.service.js';
import { type DeviceRow } from './device.tables.js';
import { DevicesStore, GUESSES } from './devices.store.js';
import { DEVICE_SECONDS } from './polling.js';
import { digestOfUserCode, typedUserCode } from './user-code.js';

/** A device that waits, as its person is asked. */
export interface AskedDevice {
  readonly row: DeviceRow;
  readonly client: Client;
  readonly scopes: readonly string[];
  readonly userCode: string;
}

/** 400: the request that a person decides has ended. */
export function requestOver(): Problem {
  return new Problem(
    400,
    'REQUEST_OVER',
    "This device's request was already answered, or its code has expired. Start again on the device.",
  );
}

/** The person's side of a device without a browser: they enter the code that it shows, and decide (RFC 8628, section 3.3). */
@Injectable()
export class Devices {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(ClientDocuments) private readonly clients: ClientDocuments,
    @Inject(DevicesStore) private readonly store: DevicesStore,
    @Inject(Consents) private readonly consents: Consents,
    @Inject(AudienceWordsStore) private readonly words: AudienceWordsStore,
    @Inject(Delegations) private readonly delegations: Delegations,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /**
   * The device of a code that somebody typed.
   * @returns undefined for a code that no device waits for
   * @throws {Problem} 429 `CODES_TOO_MANY` after too many wrong ones; 403 `NOT_YOURS_TO_GIVE`
   */
  async find(typed: string, session: Session, trace: RequestTrace): Promise<AskedDevice | undefined> {
    const since = new Date(this.clock().getTime() - DEVICE_SECONDS * 1_000);
    const who = byPerson(session, trace);
    const refuse = async (reason: string): Promise<void> => {
      const details = { id: 'device', outcome: 'denied', reason } as const;
      await this.outbox.recordDurably(events.event('device.code_refused', who, details));
    };
    const guesses = await this.store.guess(session.person.id, since);
    if (guesses > GUESSES) {
      if (guesses === GUESSES + 1) await refuse('CODES_TOO_MANY');
      throw new Problem(
        429,
        'CODES_TOO_MANY',
        'You entered too many wrong codes. Wait ten minutes, then start again on the device.',
      );
    }
    const userCode = typedUserCode(typed);
    const row = userCode === undefined ? undefined : await this.store.waiting(this.#digestOf(userCode));
    const client = row === undefined ? undefined : await this.#usable(row.clientId);
    if (userCode === undefined || row === undefined || client === undefined) {
      await refuse('CODE_UNKNOWN');
      return undefined;
    }
    await this.store.right(session.person.id);
    const decision = decideForPerson(client.policy.people, row, session.person.roles);
    if (!decision.ok) {
      await refuse(decision.error);
      throw new Problem(403, 'NOT_YOURS_TO_GIVE', 'You do not have the rights that this application requests.');
    }
    return { row, client, scopes: decision.scopes, userCode };
  }

  /** That a person was asked. */
  async shown(
    { row: { id, clientId, audience, scopes } }: AskedDevice,
    session: Session,
    trace: RequestTrace,
  ): Promise<void> {
    const changes = recordedRights(clientId, { audience, scopes });
    await this.outbox.recordDurably(events.event('device.shown', byPerson(session, trace), { id, changes }));
  }

  /** Stores the person's decision. @throws {Problem} 400 `REQUEST_OVER` if it was decided before, or has expired */
  async decide(asked: AskedDevice, allows: boolean, session: Session, trace: RequestTrace): Promise<void> {
    const { row, client, scopes } = asked;
    const { person, id: sessionId, authenticatedAt: authTime, acr, amr } = session;
    const { audience } = row;
    const id = this.delegations.newId();
    const common = { id, personId: person.id, audience, scopes, sessionId, authTime, amr, roles: person.roles };
    const allowed = { ...common, ...(acr === undefined ? {} : { acr }) };
    const lines = linesOf({ scopes, words: await this.words.find(audience) });
    const who = allows ? { ...byPerson(session, trace), txn: id } : byPerson(session, trace);
    await this.database.transaction(async (transaction) => {
      if (!(await this.store.decide(transaction, row.id, allows ? allowed : undefined))) {
        throw requestOver();
      }
      const { client_id: clientId, client_name: name, publisher } = client;
      if (allows) {
        const shown = { client_name: name, publisher, lines };
        await this.consents.give(transaction, { personId: person.id, clientId, audience }, scopes, shown, who);
      }
      const changes = recordedRights(clientId, { audience, scopes });
      const details = { id: row.id, outcome: allows ? 'allowed' : 'denied', changes } as const;
      const reason = allows ? {} : { reason: 'access_denied' };
      await this.outbox.record(transaction, events.event('device.decided', who, { ...details, ...reason }));
    });
  }

  async #usable(clientId: string): Promise<Client | undefined> {
    const registered = await this.clients.find(clientId);
    return registered?.disabled === false ? registered.client : undefined;
  }

  #digestOf(userCode: string): string {
    return digestOfUserCode(userCode, this.replica.secretKey);
  }
}
