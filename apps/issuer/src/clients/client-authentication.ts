import { Inject, Injectable } from '@nestjs/common';
import { supportedAlgorithms } from '@countersign/auth-core';
import { verificationKeyOf, type VerificationKey } from '@countersign/auth-core/jws';
import { CLOCK, LOGGER, OAuthError, POOL } from '@countersign/service-host';
import type pg from 'pg';
import { type Logger } from 'pino';
import {
  ASSERTION_LIFETIME_LIMIT,
  claimsFault,
  parseAssertion,
  prepareDecoys,
  signatureFault,
  TOLERANCE_SECONDS,
} from './client-assertion.js';
import { type ClientCredentials } from './client-credentials.js';
import { type Client } from './client.js';
import { CLIENTS, type Clients } from './clients-file.js';

export const ISSUER_URL = Symbol('countersign.issuer.url');

/** One answer for every way to fail, so that nobody can learn which clients and keys there are (RFC 6749, section 5.2). */
function invalidClient(): OAuthError {
  return new OAuthError(401, 'invalid_client', 'client authentication failed', {
    'www-authenticate': 'Basic realm="issuer"',
  });
}

/** Who tried, as far as it could be told, and why it failed: for the audit trail and the logs, never for the caller. */
export class ClientAuthenticationFailed extends Error {
  readonly answer = invalidClient();
  constructor(
    readonly reason: string,
    readonly claimedClientId: string | undefined,
  ) {
    super(reason);
  }
}

/** Authenticates the client of a request to an OAuth endpoint; the same for tokens, revocation and introspection. */
@Injectable()
export class ClientAuthentication {
  readonly #keys = new WeakMap<Client, readonly VerificationKey[]>();

  constructor(
    @Inject(CLIENTS) private readonly clients: Clients,
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    prepareDecoys(supportedAlgorithms);
  }

  /**
   * @param credentials as {@link clientCredentialsOf} reads them from the form and the `Authorization` header
   * @returns the client; its assertion is used up
   * @throws {ClientAuthenticationFailed} record its `reason`, then answer with its `answer`
   */
  async authenticate(credentials: ClientCredentials): Promise<Client> {
    switch (credentials.method) {
      case 'none':
        throw new ClientAuthenticationFailed(credentials.reason, undefined);
      case 'client_secret_basic':
        throw new ClientAuthenticationFailed('METHOD_NOT_ALLOWED', credentials.clientId);
      case 'private_key_jwt':
        return this.#byAssertion(credentials.assertion, credentials.clientId);
    }
  }

  /** `private_key_jwt` (RFC 7523): a signed assertion for this issuer, good for 60 seconds at the most, that works once. */
  async #byAssertion(text: string, named: string | undefined): Promise<Client> {
    const assertion = parseAssertion(text);
    if (typeof assertion === 'string') throw new ClientAuthenticationFailed(assertion, named);
    const { claims } = assertion;
    const claimed = typeof claims['sub'] === 'string' ? claims['sub'] : undefined;
    const client = claimed === undefined ? undefined : this.clients.get(claimed);
    const fault = signatureFault(assertion, client === undefined ? [] : this.#keysOf(client));
    if (client === undefined) throw new ClientAuthenticationFailed('CLIENT_UNKNOWN', claimed);
    const { client_id: id } = client;
    if (named !== undefined && named !== id) throw new ClientAuthenticationFailed('ASSERTION_SUBJECT', id);
    if (fault !== undefined) throw new ClientAuthenticationFailed(fault, id);
    const expected = {
      issuer: id,
      subject: id,
      audiences: [this.issuer, `${this.issuer}/oauth2/token`],
      lifetimeLimit: ASSERTION_LIFETIME_LIMIT,
    };
    const wrong = claimsFault(claims, expected, this.clock().getTime() / 1_000);
    if (wrong !== undefined) throw new ClientAuthenticationFailed(wrong, id);
    await this.#useOnce(id, String(claims['jti']), Number(claims['exp']));
    return client;
  }

  #keysOf(client: Client): readonly VerificationKey[] {
    const known = this.#keys.get(client);
    if (known !== undefined) return known;
    const keys = client.jwks.keys.map(verificationKeyOf).filter((key) => key !== undefined);
    this.#keys.set(client, keys);
    return keys;
  }

  /** The database is what replicas share, so that an assertion works once at all of them. */
  async #useOnce(clientId: string, jti: string, exp: number): Promise<void> {
    const { rowCount } = await this.pool.query(
      `insert into client_assertion (client_id, jti, expires_at) values ($1, $2, to_timestamp($3)) on conflict do nothing`,
      [clientId, jti, exp + TOLERANCE_SECONDS],
    );
    if (rowCount !== 1) throw new ClientAuthenticationFailed('ASSERTION_REPLAYED', clientId);
  }

  /** Forgets assertions that their own expiry now refuses. */
  async prune(): Promise<void> {
    try {
      await this.pool.query(`delete from client_assertion where expires_at < now() - interval '1 minute'`);
    } catch (error) {
      this.logger.warn({ err: error }, 'used assertions could not be pruned; the next round tries again');
    }
  }
}
