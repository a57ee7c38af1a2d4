import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, DATABASE, OAuthError, type Database, type RequestTrace } from '@countersign/service-host';
import { byClient } from '../authentication/by-client.js';
import { clientCredentialsOf } from '../authentication/client-credentials.js';
import { parseForm, type Form } from '../authentication/oauth-form.js';
import { RecordedAuthentication } from '../authentication/recorded-authentication.service.js';
import { SenderConstraint } from '../authentication/sender-constraint.service.js';
import { recordedRights } from '../consent/asked-rights.js';
import { events } from '../events.js';
import { mayUseGrant } from '../registry/application.js';
import { type Client } from '../registry/client.js';
import { ClientDocuments } from '../registry/client-documents.service.js';
import { parametersOf, provenRedirect, readAuthorization } from './authorization-parameters.js';
import { type AuthorizationRequest } from './authorization-request.js';
import { HINTS, type HintReader } from './id-token-hints.js';
import { AuthorizationRequests, PUSHED_SECONDS } from './requests.store.js';

/** RFC 9126, section 2.2. */
export interface PushedAnswer {
  readonly request_uri: string;
  /** Seconds. */
  readonly expires_in: number;
}

const refused = (error: string, description: string): OAuthError => new OAuthError(400, error, description);

function requestOf(form: Form, client: Client, hints: HintReader): AuthorizationRequest {
  if (!mayUseGrant(client, 'authorization_code')) {
    throw refused('unauthorized_client', 'the client does not declare the grant type authorization_code');
  }
  if (form['request_uri'] !== undefined) throw refused('invalid_request', 'request_uri must not be pushed');
  const parameters = parametersOf(Object.entries(form));
  const redirectUri = provenRedirect(parameters, client);
  if (redirectUri === undefined) throw refused('invalid_request', 'redirect_uri must be one that the client declares');
  const read = readAuthorization(parameters, client, redirectUri, hints);
  if ('fault' in read) throw refused(read.fault.error, read.fault.description);
  return read.request;
}

/** Requests pushed by applications, so that a browser carries only a reference (RFC 9126). */
@Injectable()
export class PushedRequests {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(RecordedAuthentication) private readonly authentication: RecordedAuthentication,
    @Inject(SenderConstraint) private readonly constraint: SenderConstraint,
    @Inject(ClientDocuments) private readonly clients: ClientDocuments,
    @Inject(AuthorizationRequests) private readonly requests: AuthorizationRequests,
    @Inject(HINTS) private readonly hints: HintReader,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /** @throws {OAuthError} recorded by then */
  async push(
    body: unknown,
    { authorization, dpop }: { readonly authorization: string | undefined; readonly dpop: string | undefined },
    trace: RequestTrace,
  ): Promise<PushedAnswer> {
    const form = parseForm(body);
    const credentials = clientCredentialsOf(form, authorization);
    const id = await this.authentication.authenticate(credentials, 'authorization-request.push_refused', trace);
    const client = (await this.clients.find(id))?.client;
    if (client === undefined) throw new Error('an authenticated client must be registered');
    const who = byClient(id, trace);
    try {
      const request = await this.#boundTo(requestOf(form, client, this.hints), dpop);
      const kept = await this.database.transaction(async (transaction) => {
        const pushed = await this.requests.keep(transaction, id, request, true);
        const changes = recordedRights(id, request);
        await this.outbox.record(
          transaction,
          events.event('authorization-request.pushed', who, { id: pushed.id, changes }),
        );
        return pushed;
      });
      return { request_uri: kept.uri, expires_in: PUSHED_SECONDS };
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      const details = { id, outcome: 'denied', reason: error.error } as const;
      await this.outbox.recordDurably(events.event('authorization-request.push_refused', who, details));
      throw error;
    }
  }

  /** A proof sent with the request means the same as `dpop_jkt`, and proves it. */
  async #boundTo(request: AuthorizationRequest, header: string | undefined): Promise<AuthorizationRequest> {
    const proof = this.constraint.proofOf(header, {}, '/oauth2/par');
    if (proof === undefined) return request;
    const { dpopKey = proof.thumbprint } = request;
    if (dpopKey !== proof.thumbprint)
      throw refused('invalid_dpop_proof', 'dpop_jkt does not match the key of the proof');
    const used = await this.constraint.useOnce(proof);
    if (used !== undefined) throw used;
    return { ...request, dpopKey };
  }
}
