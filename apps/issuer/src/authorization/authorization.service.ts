import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import {
  AUDIT_OUTBOX,
  byNobody,
  CLOCK,
  DATABASE,
  Problem,
  type Database,
  type RequestTrace,
  type Transaction,
} from '@countersign/service-host';
import { Consents, asksEachTime } from '../consent/consents.service.js';
import { type ConsentLine } from '../consent/asked-rights.js';
import { Delegations } from '../delegations/delegations.service.js';
import { events } from '../events.js';
import { ISSUER_URL } from '../issuer-url.js';
import { decideForPerson } from '../registry/people-policy.js';
import { type Session } from '../sessions/session.js';
import { byPerson } from '../sessions/sessions.service.js';
import { answerLocation } from './answer.js';
import { AuthorizationRefused } from './authorization-refused.js';
import { CODE_LIFE_SECONDS } from './code.js';
import { CodesStore } from './codes.store.js';
import { digestOfSecret, newOneTimeSecret } from './one-time-secret.js';
import { type FoundRequest } from './request-reader.service.js';
import { AuthorizationRequests, type KeptRequest } from './requests.store.js';
import { signInNeed } from './sign-in-need.js';

/** What a request comes to. */
export type Step =
  | { readonly kind: 'answer'; readonly location: string }
  | { readonly kind: 'sign-in'; readonly kept: KeptRequest; readonly again: boolean }
  | { readonly kind: 'consent'; readonly kept: KeptRequest; readonly scopes: readonly string[] };

/** What a person decided on the page. */
export interface Decision {
  /** What the page named. */
  readonly scopes: readonly string[];
  readonly lines: readonly ConsentLine[];
}

const changesOf = (clientId: string, { audience, scopes }: { audience: string; scopes: readonly string[] }) => ({
  client_id: clientId,
  audience,
  scope: scopes.join(' '),
});

/** Request → sign-in → consent → code, each step by itself: whatever was decided before is checked again. */
@Injectable()
export class Authorization {
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

  /**
   * @param decision what the person has just allowed; undefined for a request that a browser brings
   * @throws {AuthorizationRefused} the error for the application
   * @throws {Problem} 400 `REQUEST_OVER` for a request that was answered in the meantime
   */
  async step(
    found: FoundRequest,
    session: Session | undefined,
    decision: Decision | undefined,
    trace: RequestTrace,
  ): Promise<Step> {
    const { client, request, kept } = found;
    const silent = request.prompt.includes('none');
    const need = signInNeed(request, session, kept?.shownAt ?? this.clock());
    if (session === undefined || need !== 'none') {
      if (silent) throw this.#refused(found, 'login_required', 'the person must sign in first');
      return { kind: 'sign-in', kept: await this.#wait(found, session, 'sign-in', trace), again: need === 'again' };
    }
    const { person } = session;
    if (request.subject !== undefined && request.subject !== person.id)
      throw this.#refused(found, 'login_required', 'another person signed in than the id_token_hint names');
    const given = decideForPerson(client.policy.people, request, person.roles);
    if (!given.ok) throw this.#refused(found, given.error, given.description);
    const { audience, scopes } = given;
    const decided = decision !== undefined && scopes.every((scope) => decision.scopes.includes(scope));
    const mayGrant = decided || !(await this.#mustAsk(found, person.id, audience, scopes));
    const granted = mayGrant
      ? await this.#grant(found, session, scopes, decided ? decision : undefined, trace)
      : undefined;
    if (granted !== undefined) return granted;
    if (silent) throw this.#refused(found, 'consent_required', 'the person must consent first');
    return { kind: 'consent', kept: await this.#wait(found, session, 'consent', trace), scopes };
  }

  /** Refuses the application's request at its redirect. @returns where the browser goes */
  async refuse(
    { to, error, description }: AuthorizationRefused,
    session: Session | undefined,
    trace: RequestTrace,
  ): Promise<string> {
    const { clientId, audience, scopes, keptId, redirectUri, state } = to;
    const who = session === undefined ? byNobody(trace) : byPerson(session, trace);
    const changes = { audience, scope: scopes?.join(' ') };
    const details = { id: clientId, outcome: 'denied', reason: error, changes } as const;
    await this.database.transaction(async (transaction) => {
      if (keptId !== undefined) await this.requests.answer(transaction, keptId);
      await this.outbox.record(transaction, events.event('authorization-request.refused', who, details));
    });
    return answerLocation({ redirectUri, state, members: { error, error_description: description } }, this.issuer);
  }

  /** The person says no. */
  declined(found: FoundRequest): AuthorizationRefused {
    return this.#refused(found, 'access_denied', 'the person refused');
  }

  #refused(
    { client, request, kept }: FoundRequest,
    error: AuthorizationRefused['error'],
    description: string,
  ): AuthorizationRefused {
    const { redirectUri, state, audience, scopes } = request;
    const native = client.application_type === 'native';
    const to = { clientId: client.client_id, redirectUri, native, state, audience, scopes };
    return new AuthorizationRefused(kept === undefined ? to : { ...to, keptId: kept.id }, error, description);
  }

  async #mustAsk(
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

  /** Keeps a request until the person has signed in or decided. */
  async #wait(
    { client, request, kept }: FoundRequest,
    session: Session | undefined,
    waitsFor: 'sign-in' | 'consent',
    trace: RequestTrace,
  ): Promise<KeptRequest> {
    const who = session === undefined ? byNobody(trace) : byPerson(session, trace);
    return this.database.transaction(async (transaction) => {
      const waiting = kept ?? (await this.requests.keep(transaction, client.client_id, request, false));
      const changes = { ...changesOf(client.client_id, request), waits_for: waitsFor };
      const shown = events.event('authorization-request.shown', who, { id: waiting.id, changes });
      await this.outbox.record(transaction, shown);
      return waiting;
    });
  }

  /** @returns undefined where nobody was asked and the person has withdrawn their consent at this very moment */
  async #grant(
    found: FoundRequest,
    session: Session,
    scopes: readonly string[],
    decision: Decision | undefined,
    trace: RequestTrace,
  ): Promise<Step | undefined> {
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
      else if (await this.#mustAsk(found, person.id, audience, scopes, transaction)) return false;
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
      const changes = changesOf(clientId, { audience, scopes });
      await this.outbox.record(transaction, events.event('authorization-request.granted', who, { id, changes }));
      return true;
    });
    if (!isGranted) return undefined;
    return { kind: 'answer', location: answerLocation({ redirectUri, state, members: { code } }, this.issuer) };
  }
}
