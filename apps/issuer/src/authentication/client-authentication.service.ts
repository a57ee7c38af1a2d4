import { Inject, Injectable } from '@nestjs/common';
import { supportedAlgorithms } from '@countersign/auth-core';
import { LOGGER, METRICS, OAuthError, type RequestTrace } from '@countersign/service-host';
import { type Logger } from 'pino';
import { type Registry } from 'prom-client';
import { AuthenticationLimits } from '../limits/authentication-limits.service.js';
import { ClientDocuments } from '../registry/client-documents.service.js';
import { type Client } from '../registry/client.js';
import { Replica } from '../registry/replica.service.js';
import { AssertionAuthentication, type AuthenticatedClient } from './assertion-authentication.service.js';
import { ClientAuthenticationFailed, enabledClient } from './authentication-failure.js';
import { measureAuthenticationWork } from './authentication-work.js';
import { type ClientCredentials } from './client-credentials.js';
import { prepareDecoys } from './decoy-keys.js';
import { SecretAuthentication } from './secret-authentication.service.js';
import { UsedAssertions } from './used-assertions.store.js';

function busy(): OAuthError {
  return new OAuthError(503, 'temporarily_unavailable', 'too many secrets are being checked; try again', {
    'retry-after': '1',
  });
}

/** Authenticates the client of a request to an OAuth endpoint, within the rate limits; the same for tokens, revocation and introspection. */
@Injectable()
export class ClientAuthentication {
  constructor(
    @Inject(Replica) private readonly replica: Replica,
    @Inject(ClientDocuments) private readonly documents: ClientDocuments,
    @Inject(SecretAuthentication) private readonly secrets: SecretAuthentication,
    @Inject(AssertionAuthentication) private readonly assertions: AssertionAuthentication,
    @Inject(UsedAssertions) private readonly used: UsedAssertions,
    @Inject(AuthenticationLimits) private readonly limits: AuthenticationLimits,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METRICS) metrics: Registry,
  ) {
    measureAuthenticationWork(metrics);
    prepareDecoys(supportedAlgorithms);
  }

  /**
   * @param credentials as {@link clientCredentialsOf} reads them from the form and the `Authorization` header
   * @param trace whose peer a failure counts against
   * @returns the client, according to the current registry; its assertion is used up
   * @throws {ClientAuthenticationFailed} record its `reason`, then answer with its `answer`
   * @throws {TooManyRequests} record the `first` one, then answer with it
   */
  async authenticate(credentials: ClientCredentials, trace: RequestTrace): Promise<Client> {
    await this.replica.refresh();
    const { client, assertion } = await this.verify(credentials, trace);
    if (assertion !== undefined && !(await this.used.useOnce(assertion))) {
      throw await this.replayed(client, trace);
    }
    return client;
  }

  /** @returns what to throw when an assertion turns out to be used up: as far as anybody can tell, the sender is not its client */
  replayed(client: Client, trace: RequestTrace): Promise<Error> {
    return this.#counted(this.assertions.replayed(client), trace);
  }

  /**
   * Like {@link authenticate}, with this replica's copy of the registry, and without using up the assertion: the caller commits that together
   * with what it issues, on condition that the registry's version is unchanged.
   * @param again whether the same request was verified before, because it counts only once
   * @throws {ClientAuthenticationFailed}
   * @throws {TooManyRequests}
   */
  async verify(credentials: ClientCredentials, trace: RequestTrace, again = false): Promise<AuthenticatedClient> {
    try {
      const known = await this.#verified(credentials, trace.peer);
      const spent = again ? undefined : this.#spend(known.client, trace.peer);
      const tooMany = spent instanceof Promise ? await spent : spent;
      if (tooMany !== undefined) throw tooMany;
      return known;
    } catch (error) {
      if (error instanceof ClientAuthenticationFailed && !again) throw await this.#counted(error, trace);
      throw error;
    }
  }

  /** Anybody may use a public client's name, so its requests are counted by network; otherwise one caller could use up the others' limit. */
  #spend(client: Client, peer: string): ReturnType<AuthenticationLimits['ofClient']> {
    return client.token_endpoint_auth_method === 'none' ? this.limits.ofVisitor(peer) : this.limits.ofClient(client);
  }

  /** @returns what to throw: beyond its network's limit a failure is refused like any other, and reveals nothing */
  async #counted(failure: ClientAuthenticationFailed, trace: RequestTrace): Promise<Error> {
    const tooMany = await this.limits.ofFailure(trace.peer);
    if (tooMany !== undefined) return tooMany;
    const { reason, claimedClientId } = failure;
    const { requestId, traceId, peer } = trace;
    const seen = { request_id: requestId, trace_id: traceId, peer, client_id: claimedClientId, reason };
    this.logger.info(seen, 'client authentication failed');
    return failure;
  }

  async #verified(credentials: ClientCredentials, peer: string): Promise<AuthenticatedClient> {
    switch (credentials.method) {
      case 'none':
        throw new ClientAuthenticationFailed(credentials.reason, undefined, credentials.answer);
      case 'public':
        return this.#byName(credentials.clientId);
      case 'client_secret_basic':
        return this.#bySecret(credentials.clientId, credentials.secret, peer);
      case 'private_key_jwt':
        return this.assertions.authenticate(credentials);
    }
  }

  /** A public client (RFC 6749, section 2.1) has no credentials; anybody may use its name, which by itself grants nothing. */
  async #byName(clientId: string): Promise<AuthenticatedClient> {
    const registered = await this.documents.find(clientId);
    if (registered?.client.token_endpoint_auth_method !== 'none') {
      throw new ClientAuthenticationFailed('CREDENTIALS_MISSING', clientId);
    }
    return { client: enabledClient(registered), assertion: undefined };
  }

  async #bySecret(clientId: string, secret: string, peer: string): Promise<AuthenticatedClient> {
    const registered = this.replica.client(clientId);
    const mayBeSlow = !this.limits.refusesFailures(peer);
    const fault = await this.secrets.fault({ clientId, secret, registered, peer, mayBeSlow });
    if (fault === 'SECRET_CHECKS_BUSY') throw new ClientAuthenticationFailed(fault, clientId, busy());
    if (registered === undefined) throw new ClientAuthenticationFailed('CLIENT_UNKNOWN', clientId);
    if (fault !== undefined) throw new ClientAuthenticationFailed(fault, clientId);
    return { client: enabledClient(registered), assertion: undefined };
  }
}
