import { Inject, Injectable } from '@nestjs/common';
import { TOKEN_VERIFIER, type AccessTokenVerifier } from '@countersign/auth';
import {
  by,
  CLOCK,
  LOGGER,
  nothingToRecord,
  Refusals,
  type Caller,
  type RequestTrace,
} from '@countersign/service-host';
import { type Logger } from 'pino';
import { z } from 'zod';
import { events } from '../events.js';
import { CONSOLE_OPTIONS, newSecret, type ConsoleOptions } from './console-options.js';
import { ConsoleSessions } from './console-sessions.service.js';
import { audiences, IssuerClient, IssuerRefused, type Answered, type Audience } from './issuer.client.js';
import { returnPathOf } from './return-path.js';
import { digestOf, seal, unseal } from './sealing.js';

/** Seconds to wait for the issuer's response. */
export const SIGN_IN_SECONDS = 600;
const PURPOSE = 'sign-in';

const pendingSchema = z.strictObject({
  state: z.string(),
  asked: z.strictObject({ audience: z.enum(audiences), codeVerifier: z.string(), nonce: z.string() }),
  returnTo: z.string(),
  until: z.number(),
  /** The digest of the session that requests more; none for a sign-in. */
  session: z.string().optional(),
});
type Pending = z.infer<typeof pendingSchema>;

/** Who is signed in, for the page. Times are RFC 3339. */
export interface ShownSession {
  readonly person: { readonly id: string; readonly name: string; readonly roles: readonly string[] };
  /** What the person may do here. */
  readonly scopes: readonly string[];
  readonly signedInAt: string;
  readonly endsAt: string;
}

/** Where the browser goes, and the cookie that it gets; undefined leaves the cookie unchanged. */
export interface Onward {
  readonly to: string;
  readonly session?: string;
}

/** Why nobody was signed in, as the page reads it from the URL. */
export type SignInFault = 'not-started' | 'refused' | 'not-genuine' | 'away' | 'somebody-else';
/** How the trail names a response that was not accepted. */
const refusalCodes = {
  'not-started': 'SIGN_IN_NOT_STARTED',
  'not-genuine': 'SIGN_IN_NOT_GENUINE',
  'somebody-else': 'SIGN_IN_OF_SOMEBODY_ELSE',
} as const satisfies Partial<Record<SignInFault, string>>;
type SignInRefusal = keyof typeof refusalCodes;
const faultPath = (fault: SignInFault): string => `/?sign_in=${fault}`;

/**
 * A person's round trip to the issuer. The state in between is sealed in the person's own browser, so that a replica that never saw it
 * can continue.
 */
@Injectable()
export class SignIn {
  constructor(
    @Inject(CONSOLE_OPTIONS) private readonly options: ConsoleOptions,
    @Inject(ConsoleSessions) private readonly sessions: ConsoleSessions,
    @Inject(IssuerClient) private readonly issuer: IssuerClient,
    @Inject(TOKEN_VERIFIER) private readonly verifier: AccessTokenVerifier,
    @Inject(Refusals) private readonly refusals: Refusals,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * @param session the secret of the session that requests another audience
   * @returns where the browser goes, and what it stores until it returns; nothing to store if the issuer is unavailable
   */
  async begin(
    audience: Audience,
    returnTo: string | undefined,
    session?: string,
  ): Promise<{ readonly to: string; readonly pending?: string }> {
    const state = newSecret();
    try {
      const { url, asked } = await this.issuer.begin(audience, state);
      const pending: Pending = {
        state,
        asked,
        returnTo: returnPathOf(returnTo, this.options.origin),
        until: this.clock().getTime() + SIGN_IN_SECONDS * 1_000,
        ...(session === undefined ? {} : { session: digestOf(session).toString('base64url') }),
      };
      return { to: url, pending: seal(pending, this.options.sessionKey, PURPOSE).toString('base64url') };
    } catch (error) {
      this.logger.warn({ err: error }, 'a sign-in could not be started');
      return { to: faultPath('away') };
    }
  }

  /**
   * @param query of the URL that the browser was sent to, no matter who wrote it
   * @param kept what the browser stored
   * @param earlier the secret of the browser's current session
   */
  async finish(
    query: string,
    kept: string | undefined,
    earlier: string | undefined,
    trace: RequestTrace,
  ): Promise<Onward> {
    const pending = this.#pendingIn(kept);
    if (pending === undefined || new URLSearchParams(query).get('state') !== pending.state)
      return this.#refused('not-started', trace);
    const { asked, session, returnTo } = pending;
    let fault: SignInRefusal | undefined;
    try {
      const answered = await this.issuer.finish(query, pending.state, asked);
      if (asked.audience === 'audit') return { to: returnTo, session: await this.#open(answered, earlier, trace) };
      const belongs = earlier !== undefined && session === digestOf(earlier).toString('base64url');
      fault = belongs ? await this.#widen(answered, asked.audience, earlier, trace) : 'not-started';
      if (fault !== undefined) await this.sessions.giveBack(answered.tokens);
    } catch (error) {
      const refused = error instanceof IssuerRefused;
      this.logger.warn(
        { err: error },
        refused ? 'the issuer refused a sign-in' : 'the response to a sign-in is invalid',
      );
      if (refused) {
        // The issuer records its own refusals.
        nothingToRecord(trace);
        return { to: asked.audience === 'audit' ? faultPath('refused') : returnTo };
      }
      fault = 'not-genuine';
    }
    return fault === undefined ? { to: returnTo } : this.#refused(fault, trace);
  }

  /** @returns undefined if the session has ended */
  async who(secret: string): Promise<ShownSession | undefined> {
    const found = await this.sessions.find(secret);
    const token = await this.sessions.tokenFor(secret, 'audit');
    if (found === undefined || token === undefined) return undefined;
    const principal = await this.verifier.verifyWithRefresh(token);
    return {
      person: { id: found.person, name: found.name, roles: principal.roles },
      scopes: [...principal.scopes],
      signedInAt: found.beganAt.toISOString(),
      endsAt: found.endsAt.toISOString(),
    };
  }

  /** Ends the session at the console. @returns where the browser goes to sign out at the issuer too; undefined if there is no such session */
  async end(secret: string, caller: Caller): Promise<string | undefined> {
    const isEnded = await this.sessions.end(secret, (id) => events.event('console-session.ended', by(caller), { id }));
    return isEnded ? this.issuer.signOutUrl() : undefined;
  }

  /** A session under a new secret, so that anyone who knew or planted the old one has nothing. */
  async #open(answered: Answered, earlier: string | undefined, trace: RequestTrace): Promise<string> {
    const principal = await this.verifier.verifyWithRefresh(answered.tokens.accessToken);
    const who = by({ principal, trace });
    const changes = { scopes: [...principal.scopes], roles: principal.roles };
    const secret = await this.sessions.open(answered, (id) =>
      events.event('console-session.began', who, { id, changes }),
    );
    if (earlier !== undefined) {
      const because = 'somebody signed in again in the same browser';
      await this.sessions.end(earlier, (id) =>
        events.event('console-session.ended', who, { id, changes: { because } }),
      );
    }
    return secret;
  }

  async #widen(
    { tokens, person }: Answered,
    audience: Audience,
    secret: string,
    trace: RequestTrace,
  ): Promise<SignInRefusal | undefined> {
    const found = await this.sessions.find(secret);
    if (found === undefined) return 'not-started';
    if (found.person !== person.id) return 'somebody-else';
    const principal = await this.verifier.verifyWithRefresh(await this.sessions.tokenOf(secret));
    const details = { id: found.id, changes: { audience } };
    const widened = events.event('console-session.widened', by({ principal, trace }), details);
    return (await this.sessions.keep(secret, audience, tokens, widened)) ? undefined : 'not-started';
  }

  async #refused(fault: SignInRefusal, trace: RequestTrace): Promise<Onward> {
    await this.refusals.recordOf(refusalCodes[fault], trace);
    return { to: faultPath(fault) };
  }

  #pendingIn(kept: string | undefined): Pending | undefined {
    if (kept === undefined) return undefined;
    const opened = unseal(Buffer.from(kept, 'base64url'), this.options.sessionKey, PURPOSE);
    const pending = pendingSchema.safeParse(opened).data;
    return pending !== undefined && pending.until > this.clock().getTime() ? pending : undefined;
  }
}
