import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { supportedAlgorithms } from '@countersign/auth-core';
import { type VerificationKey } from '@countersign/auth-core/jws';
import { CLOCK, METRICS, OAuthError } from '@countersign/service-host';
import { type Registry } from 'prom-client';
import { AuthenticationLimits } from '../limits/authentication-limits.js';
import { Replica } from '../replica/replica.js';
import { measureAuthenticationWork } from './authentication-work.js';
import {
  claimsFault,
  keyFor,
  parseAssertion,
  prepareDecoys,
  signatureFault,
  TOLERANCE_SECONDS,
  workloadFault,
  type Assertion,
} from './client-assertion.js';
import { type ClientCredentials } from './client-credentials.js';
import { claimedName, type Client } from './client.js';
import { type RegisteredClient } from './registered-client.js';
import { RemoteKeys } from './remote-keys.js';
import { SecretAuthentication } from './secret-authentication.js';
import { UsedAssertions, type UsedAssertion } from './used-assertions.store.js';

export const ISSUER_URL = Symbol('countersign.issuer.url');

/** Milliseconds that an assertion may wait for keys to be fetched. */
const FETCH_LIMIT_MS = 200;
/** Milliseconds after which a failed assertion is answered, where any client's keys are fetched: whoever waited for a fetch or did not. */
const FAILURE_AFTER_MS = 250;

/** One answer for every way to fail, so that nobody can learn which clients and keys there are (RFC 6749, section 5.2). */
function invalidClient(): OAuthError {
  return new OAuthError(401, 'invalid_client', 'client authentication failed', {
    'www-authenticate': 'Basic realm="issuer"',
  });
}

function busy(): OAuthError {
  return new OAuthError(503, 'temporarily_unavailable', 'too many secrets are being checked; try again', {
    'retry-after': '1',
  });
}

/** Who tried, as far as it could be told, and why it failed: for the audit trail and the logs, never for the caller. */
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
    @Inject(SecretAuthentication) private readonly secrets: SecretAuthentication,
    @Inject(UsedAssertions) private readonly used: UsedAssertions,
    @Inject(AuthenticationLimits) private readonly limits: AuthenticationLimits,
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(METRICS) metrics: Registry,
  ) {
    measureAuthenticationWork(metrics);
    prepareDecoys(supportedAlgorithms);
  }

  /**
   * @param credentials as {@link clientCredentialsOf} reads them from the form and the `Authorization` header
   * @param peer the caller's address
   * @returns the client, by the registry of this moment; its assertion is used up
   * @throws {ClientAuthenticationFailed} record its `reason`, then answer with its `answer`
   * @throws {TooManyRequests} record the `first` one, then answer with it
   */
  async authenticate(credentials: ClientCredentials, peer: string): Promise<Client> {
    await this.replica.refresh();
    const { client, assertion } = await this.verify(credentials, peer);
    if (assertion !== undefined && !(await this.used.useOnce(assertion))) {
      throw await this.replayed(client, peer);
    }
    return client;
  }

  /** @returns what to throw when an assertion turns out to be used up: whoever shows it is not its client, as far as anybody can tell */
  replayed({ client_id: id }: Client, peer: string): Promise<Error> {
    return this.#counted(new ClientAuthenticationFailed('ASSERTION_REPLAYED', id), peer);
  }

  /**
   * As {@link authenticate}, by the registry as this replica holds it, and without using the assertion up: the caller commits that together
   * with what it hands out, under the condition that the registry's version still holds.
   * @param again whether the same request was verified before: it is counted once
   * @throws {ClientAuthenticationFailed}
   * @throws {TooManyRequests}
   */
  async verify(credentials: ClientCredentials, peer: string, again = false): Promise<AuthenticatedClient> {
    try {
      const known = await this.#verified(credentials, peer);
      const spent = again ? undefined : this.limits.ofClient(known.client);
      const tooMany = spent instanceof Promise ? await spent : spent;
      if (tooMany !== undefined) throw tooMany;
      return known;
    } catch (error) {
      if (error instanceof ClientAuthenticationFailed && !again) throw await this.#counted(error, peer);
      throw error;
    }
  }

  /** @returns what to throw: beyond the limit of its network a failure is refused like any other there, and tells nothing of itself */
  async #counted(failure: ClientAuthenticationFailed, peer: string): Promise<Error> {
    return (await this.limits.ofFailure(peer)) ?? failure;
  }

  async #verified(credentials: ClientCredentials, peer: string): Promise<AuthenticatedClient> {
    switch (credentials.method) {
      case 'none':
        throw new ClientAuthenticationFailed(credentials.reason, undefined, credentials.answer);
      case 'client_secret_basic':
        return this.#bySecret(credentials.clientId, credentials.secret, peer);
      case 'private_key_jwt':
        return this.replica.hasRemoteKeys ? this.#failingLate(credentials) : this.#byAssertion(credentials);
    }
  }

  /** A fetch of keys under way would show in the time of a failure, and with it that there is such a client: so all failures take the same. */
  async #failingLate(credentials: SignedCredentials): Promise<AuthenticatedClient> {
    const begun = performance.now();
    try {
      return await this.#byAssertion(credentials);
    } catch (error) {
      if (error instanceof ClientAuthenticationFailed) await delay(FAILURE_AFTER_MS - (performance.now() - begun));
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
   * A signed assertion for this issuer (RFC 7523). The client's own (`private_key_jwt`) is good for 60 seconds at the most and works once. One
   * that an outside issuer signed for a workload is good as long as it says, and `client_id` names the client that it stands for.
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
    const found = registered === undefined ? undefined : this.#keyOf(registered, assertion);
    const key = found instanceof Promise ? await found : found;
    const fault = signatureFault(assertion, key);
    if (registered === undefined) throw new ClientAuthenticationFailed('CLIENT_UNKNOWN', claimed);
    const { client_id: id } = registered.client;
    if (fault !== undefined) throw new ClientAuthenticationFailed(fault, id);
    const expected = { issuer: id, subject: id, audiences: [this.issuer, `${this.issuer}/oauth2/token`] };
    const wrong = claimsFault(assertion.claims, expected, this.clock().getTime() / 1_000);
    if (wrong !== undefined) throw new ClientAuthenticationFailed(wrong, id);
    const { jti, exp } = assertion.claims;
    const expiresAt = Number(exp) + TOLERANCE_SECONDS;
    return { client: enabledClient(registered), assertion: { clientId: id, jti: String(jti), expiresAt } };
  }

  async #byWorkload(
    registered: RegisteredClient,
    assertion: Assertion,
    outside: Client['trusted_issuers'],
  ): Promise<AuthenticatedClient> {
    const { client_id: id } = registered.client;
    const now = this.clock().getTime() / 1_000;
    let why: string = 'ASSERTION_ISSUER';
    for (const trusted of outside) {
      const fault = workloadFault(assertion.claims, trusted, trusted.audience ?? this.issuer, now);
      why = fault ?? why;
      if (fault !== undefined) continue;
      const { keyId } = assertion;
      const key = keyId === undefined ? undefined : await this.#remoteKey(trusted.jwks_uri, keyId);
      const wrong = signatureFault(assertion, key);
      if (wrong !== undefined) throw new ClientAuthenticationFailed(wrong, id);
      return { client: enabledClient(registered), assertion: undefined };
    }
    signatureFault(assertion, undefined);
    throw new ClientAuthenticationFailed(why, id);
  }

  #keyOf(
    { client, keys }: RegisteredClient,
    assertion: Assertion,
  ): VerificationKey | undefined | Promise<VerificationKey | undefined> {
    if (client.jwks_uri === undefined) return keyFor(assertion, keys);
    return assertion.keyId === undefined ? undefined : this.#remoteKey(client.jwks_uri, assertion.keyId);
  }

  /** What is fetched too late for this assertion is there for the next. */
  #remoteKey(uri: string, keyId: string): VerificationKey | Promise<VerificationKey | undefined> {
    const key = this.remoteKeys.find(uri, keyId);
    return key instanceof Promise ? Promise.race([key, delay(FETCH_LIMIT_MS, undefined, { ref: false })]) : key;
  }
}

/** A disabled client fails last, after the same work as any other. */
function enabledClient({ client, disabled }: RegisteredClient): Client {
  if (disabled) throw new ClientAuthenticationFailed('CLIENT_DISABLED', client.client_id);
  return client;
}
