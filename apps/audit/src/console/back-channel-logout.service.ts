import { Inject, Injectable } from '@nestjs/common';
import { byItself, LOGGER, type RequestTrace } from '@countersign/service-host';
import { type JWTVerifyGetKey } from 'jose';
import { type Logger } from 'pino';
import { events } from '../events.js';
import { CONSOLE_OPTIONS, type ConsoleOptions } from './console-options.js';
import { ConsoleSessionsStore } from './console-sessions.store.js';
import { IssuerClient } from './issuer-client.js';
import { endedAtIssuer, LOGOUT_TOKEN_SECONDS, type EndedAtIssuer } from './logout-token.js';

const TOLERANCE_SECONDS = 30;

/** Ends sessions of the console when the issuer has ended those by which they began (OpenID Connect Back-Channel Logout 1.0). */
@Injectable()
export class BackChannelLogout {
  #keys: JWTVerifyGetKey | undefined;

  constructor(
    @Inject(CONSOLE_OPTIONS) private readonly options: ConsoleOptions,
    @Inject(IssuerClient) private readonly issuer: IssuerClient,
    @Inject(ConsoleSessionsStore) private readonly store: ConsoleSessionsStore,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @returns whether the token is genuine; then no session is left that it names */
  async receive(token: string, { traceparent }: RequestTrace): Promise<boolean> {
    const ended = await this.#read(token).catch((error: unknown) => {
      this.logger.warn({ err: error }, 'a logout token is not genuine');
      return undefined;
    });
    if (ended === undefined) return false;
    await this.store.endAll(ended, (id) =>
      events.event('console-session.ended', byItself({ clientId: this.options.clientId, traceparent }), {
        id,
        changes: { because: 'the issuer ended the session' },
      }),
    );
    return true;
  }

  async #read(token: string): Promise<EndedAtIssuer | undefined> {
    const [{ createRemoteJWKSet, jwtVerify }, { issuer, jwks_uri: keys }] = await Promise.all([
      import('jose'),
      this.issuer.metadata(),
    ]);
    if (keys === undefined) return undefined;
    this.#keys ??= createRemoteJWKSet(new URL(keys));
    const { payload } = await jwtVerify(token, this.#keys, {
      issuer,
      audience: this.options.clientId,
      typ: 'logout+jwt',
      maxTokenAge: LOGOUT_TOKEN_SECONDS,
      clockTolerance: TOLERANCE_SECONDS,
    });
    return endedAtIssuer(payload);
  }
}
