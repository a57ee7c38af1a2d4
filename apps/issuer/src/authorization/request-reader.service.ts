import { Inject, Injectable } from '@nestjs/common';
import { Problem } from '@countersign/service-host';
import { mayUseGrant } from '../registry/application.js';
import { type Client } from '../registry/client.js';
import { decideForApplication } from '../registry/people-policy.js';
import { isDeclaredRedirect } from '../registry/redirect-uri.js';
import { ClientDocuments } from '../registry/client-documents.service.js';
import { Replica } from '../registry/replica.service.js';
import { provenRedirect, readAuthorization, stateOf, type Parameters } from './authorization-parameters.js';
import { AuthorizationRefused } from './authorization-refused.js';
import { type AuthorizationRequest } from './authorization-request.js';
import { HINTS, type HintReader } from './id-token-hints.js';
import { AuthorizationRequests, isKeptUri, type KeptRequest } from './requests.store.js';

/** A request whose client and redirect are proven. */
export interface FoundRequest {
  readonly client: Client;
  readonly request: AuthorizationRequest;
  /** If it was pushed, or was here before. */
  readonly kept: KeptRequest | undefined;
}

/** One page for everything that cannot be proven: it repeats nothing of the request, and does not reveal which clients exist. */
function unproven(): Problem {
  return new Problem(
    400,
    'APPLICATION_UNPROVEN',
    'The application that sent you here is unknown, or it wants the response sent to an address that it has not registered. Nothing was sent there.',
  );
}

function over(): Problem {
  return new Problem(
    400,
    'REQUEST_OVER',
    'This request is no longer valid: it was already answered or has expired. Go back to the application and start again.',
  );
}

/** Reads requests from browsers, as parameters or by reference. */
@Injectable()
export class RequestReader {
  constructor(
    @Inject(Replica) private readonly replica: Replica,
    @Inject(ClientDocuments) private readonly clients: ClientDocuments,
    @Inject(AuthorizationRequests) private readonly requests: AuthorizationRequests,
    @Inject(HINTS) private readonly hints: HintReader,
  ) {}

  /**
   * @throws {Problem} 400 `APPLICATION_UNPROVEN`, `REQUEST_OVER`: nothing may be sent to a redirect URI
   * @throws {AuthorizationRefused} the error for the application
   */
  async read(parameters: Parameters): Promise<FoundRequest> {
    const { values, repeated } = parameters;
    const clientId = values.get('client_id');
    if (clientId === undefined || repeated.has('client_id')) throw unproven();
    const client = await this.#clientOf(clientId);
    const uri = values.get('request_uri');
    if (uri !== undefined && !repeated.has('request_uri') && isKeptUri(uri)) return this.kept(uri, client);
    const redirectUri = provenRedirect(parameters, client);
    if (redirectUri === undefined) throw unproven();
    const to = { clientId, redirectUri, state: stateOf(parameters) };
    if (client.require_pushed_authorization_requests === true) {
      throw new AuthorizationRefused(to, 'invalid_request', 'this client must push its requests (RFC 9126)');
    }
    const read = readAuthorization(parameters, client, redirectUri, this.hints);
    if ('fault' in read) throw new AuthorizationRefused(to, read.fault.error, read.fault.description);
    return { client, request: read.request, kept: undefined };
  }

  /** By its `request_uri`; the client's declaration may have changed since. @throws as {@link read} */
  async byReference(uri: string, clientId: string): Promise<FoundRequest> {
    if (!isKeptUri(uri)) throw over();
    return this.kept(uri, await this.#clientOf(clientId));
  }

  private async kept(uri: string, client: Client): Promise<FoundRequest> {
    const kept = await this.requests.show(uri, client.client_id);
    if (kept === undefined) throw over();
    const { request } = kept;
    const { redirect_uris: declared = [], application_type: type = 'web', client_id: clientId, policy } = client;
    if (!isDeclaredRedirect(declared, type, request.redirectUri)) throw unproven();
    const decision = decideForApplication(policy.people, request.audience, request.scopes);
    if (!decision.ok) {
      const to = { clientId, ...request, native: type === 'native', keptId: kept.id };
      throw new AuthorizationRefused(to, decision.error, decision.description);
    }
    return { client, request, kept };
  }

  async #clientOf(clientId: string): Promise<Client> {
    await this.replica.refresh();
    const registered = await this.clients.find(clientId);
    if (registered === undefined || registered.disabled || !mayUseGrant(registered.client, 'authorization_code')) {
      throw unproven();
    }
    return registered.client;
  }
}
