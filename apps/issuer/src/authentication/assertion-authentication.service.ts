import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK } from '@countersign/service-host';
import { ISSUER_URL } from '../issuer-url.js';
import { type Client } from '../registry/client.js';
import { type RegisteredClient } from '../registry/registered-client.js';
import { RemoteKeys, type Candidates } from '../registry/remote-keys.service.js';
import { Replica } from '../registry/replica.service.js';
import { AssertionAge } from './assertion-age.service.js';
import { ClientAuthenticationFailed, enabledClient, invalidClient } from './authentication-failure.js';
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
import { type UsedAssertion } from './used-assertions.store.js';

/** Milliseconds that an assertion may wait for keys to be fetched. */
const FETCH_LIMIT_MS = 200;
/** Milliseconds after which a failed assertion is answered if any client's keys are fetched, whether or not it waited for a fetch. */
const FAILURE_AFTER_MS = 250;

const NO_KEYS: Candidates = [];

/** A client that presented valid credentials. */
export interface AuthenticatedClient {
  readonly client: Client;
  /** The assertion that is still to be used up: in one commit with what it authorizes. */
  readonly assertion: UsedAssertion | undefined;
}

type SignedCredentials = Extract<ClientCredentials, { method: 'private_key_jwt' }>;

/** Authenticates a client by a signed assertion: its own, or a workload's (RFC 7523, section 2.2). */
@Injectable()
export class AssertionAuthentication {
  constructor(
    @Inject(Replica) private readonly replica: Replica,
    @Inject(RemoteKeys) private readonly remoteKeys: RemoteKeys,
    @Inject(AssertionAge) private readonly age: AssertionAge,
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** @throws {ClientAuthenticationFailed} */
  authenticate(credentials: SignedCredentials): Promise<AuthenticatedClient> {
    return this.replica.hasRemoteKeys ? this.#failingLate(credentials) : this.#byAssertion(credentials);
  }

  /** The failure of an assertion that was used before. */
  replayed(client: Client): ClientAuthenticationFailed {
    return this.#named('ASSERTION_REPLAYED', { client, disabled: false }, ASSERTION_LIFETIME_LIMIT);
  }

  /** A key fetch in progress would be visible in the response time, and reveal that the client exists, so all failures take equally long. */
  async #failingLate(credentials: SignedCredentials): Promise<AuthenticatedClient> {
    const startedAt = performance.now();
    try {
      return await this.#byAssertion(credentials);
    } catch (error) {
      if (error instanceof ClientAuthenticationFailed) await delay(FAILURE_AFTER_MS - (performance.now() - startedAt));
      throw error;
    }
  }

  /**
   * A signed assertion for this issuer (RFC 7523). The client's own (`private_key_jwt`) is valid for at most 60 seconds and works once. One
   * that an outside issuer signed for a workload is valid until its expiry, and `client_id` names the client that it stands for.
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

  /** The outside issuer may have several entries, for several subjects or audiences: the one that best matches the claims counts. */
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
    // Another subject of the same issuer is a stranger, whose signature proves nothing about this client.
    if (attempt.fault === 'ASSERTION_SUBJECT') throw new ClientAuthenticationFailed(attempt.fault, id);
    if (attempt.fault !== undefined)
      throw this.#named(attempt.fault, registered, WORKLOAD_LIFETIME_LIMIT, attempt.audience);
    return { client: enabledClient(registered), assertion: undefined };
  }

  /** A failure whose response says what to fix, because the signature was valid. Even so, a disabled client sees nothing. */
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

  /** Keys fetched too late for this assertion are available for the next. */
  #remoteCandidates(uri: string, { algorithm, keyId }: Assertion): Candidates | Promise<Candidates> {
    const keys = this.remoteKeys.candidates(uri, algorithm, keyId);
    return keys instanceof Promise ? Promise.race([keys, delay(FETCH_LIMIT_MS, NO_KEYS, { ref: false })]) : keys;
  }
}
