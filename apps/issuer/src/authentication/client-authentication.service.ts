import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { supportedAlgorithms } from '@countersign/auth-core';
import { CLOCK, LOGGER, METRICS, OAuthError, type RequestTrace } from '@countersign/service-host';
import { type Logger } from 'pino';
import { type Registry } from 'prom-client';
import { ISSUER_URL } from '../issuer-url.js';
import { AuthenticationLimits } from '../limits/authentication-limits.service.js';
import { ClientDocuments } from '../registry/client-documents.service.js';
import { claimedName, type Client } from '../registry/client.js';
import { type RegisteredClient } from '../registry/registered-client.js';
import { RemoteKeys, type Candidates } from '../registry/remote-keys.service.js';
import { Replica } from '../registry/replica.service.js';
import { AssertionAge } from './assertion-age.service.js';
import { measureAuthenticationWork } from './authentication-work.js';
import {
  ASSERTION_LIFETIME_LIMIT,
  assertionHint,
  claimsFault,
  FAILED,
  parseAssertion,
  signatureFault,
  TOLERANCE_SECONDS,
  WORKLOAD_LIFETIME_LIMIT,
  workloadFault,
  type Assertion,
  type AssertionFault,
} from './client-assertion.js';
import { type ClientCredentials } from './client-credentials.js';
import { prepareDecoys } from './decoy-keys.js';
import { SecretAuthentication } from './secret-authentication.service.js';
import { UsedAssertions, type UsedAssertion } from './used-assertions.store.js';

/** Milliseconds that an assertion may wait for keys to be fetched. */
const FETCH_LIMIT_MS = 200;
/** Milliseconds after which a failed assertion is answered, where any client's keys are fetched: whether or not anyone waited for a fetch. */
const FAILURE_AFTER_MS = 250;

const NO_KEYS: Candidates = [];

/**
 * One response for every failure, so that nobody can find out which clients and keys exist (RFC 6749, section 5.2).
 * @param description for a client that is known by a valid signature: it may learn what is wrong with the claims
 */
function invalidClient(description = FAILED): OAuthError {
  return new OAuthError(401, 'invalid_client', description, {
    'www-authenticate': 'Basic realm="issuer"',
  });
}

function busy(): OAuthError {
  return new OAuthError(503, 'temporarily_unavailable', 'too many secrets are being checked; try again', {
    'retry-after': '1',
  });
}

/** Who tried, as far as known, and why it failed: for the audit trail and the logs. */
export class ClientAuthenticationFailed extends Error {
  readonly claimedClientId: string | undefined;
  constructor(
    readonly reason: string,
    claimed: string | undefined,
    readonly answer = invalidClient(),
  ) {
    super(reason);
    this.claimedClientId = claimedName(claimed);
  }
}

/** A client that showed good credentials. */
export interface AuthenticatedClient {
  readonly client: Client;
  /** The assertion that is still to be used up: in one commit with what it authorizes. */
  readonly assertion: UsedAssertion | undefined;
}

type SignedCredentials = Extract<ClientCredentials, { method: 'private_key_jwt' }>;

/** Authenticates the client of a request to an OAuth endpoint, within the rate limits; the same for tokens, revocation and introspection. */
@Injectable()
export class ClientAuthentication {
  constructor(
    @Inject(Replica) private readonly replica: Replica,
    @Inject(RemoteKeys) private readonly remoteKeys: RemoteKeys,
    @Inject(ClientDocuments) private readonly documents: ClientDocuments,
    @Inject(SecretAuthentication) private readonly secrets: SecretAuthentication,
    @Inject(UsedAssertions) private readonly used: UsedAssertions,
    @Inject(AuthenticationLimits) private readonly limits: AuthenticationLimits,
    @Inject(AssertionAge) private readonly age: AssertionAge,
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METRICS) metrics: Registry,
  ) {
    measureAuthenticationWork(metrics);
    prepareDecoys(supportedAlgorithms);
  }

  /**
   * @param credentials as {@link clientCredentialsOf} reads them from the form and the `Authorization` header
   * @param trace whose peer pays for a failure
   * @returns the client, by the registry of this moment; its assertion is used up
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

  /** @returns what to throw when an assertion turns out to be used up: anyone who shows it is not its client, as far as anybody can tell */
  replayed(client: Client, trace: RequestTrace): Promise<Error> {
    return this.#counted(
      this.#named('ASSERTION_REPLAYED', { client, disabled: false }, ASSERTION_LIFETIME_LIMIT),
      trace,
    );
  }

  /**
   * Like {@link authenticate}, by the registry as this replica holds it, and without using the assertion up: the caller commits that together
   * with what it hands out, under the condition that the registry's version still holds.
   * @param again whether the same request was verified before: it is counted once
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

  /** Anybody may use a public client's name, so its requests are counted by network, lest one caller spend the others' limit. */
  #spend(client: Client, peer: string): ReturnType<AuthenticationLimits['ofClient']> {
    return client.token_endpoint_auth_method === 'none' ? this.limits.ofVisitor(peer) : this.limits.ofClient(client);
  }

  /** @returns what to throw: beyond the limit of its network a failure is refused like any other there, and reveals nothing */
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
        return this.replica.hasRemoteKeys ? this.#failingLate(credentials) : this.#byAssertion(credentials);
    }
  }

  /** A public client (RFC 6749, section 2.1) has no credentials; anybody may use its name, and that by itself grants nothing. */
  async #byName(clientId: string): Promise<AuthenticatedClient> {
    const registered = await this.documents.find(clientId);
    if (registered?.client.token_endpoint_auth_method !== 'none') {
      throw new ClientAuthenticationFailed('CREDENTIALS_MISSING', clientId);
    }
    return { client: enabledClient(registered), assertion: undefined };
  }

  /** A fetch of keys in progress would show in the time of a failure, and with it that there is such a client: so all failures take the same. */
  async #failingLate(credentials: SignedCredentials): Promise<AuthenticatedClient> {
    const startedAt = performance.now();
    try {
      return await this.#byAssertion(credentials);
    } catch (error) {
      if (error instanceof ClientAuthenticationFailed) await delay(FAILURE_AFTER_MS - (performance.now() - startedAt));
      throw error;
    }
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

  /**
   * A signed assertion for this issuer (RFC 7523). The client's own (`private_key_jwt`) is valid for at most 60 seconds and works once. One
   * that an outside issuer signed for a workload is valid as long as it says, and `client_id` names the client that it stands for.
   */
  async #byAssertion({ assertion: text, clientId: named }: SignedCredentials): Promise<AuthenticatedClient> {
    const assertion = parseAssertion(text);
    if (typeof assertion === 'string') throw new ClientAuthenticationFailed(assertion, named);
    const { iss, sub } = assertion.claims;
    const claimed = named ?? (typeof sub === 'string' ? sub : undefined);
    const registered = claimed === undefined ? undefined : this.replica.client(claimed);
    const outside = registered?.client.trusted_issuers.filter(({ issuer }) => issuer === iss) ?? [];
    if (registered !== undefined && outside.length > 0 && iss !== claimed) {
      return this.#byWorkload(registered, assertion, outside);
    }
    const found = registered === undefined ? NO_KEYS : this.#candidates(registered, assertion);
    const candidates = found instanceof Promise ? await found : found;
    const fault = signatureFault(assertion, candidates);
    if (registered === undefined) throw new ClientAuthenticationFailed('CLIENT_UNKNOWN', claimed);
    const { client_id: id } = registered.client;
    if (fault !== undefined) throw new ClientAuthenticationFailed(fault, id);
    const audiences = [this.issuer, `${this.issuer}/oauth2/token`];
    const expected = { issuer: id, subject: id, audiences, issuedSince: this.age.since };
    const wrong = claimsFault(assertion.claims, expected, this.clock().getTime() / 1_000);
    if (wrong !== undefined) throw this.#named(wrong, registered, ASSERTION_LIFETIME_LIMIT);
    const { jti, exp } = assertion.claims;
    const expiresAt = Number(exp) + TOLERANCE_SECONDS;
    return { client: enabledClient(registered), assertion: { clientId: id, jti: String(jti), expiresAt } };
  }

  /** The outside issuer may have several entries, for several subjects or audiences: the one that the claims fit best counts. */
  async #byWorkload(
    registered: RegisteredClient,
    assertion: Assertion,
    outside: Client['trusted_issuers'],
  ): Promise<AuthenticatedClient> {
    const { client_id: id } = registered.client;
    const now = this.clock().getTime() / 1_000;
    const attempts = outside.map((trusted) => {
      const audience = trusted.audience ?? this.issuer;
      return { uri: trusted.jwks_uri, audience, fault: workloadFault(assertion.claims, trusted, audience, now) };
    });
    const ofSubject = attempts.filter(({ fault }) => fault !== 'ASSERTION_SUBJECT');
    const attempt = ofSubject.find(({ fault }) => fault === undefined) ?? ofSubject[0] ?? attempts[0];
    const candidates = attempt === undefined ? NO_KEYS : await this.#remoteCandidates(attempt.uri, assertion);
    const fault = signatureFault(assertion, candidates);
    if (fault !== undefined || attempt === undefined)
      throw new ClientAuthenticationFailed(fault ?? 'ASSERTION_ISSUER', id);
    // Another subject of the same issuer is a stranger, whose signature proves nothing of this client.
    if (attempt.fault === 'ASSERTION_SUBJECT') throw new ClientAuthenticationFailed(attempt.fault, id);
    if (attempt.fault !== undefined)
      throw this.#named(attempt.fault, registered, WORKLOAD_LIFETIME_LIMIT, attempt.audience);
    return { client: enabledClient(registered), assertion: undefined };
  }

  /** A failure whose answer says what to fix: the signature was valid. A disabled client learns nothing all the same. */
  #named(
    fault: AssertionFault | 'ASSERTION_REPLAYED',
    { client: { client_id: id }, disabled }: Pick<RegisteredClient, 'client' | 'disabled'>,
    lifetimeLimit: number,
    audience = this.issuer,
  ): ClientAuthenticationFailed {
    const hint = disabled ? FAILED : assertionHint(fault, audience, lifetimeLimit);
    return new ClientAuthenticationFailed(fault, id, invalidClient(hint));
  }

  #candidates({ client, keys }: RegisteredClient, assertion: Assertion): Candidates | Promise<Candidates> {
    if (client.jwks_uri !== undefined) return this.#remoteCandidates(client.jwks_uri, assertion);
    return keys.candidates(assertion.algorithm, assertion.keyId);
  }

  /** What is fetched too late for this assertion is there for the next. */
  #remoteCandidates(uri: string, { algorithm, keyId }: Assertion): Candidates | Promise<Candidates> {
    const keys = this.remoteKeys.candidates(uri, algorithm, keyId);
    return keys instanceof Promise ? Promise.race([keys, delay(FETCH_LIMIT_MS, NO_KEYS, { ref: false })]) : keys;
  }
}

/** A disabled client fails last, after the same work as any other. */
function enabledClient({ client, disabled }: RegisteredClient): Client {
  if (disabled) throw new ClientAuthenticationFailed('CLIENT_DISABLED', client.client_id);
  return client;
}
