import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, LOGGER, OAuthError, POOL } from '@countersign/service-host';
import { createLocalJWKSet, decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose';
import type pg from 'pg';
import { type Logger } from 'pino';
import { CLIENTS, type Clients } from './clients-file.js';
import { type Client } from './client.js';

/** RFC 7523, section 2.2. */
export const CLIENT_ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** Seconds that an assertion may be good for at the most. */
export const ASSERTION_LIFETIME_LIMIT = 60;
const TOLERANCE_SECONDS = 5;

export const ISSUER_URL = Symbol('countersign.issuer.url');

/** One answer for every way to fail, so that nobody can learn which clients and keys there are. */
function invalidClient(): OAuthError {
  return new OAuthError(401, 'invalid_client', 'client authentication failed', {
    'www-authenticate': 'Bearer realm="issuer"',
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

/** Checks the times of an assertion beyond what its signature library does: bounded life, not from the future. @param now seconds */
export function assertionFault(claims: JWTPayload, now: number): string | undefined {
  const { exp, iat, jti } = claims;
  if (exp === undefined || typeof jti !== 'string' || jti === '' || jti.length > 256) return 'ASSERTION_CLAIM_MISSING';
  if (exp > now + ASSERTION_LIFETIME_LIMIT + TOLERANCE_SECONDS) return 'ASSERTION_TOO_LONG';
  if (iat !== undefined && (iat > now + TOLERANCE_SECONDS || exp - iat > ASSERTION_LIFETIME_LIMIT))
    return 'ASSERTION_TOO_LONG';
  return undefined;
}

/** `private_key_jwt` (RFC 7523): a signed assertion for this issuer, good for 60 seconds at the most, that works once. */
@Injectable()
export class ClientAuthentication {
  constructor(
    @Inject(CLIENTS) private readonly clients: Clients,
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws {ClientAuthenticationFailed} */
  async authenticate(assertionType: string | undefined, assertion: string | undefined): Promise<Client> {
    if (assertionType !== CLIENT_ASSERTION_TYPE || assertion === undefined) {
      throw new ClientAuthenticationFailed('ASSERTION_MISSING', undefined);
    }
    const claimed = this.#claimedClient(assertion);
    const client = this.clients.get(claimed ?? '');
    if (client === undefined) throw new ClientAuthenticationFailed('CLIENT_UNKNOWN', claimed);
    const claims = await this.#verify(client, assertion);
    const now = this.clock();
    const fault = assertionFault(claims, now.getTime() / 1_000);
    if (fault !== undefined) throw new ClientAuthenticationFailed(fault, client.client_id);
    await this.#useOnce(client.client_id, String(claims.jti), Number(claims.exp));
    return client;
  }

  #claimedClient(assertion: string): string | undefined {
    try {
      return decodeJwt(assertion).sub;
    } catch {
      throw new ClientAuthenticationFailed('ASSERTION_MALFORMED', undefined);
    }
  }

  async #verify(client: Client, assertion: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(assertion, createLocalJWKSet(client.jwks), {
        issuer: client.client_id,
        subject: client.client_id,
        audience: [this.issuer, `${this.issuer}/oauth2/token`],
        algorithms: ['ES256', 'EdDSA', 'RS256', 'PS256'],
        clockTolerance: TOLERANCE_SECONDS,
        currentDate: this.clock(),
      });
      if (typeof payload.aud !== 'string') throw new ClientAuthenticationFailed('ASSERTION_AUDIENCE', client.client_id);
      return payload;
    } catch (error) {
      if (error instanceof ClientAuthenticationFailed) throw error;
      const reason = error instanceof errors.JOSEError ? error.code : 'ASSERTION_INVALID';
      throw new ClientAuthenticationFailed(reason, client.client_id);
    }
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
