import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type EventContext } from '@countersign/audit-event';
import { AUDIT_OUTBOX, byNobody, type RequestTrace } from '@countersign/service-host';
import { events } from '../events.js';
import { TooManyRequests } from '../limits/authentication-limits.service.js';
import { byClient } from './by-client.js';
import { ClientAuthenticationFailed } from './authentication-failure.js';
import { ClientAuthentication } from './client-authentication.service.js';
import { type ClientCredentials } from './client-credentials.js';

/** The event for a client that an endpoint refuses. */
export type RefusedClientEvent =
  'token.revoke_refused' | 'token.introspect_refused' | 'authorization-request.push_refused' | 'device.refused';

/** Authenticates the client of an OAuth endpoint whose decision is separate, and records failures. */
@Injectable()
export class RecordedAuthentication {
  constructor(
    @Inject(ClientAuthentication) private readonly authentication: ClientAuthentication,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /**
   * @param event the event that records a refusal
   * @returns the client's id
   * @throws {OAuthError} `invalid_client`; 429 beyond a rate limit
   */
  async authenticate(credentials: ClientCredentials, event: RefusedClientEvent, trace: RequestTrace): Promise<string> {
    try {
      if (credentials.method === 'public' && event === 'token.introspect_refused') {
        throw new ClientAuthenticationFailed('CREDENTIALS_MISSING', credentials.clientId);
      }
      return (await this.authentication.authenticate(credentials, trace)).client_id;
    } catch (error) {
      if (error instanceof TooManyRequests && error.first) {
        const clientId = error.client?.client_id;
        const context = clientId === undefined ? byNobody(trace) : byClient(clientId, trace);
        await this.#refused(event, context, clientId, 'RATE_LIMITED');
      }
      if (!(error instanceof ClientAuthenticationFailed)) throw error;
      await this.#refused(event, byNobody(trace), error.claimedClientId, error.reason);
      throw error.answer;
    }
  }

  async #refused(
    event: RefusedClientEvent,
    context: EventContext,
    clientId: string | undefined,
    reason: string,
  ): Promise<void> {
    const details = { kind: 'client', id: clientId ?? 'unknown', outcome: 'denied', reason } as const;
    await this.outbox.recordDurably(events.event(event, context, details));
  }
}
