import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { uuidv7, type NewAuditEvent } from '@countersign/audit-event';
import { TokenError } from '@countersign/auth-core';
import { Background, byItself, CLOCK, Problem, unattended } from '@countersign/service-host';
import { z } from 'zod';
import { events } from '../events.js';
import { CONSOLE_OPTIONS, newSecret, type ConsoleOptions } from './console-options.js';
import { ConsoleSessionsStore, type KeptSession } from './console-sessions.store.js';
import { IssuerClient, IssuerRefused, type Answered, type Audience, type Tokens } from './issuer.client.js';
import { digestOf, seal, unseal } from './sealing.js';

/** Milliseconds before its expiry at which a token is renewed. */
const RENEW_BEFORE_MS = 30_000;
/** Milliseconds that a renewal may take before another process tries. */
const RENEWAL_MS = 15_000;
const CHECK_EVERY_MS = 50;
/** Milliseconds between two updates of a session's last use. */
const TOUCH_EVERY_MS = 60_000;
const PRUNE_EVERY_MS = 600_000;
const PURPOSE = 'tokens';

const sealedSchema = z.object({ accessToken: z.string(), refreshToken: z.string().optional() });
type SealedTokens = z.infer<typeof sealedSchema>;

/** Who is signed in at the console, at any replica. The browser has a secret; tokens are stored here, sealed under that secret. */
@Injectable()
export class ConsoleSessions implements OnModuleInit {
  constructor(
    @Inject(CONSOLE_OPTIONS) private readonly options: ConsoleOptions,
    @Inject(ConsoleSessionsStore) private readonly store: ConsoleSessionsStore,
    @Inject(IssuerClient) private readonly issuer: IssuerClient,
    @Inject(Background) private readonly background: Background,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  onModuleInit(): void {
    this.background.repeat({
      name: 'console_sessions',
      everyMs: PRUNE_EVERY_MS,
      run: async () => {
        const now = this.clock();
        await this.store.prune(now, this.#idleSince(now));
        return undefined;
      },
    });
  }

  /** Starts a session under a new secret. @param eventOf its event, by the session's id in the trail @returns the secret, for the browser */
  async open({ person, tokens, issuerSession }: Answered, eventOf: (id: string) => NewAuditEvent): Promise<string> {
    const secret = newSecret();
    const now = this.clock();
    const id = uuidv7(now.getTime());
    const digest = digestOf(secret);
    const endsAt = new Date(now.getTime() + this.options.lifeMs);
    const session = { digest, id, person: person.id, name: person.name, issuerSession, beganAt: now, endsAt };
    await this.store.add(session, eventOf(id));
    await this.keep(secret, 'audit', tokens);
    return secret;
  }

  /**
   * Stores what the issuer returned for another audience.
   * @param event is recorded with it
   * @returns false if the session has ended: then call {@link giveBack}
   */
  async keep(
    secret: string,
    audience: Audience,
    { accessToken, refreshToken, seconds }: Tokens,
    event?: NewAuditEvent,
  ): Promise<boolean> {
    const sealed = seal({ accessToken, refreshToken }, this.options.sessionKey, PURPOSE, secret);
    const expiresAt = new Date(this.clock().getTime() + seconds * 1_000);
    return this.store.putToken(digestOf(secret), audience, { sealed, expiresAt }, event);
  }

  /** Revokes unused tokens at the issuer. An issuer that does not respond does not keep anybody signed in here. */
  async giveBack({ accessToken, refreshToken }: SealedTokens | Tokens): Promise<void> {
    await this.issuer.revoke(refreshToken ?? accessToken).catch(() => undefined);
  }

  /** @returns undefined if there is no such session, or it has ended */
  async find(secret: string, audience: Audience = 'audit'): Promise<KeptSession | undefined> {
    const now = this.clock();
    const digest = digestOf(secret);
    const found = await this.store.find(digest, audience, now, this.#idleSince(now));
    if (found !== undefined && now.getTime() - found.usedAt.getTime() > TOUCH_EVERY_MS)
      await this.store.touch(digest, now);
    return found;
  }

  /**
   * A token for audit of the session's person, renewed when it is about to expire.
   * @param refused a token that was just refused, so that another one is needed
   * @throws {TokenError} `SESSION_ENDED`. @throws {Problem} 503 `ISSUER_AWAY`
   */
  async tokenOf(secret: string, refused?: string): Promise<string> {
    const token = await this.tokenFor(secret, 'audit', refused);
    if (token === undefined) throw new TokenError('SESSION_ENDED');
    return token;
  }

  /** Like {@link tokenOf}. @returns undefined if the session has ended, or nothing was requested for this audience */
  async tokenFor(secret: string, audience: Audience, refused?: string): Promise<string | undefined> {
    for (const deadline = performance.now() + RENEWAL_MS; ; await delay(CHECK_EVERY_MS)) {
      const kept = (await this.find(secret, audience))?.token;
      const tokens = kept === undefined ? undefined : this.#opened(kept.sealed, secret);
      if (kept === undefined || tokens === undefined) return undefined;
      const left = tokens.accessToken === refused ? 0 : kept.expiresAt.getTime() - this.clock().getTime();
      if (left > RENEW_BEFORE_MS) return tokens.accessToken;
      const now = this.clock();
      const until = new Date(now.getTime() + RENEWAL_MS);
      if (await this.store.claimRenewal(digestOf(secret), audience, kept.sealed, now, until))
        return this.#renew(secret, audience, tokens, { sealed: kept.sealed, left });
      if (left > 0) return tokens.accessToken;
      if (performance.now() > deadline) throw issuerAway();
    }
  }

  /** Ends a session, and revokes its tokens at the issuer. @returns whether there was one */
  async end(secret: string, eventOf: (id: string) => NewAuditEvent): Promise<boolean> {
    const kept = await this.store.remove(digestOf(secret), eventOf);
    if (kept === undefined) return false;
    const given = kept.flatMap((sealed) => this.#opened(sealed, secret) ?? []);
    await Promise.all(given.map((tokens) => this.giveBack(tokens)));
    return true;
  }

  async #renew(
    secret: string,
    audience: Audience,
    tokens: SealedTokens,
    { sealed, left }: { readonly sealed: Buffer; readonly left: number },
  ): Promise<string | undefined> {
    try {
      if (tokens.refreshToken === undefined) throw new IssuerRefused('invalid_grant', undefined);
      const renewed = await this.issuer.renew(audience, tokens.refreshToken);
      if (await this.keep(secret, audience, renewed)) return renewed.accessToken;
      await this.giveBack(renewed);
      return undefined;
    } catch (error) {
      if (error instanceof IssuerRefused && error.error === 'invalid_grant') {
        if (left > 0 && tokens.refreshToken === undefined) return tokens.accessToken;
        if (audience === 'audit') await this.store.remove(digestOf(secret), notRenewed);
        else await this.store.removeToken(digestOf(secret), audience);
        return undefined;
      }
      await this.store.giveBackRenewal(digestOf(secret), audience, sealed);
      if (left > 0) return tokens.accessToken;
      throw issuerAway();
    }
  }

  #opened(sealed: Buffer, secret: string): SealedTokens | undefined {
    return sealedSchema.safeParse(unseal(sealed, this.options.sessionKey, PURPOSE, secret)).data;
  }

  #idleSince(now: Date): Date {
    return new Date(now.getTime() - this.options.idleMs);
  }
}

const notRenewed = (id: string): NewAuditEvent =>
  events.event('console-session.ended', byItself(unattended()), {
    id,
    changes: { because: 'the issuer gave no further token' },
  });

const issuerAway = (): Problem =>
  new Problem(503, 'ISSUER_AWAY', 'The issuer does not answer, so the session cannot be renewed; retry later.', {
    retry_after: 2,
  });
