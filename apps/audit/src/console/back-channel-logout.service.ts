import { Inject, Injectable } from '@nestjs/common';
import { TOKEN_VERIFIER } from '@countersign/auth';
import { type TokenVerifier } from '@countersign/auth-core';
import { byNobody, CLOCK, LOGGER, nothingToRecord, Refusals, type RequestTrace } from '@countersign/service-host';
import { type Logger } from 'pino';
import { events } from '../events.js';
import { CONSOLE_OPTIONS, type ConsoleOptions } from './console-options.js';
import { ConsoleSessionsStore } from './console-sessions.store.js';
import { endedAtIssuer, LOGOUT_TOKEN_TYPE, type EndedAtIssuer } from './logout-token.js';

/** The code of the response to an invalid logout token. */
export const LOGOUT_TOKEN_REFUSED = 'LOGOUT_TOKEN_REFUSED';

/** Ends sessions of the console when the issuer has ended the sessions they came from (OpenID Connect Back-Channel Logout 1.0). */
@Injectable()
export class BackChannelLogout {
  constructor(
    @Inject(CONSOLE_OPTIONS) private readonly options: ConsoleOptions,
    @Inject(TOKEN_VERIFIER) private readonly verifier: Pick<TokenVerifier, 'verifyStatement'>,
    @Inject(ConsoleSessionsStore) private readonly store: ConsoleSessionsStore,
    @Inject(Refusals) private readonly refusals: Refusals,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** @returns whether the token is valid; then none of the sessions it names is left. An invalid one is recorded in the trail. */
  async receive(token: string, trace: RequestTrace): Promise<boolean> {
    const ended = await this.#read(token).catch((error: unknown) => {
      this.logger.warn({ err: error }, 'a logout token is invalid');
      return undefined;
    });
    if (ended === undefined) {
      await this.refusals.recordOf(LOGOUT_TOKEN_REFUSED, trace);
      return false;
    }
    const count = await this.store.endAll(ended, (id) =>
      events.event('console-session.ended', byNobody(trace), {
        id,
        changes: { because: 'the issuer ended the session' },
      }),
    );
    if (count === 0) nothingToRecord(trace);
    return true;
  }

  async #read(token: string): Promise<EndedAtIssuer | undefined> {
    const claims = await this.verifier.verifyStatement(token, LOGOUT_TOKEN_TYPE);
    return endedAtIssuer(claims, this.options.clientId, this.clock());
  }
}
