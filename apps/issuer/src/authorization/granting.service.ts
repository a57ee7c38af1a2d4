import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import {
  AUDIT_OUTBOX,
  CLOCK,
  DATABASE,
  Problem,
  type Database,
  type RequestTrace,
  type Transaction,
} from '@countersign/service-host';
import { recordedRights, type ConsentLine } from '../consent/asked-rights.js';
import { Consents, asksEachTime } from '../consent/consents.service.js';
import { Delegations } from '../delegations/delegations.service.js';
import { events } from '../events.js';
import { ISSUER_URL } from '../issuer-url.js';
import { type Session } from '../sessions/session.js';
import { byPerson } from '../sessions/sessions.service.js';
import { answerLocation } from './answer.js';
import { CODE_LIFE_SECONDS } from './code.js';
import { CodesStore } from './codes.store.js';
import { digestOfSecret, newOneTimeSecret } from './one-time-secret.js';
import { type FoundRequest } from './request-reader.service.js';
import { AuthorizationRequests } from './requests.store.js';

/** What a person decided on the page. */
export interface Decision {
  /** What the page named. */
  readonly scopes: readonly string[];
  readonly lines: readonly ConsentLine[];
}

/** From consent to code: whether the person must be asked, and what follows from their consent. */
@Injectable()
export class Granting {
  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(AuthorizationRequests) private readonly requests: AuthorizationRequests,
    @Inject(CodesStore) private readonly codes: CodesStore,
    @Inject(Consents) private readonly consents: Consents,
    @Inject(Delegations) private readonly delegations: Delegations,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** Whether the person must be asked for their consent. */
  async mustAsk(
    { client, request }: FoundRequest,
    personId: string,
    audience: string,
    scopes: readonly string[],
    transaction?: Transaction,
  ): Promise<boolean> {
    if (request.prompt.includes('consent')) return true;
    if (client.trusted === true) return false;
    if (asksEachTime(client, request.redirectUri)) return true;
    return !(await this.consents.covers({ personId, clientId: client.client_id, audience }, scopes, transaction));
  }

  /**
   * Stores the person's decision, and a code for it, in one transaction.
   * @param decision undefined if the person need not be asked
   * @returns where the browser goes; undefined if nobody was asked and the person is just withdrawing their consent
   * @throws {Problem} 400 `REQUEST_OVER`
   */
  async grant(
    found: FoundRequest,
    session: Session,
    scopes: readonly string[],
    decision: Decision | undefined,
    trace: RequestTrace,
  ): Promise<string | undefined> {
    const { client, request, kept } = found;
    const { person, id: sessionId, authenticatedAt: authTime, acr, amr } = session;
    const { audience, nonce, redirectUri, state, codeChallenge, dpopKey } = request;
    const { client_id: clientId, client_name: name, publisher } = client;
    const id = this.delegations.newId();
    const code = newOneTimeSecret();
    const who = { ...byPerson(session, trace), txn: id };
    const isGranted = await this.database.transaction(async (transaction) => {
      const key = { personId: person.id, clientId, audience };
      if (decision !== undefined) await this.consents.hold(transaction, key);
      else if (await this.mustAsk(found, person.id, audience, scopes, transaction)) return false;
      if (kept !== undefined && !(await this.requests.answer(transaction, kept.id))) {
        throw new Problem(400, 'REQUEST_OVER', 'This request was already answered. Go back to the application.');
      }
      if (decision !== undefined) {
        const shown = { client_name: name, publisher, lines: decision.lines };
        await this.consents.give(transaction, key, scopes, shown, who);
      }
      await this.codes.add(transaction, {
        digest: digestOfSecret(code),
        ...{ clientId, redirectUri, codeChallenge, dpopKey },
        allowed: {
          id,
          personId: person.id,
          audience,
          scopes,
          sessionId,
          authTime,
          acr,
          amr,
          roles: person.roles,
          nonce,
        },
        expiresAt: new Date(this.clock().getTime() + CODE_LIFE_SECONDS * 1_000),
      });
      const changes = recordedRights(clientId, { audience, scopes });
      await this.outbox.record(transaction, events.event('authorization-request.granted', who, { id, changes }));
      return true;
    });
    if (!isGranted) return undefined;
    return answerLocation({ redirectUri, state, members: { code } }, this.issuer);
  }
}
