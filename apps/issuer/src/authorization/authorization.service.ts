import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, byNobody, CLOCK, DATABASE, type Database, type RequestTrace } from '@countersign/service-host';
import { recordedRights } from '../consent/asked-rights.js';
import { events } from '../events.js';
import { ISSUER_URL } from '../issuer-url.js';
import { decideForPerson } from '../registry/people-policy.js';
import { type Session } from '../sessions/session.js';
import { byPerson } from '../sessions/sessions.service.js';
import { answerLocation } from './answer.js';
import { AuthorizationRefused } from './authorization-refused.js';
import { Granting, type Decision } from './granting.service.js';
import { type FoundRequest } from './request-reader.service.js';
import { AuthorizationRequests, type KeptRequest } from './requests.store.js';
import { signInNeed } from './sign-in-need.js';

/** What a request comes to. */
export type Step =
  | { readonly kind: 'answer'; readonly location: string }
  | { readonly kind: 'sign-in'; readonly kept: KeptRequest; readonly again: boolean }
  | { readonly kind: 'consent'; readonly kept: KeptRequest; readonly scopes: readonly string[] };

/** Request → sign-in → consent → code, each step independent: whatever was decided before is checked again. */
@Injectable()
export class Authorization {
  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(AuthorizationRequests) private readonly requests: AuthorizationRequests,
    @Inject(Granting) private readonly granting: Granting,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /**
   * @param decision what the person has just allowed; undefined for a request from a browser
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
      throw this.#refused(found, 'login_required', 'the person who signed in is not the one named by id_token_hint');
    const given = decideForPerson(client.policy.people, request, person.roles);
    if (!given.ok) throw this.#refused(found, given.error, given.description);
    const { audience, scopes } = given;
    const decided = decision !== undefined && scopes.every((scope) => decision.scopes.includes(scope));
    const mayGrant = decided || !(await this.granting.mustAsk(found, person.id, audience, scopes));
    const location = mayGrant
      ? await this.granting.grant(found, session, scopes, decided ? decision : undefined, trace)
      : undefined;
    if (location !== undefined) return { kind: 'answer', location };
    if (silent) throw this.#refused(found, 'consent_required', 'the person must consent first');
    return { kind: 'consent', kept: await this.#wait(found, session, 'consent', trace), scopes };
  }

  /** Refuses the application's request through its redirect. @returns where the browser goes */
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

  /** Stores a request until the person has signed in or decided. */
  async #wait(
    { client, request, kept }: FoundRequest,
    session: Session | undefined,
    waitsFor: 'sign-in' | 'consent',
    trace: RequestTrace,
  ): Promise<KeptRequest> {
    const who = session === undefined ? byNobody(trace) : byPerson(session, trace);
    return this.database.transaction(async (transaction) => {
      const waiting = kept ?? (await this.requests.keep(transaction, client.client_id, request, false));
      const changes = { ...recordedRights(client.client_id, request), waits_for: waitsFor };
      const shown = events.event('authorization-request.shown', who, { id: waiting.id, changes });
      await this.outbox.record(transaction, shown);
      return waiting;
    });
  }
}
