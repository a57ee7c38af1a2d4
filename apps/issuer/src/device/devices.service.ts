import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { uuidv7 } from '@countersign/audit-event';
import { DEVICE_CODE } from '@countersign/auth-core';
import {
  AUDIT_OUTBOX,
  CLOCK,
  DATABASE,
  networkOf,
  OAuthError,
  Problem,
  type Database,
  type RequestTrace,
} from '@countersign/service-host';
import { byClient } from '../authentication/by-client.js';
import { clientCredentialsOf } from '../authentication/client-credentials.js';
import { parseForm, type Form } from '../authentication/oauth-form.js';
import { RecordedAuthentication } from '../authentication/recorded-authentication.service.js';
import { digestOfSecret, newOneTimeSecret } from '../authorization/one-time-secret.js';
import { Consents } from '../consent/consents.service.js';
import { linesOf } from '../consent/asked-rights.js';
import { Delegations } from '../delegations/delegations.service.js';
import { events } from '../events.js';
import { ISSUER_URL } from '../issuer-url.js';
import { mayUseGrant } from '../registry/application.js';
import { AudienceWordsStore } from '../registry/audience-words.store.js';
import { type Client } from '../registry/client.js';
import { ClientDocuments } from '../registry/client-documents.service.js';
import { decideForApplication, decideForPerson, ISSUER_AUDIENCE } from '../registry/people-policy.js';
import { Replica } from '../registry/replica.service.js';
import { deviceOf, type Session } from '../sessions/session.js';
import { byPerson } from '../sessions/sessions.service.js';
import { tokenRequestOf } from '../authentication/token-request.js';
import { type DeviceRow } from './device.tables.js';
import { DevicesStore, GUESSES } from './devices.store.js';
import { POLL_SECONDS } from './polling.js';
import { digestOfUserCode, newUserCode, shownUserCode, typedUserCode } from './user-code.js';

/** Seconds that a person has to enter the code and decide. */
export const DEVICE_SECONDS = 600;
const ATTEMPTS = 5;

/** RFC 8628, section 3.2. */
export interface DeviceAnswer {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
}

/** A device that waits, as its person is asked. */
export interface AskedDevice {
  readonly row: DeviceRow;
  readonly client: Client;
  readonly scopes: readonly string[];
  readonly userCode: string;
}

/** 400: what a person decides is over. */
export function requestOver(): Problem {
  return new Problem(
    400,
    'REQUEST_OVER',
    'This device was already answered, or its code has expired. Start again on the device.',
  );
}

function requestOf(form: Form, { policy }: Client): { readonly audience: string; readonly scopes: readonly string[] } {
  const { resource, audience = resource } = form;
  const { scopes } = tokenRequestOf({ ...form, audience: audience ?? ISSUER_AUDIENCE });
  const decision = decideForApplication(policy.people, audience, scopes);
  if (!decision.ok) throw new OAuthError(400, decision.error, decision.description);
  return decision;
}

/** Devices without a browser: one shows a code, its person enters it elsewhere (RFC 8628). */
@Injectable()
export class Devices {
  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(RecordedAuthentication) private readonly authentication: RecordedAuthentication,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(ClientDocuments) private readonly clients: ClientDocuments,
    @Inject(DevicesStore) private readonly store: DevicesStore,
    @Inject(Consents) private readonly consents: Consents,
    @Inject(AudienceWordsStore) private readonly words: AudienceWordsStore,
    @Inject(Delegations) private readonly delegations: Delegations,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** A device begins. @throws {OAuthError} recorded by then */
  async begin(
    body: unknown,
    authorization: string | undefined,
    userAgent: string | undefined,
    trace: RequestTrace,
  ): Promise<DeviceAnswer> {
    const form = parseForm(body);
    const credentials = clientCredentialsOf(form, authorization);
    const clientId = await this.authentication.authenticate(credentials, 'device.refused', trace);
    const client = (await this.clients.find(clientId))?.client;
    if (client === undefined) throw new Error('an authenticated client is registered');
    const who = byClient(clientId, trace);
    try {
      if (!mayUseGrant(client, DEVICE_CODE)) {
        throw new OAuthError(400, 'unauthorized_client', 'the client does not declare this grant type');
      }
      const { audience, scopes } = requestOf(form, client);
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const answer = await this.#keep(clientId, { audience, scopes }, userAgent, trace);
        if (answer !== undefined) return answer;
      }
      throw new OAuthError(503, 'temporarily_unavailable', 'no code is free; try again', { 'retry-after': '1' });
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      const details = { id: clientId, outcome: 'denied', reason: error.error } as const;
      await this.outbox.recordDurably(events.event('device.refused', who, details));
      throw error;
    }
  }

  async #keep(
    clientId: string,
    { audience, scopes }: { readonly audience: string; readonly scopes: readonly string[] },
    userAgent: string | undefined,
    trace: RequestTrace,
  ): Promise<DeviceAnswer | undefined> {
    const now = this.clock();
    const [deviceCode, userCode, id] = [newOneTimeSecret(), newUserCode(), uuidv7(now.getTime())];
    const row = {
      ...{ id, clientId, audience, scopes, createdAt: now, every: POLL_SECONDS },
      deviceDigest: digestOfSecret(deviceCode),
      userCodeDigest: this.#digestOf(userCode),
      device: deviceOf(userAgent),
      network: networkOf(trace.peer),
      expiresAt: new Date(now.getTime() + DEVICE_SECONDS * 1_000),
    };
    const added = await this.database.transaction(async (transaction) => {
      if (!(await this.store.add(transaction, row))) return false;
      const changes = { client_id: clientId, audience, scope: scopes.join(' ') };
      await this.outbox.record(transaction, events.event('device.begun', byClient(clientId, trace), { id, changes }));
      return true;
    });
    if (!added) return undefined;
    const shown = shownUserCode(userCode);
    return {
      device_code: deviceCode,
      user_code: shown,
      verification_uri: `${this.issuer}/device`,
      verification_uri_complete: `${this.issuer}/device?user_code=${shown}`,
      expires_in: DEVICE_SECONDS,
      interval: POLL_SECONDS,
    };
  }

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
        'Too many codes were wrong. Wait ten minutes, then start again on the device.',
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
    const changes = { client_id: clientId, audience, scope: scopes.join(' ') };
    await this.outbox.recordDurably(events.event('device.shown', byPerson(session, trace), { id, changes }));
  }

  /** Keeps what the person decided. @throws {Problem} 400 `REQUEST_OVER` where that was decided before, or is over */
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
      const changes = { client_id: clientId, audience, scope: scopes.join(' ') };
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
