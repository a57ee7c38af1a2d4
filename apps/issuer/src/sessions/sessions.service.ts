import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { auditPerson, uuidv7, type EventContext } from '@countersign/audit-event';
import {
  auditRequest,
  Background,
  CLOCK,
  networkOf,
  traceOf,
  type RequestTrace,
  txnOf,
  type Transaction,
} from '@countersign/service-host';
import { type FastifyRequest } from 'fastify';
import { personOf } from '../people/people.store.js';
import { type PersonRow } from '../people/people.tables.js';
import { Cookies } from '../cookies/cookies.service.js';
import { openHint, sealHint } from './provider-hint.js';
import {
  deviceOf,
  digestOf,
  isSecret,
  newSecret,
  SESSION_TIMES,
  sessionIdSchema,
  type Session,
  type SessionTimes,
} from './session.js';
import { SessionsStore } from './sessions.store.js';
import { type SessionRow } from './sessions.tables.js';

/** Minimum milliseconds between two updates of a session's last use, so that not every request writes. */
const SEE_EVERY_MS = 60_000;
const FORGET_EVERY_MS = 300_000;
/** Minimum milliseconds for which an ended session is kept. */
const KEPT_MS = 86_400_000;

/** How somebody signed in, according to the provider. */
export interface SignInProof {
  readonly issuer: string;
  /** The provider's own session (`sid`), by which it may end ours. */
  readonly providerSession: string | undefined;
  /** The provider's ID token, for signing out there too; undefined if that is not wanted. */
  readonly idToken: string | undefined;
  readonly authenticatedAt: Date;
  readonly acr: string | undefined;
  readonly amr: readonly string[];
}

/** The browser in which somebody signs in. */
export interface Browser {
  /** The secret of its session, if it has one. */
  readonly secret: string | undefined;
  readonly userAgent: string | undefined;
  readonly address: string;
}

function sessionOf({ session, person }: { session: SessionRow; person: PersonRow }): Session {
  const { id, authenticatedAt, acr, amr } = session;
  return { id, person: personOf(person), authenticatedAt, acr: acr ?? undefined, amr };
}

/** A signed-in person's part of an audit event: the client is the issuer itself, through its own pages. */
export function byPerson(
  { id, person, acr, authenticatedAt }: Omit<Session, 'amr'>,
  trace: RequestTrace,
): EventContext {
  const proven = auditPerson({ roles: person.roles, acr, authTime: authenticatedAt.getTime() / 1_000 });
  return {
    principal: { subject: person.id, client_id: 'issuer', actors: [], scopes: [], jti: id, person: proven },
    txn: txnOf(trace),
    traceparent: trace.traceparent,
    request: auditRequest(trace),
  };
}

/** Who is signed in. The cookie holds a random secret, the database its digest. */
@Injectable()
export class Sessions implements OnModuleInit {
  constructor(
    @Inject(SessionsStore) private readonly store: SessionsStore,
    @Inject(Cookies) private readonly cookies: Cookies,
    @Inject(SESSION_TIMES) private readonly times: SessionTimes,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
  ) {}

  onModuleInit(): void {
    this.background.repeat({
      name: 'sessions',
      everyMs: FORGET_EVERY_MS,
      run: async (signal) => {
        await this.store.forget(new Date(this.clock().getTime() - KEPT_MS), this.times, signal);
        return undefined;
      },
    });
  }

  /** The live session of a request's browser. Reading it counts as use. */
  async of(request: Pick<FastifyRequest, 'headers'>): Promise<Session | undefined> {
    const now = this.clock();
    const found = await this.#find(this.cookies.read(request, 'session'), now);
    if (found === undefined) return undefined;
    const seeEveryMs = Math.min(SEE_EVERY_MS, this.times.idle * 250);
    if (now.getTime() - found.session.seenAt.getTime() >= seeEveryMs) await this.store.see(found.session.id, now);
    return sessionOf(found);
  }

  /**
   * A session for somebody who has just signed in, always under a new secret. A live session of the same person in this browser continues, with
   * what was started in it; one of another person must be ended by the caller.
   * @returns also the cookie's value, to be set once the transaction has committed
   */
  async begin(
    transaction: Transaction,
    person: PersonRow,
    proof: SignInProof,
    browser: Browser,
  ): Promise<{ readonly session: Session; readonly secret: string; readonly renewed: boolean }> {
    const now = this.clock();
    const secret = newSecret();
    const secretDigest = digestOf(secret);
    const { authenticatedAt, acr = null, providerSession = null, issuer, idToken } = proof;
    const providerHint = idToken === undefined ? null : (sealHint(idToken, secret) ?? null);
    const said = { secretDigest, issuer, providerSession, providerHint, authenticatedAt, acr, amr: [...proof.amr] };
    const before = await this.#find(browser.secret, now, transaction);
    if (before?.person.id === person.id && (await this.store.renew(transaction, before.session.id, said, now))) {
      const session = { ...before.session, ...said };
      return { session: sessionOf({ session, person }), secret, renewed: true };
    }
    const row: SessionRow = {
      ...said,
      id: sessionIdSchema.parse(uuidv7(now.getTime())),
      personId: person.id,
      device: deviceOf(browser.userAgent),
      network: networkOf(browser.address),
      createdAt: now,
      seenAt: now,
      endedAt: null,
      endedBy: null,
    };
    await this.store.insert(transaction, row);
    return { session: sessionOf({ session: row, person }), secret, renewed: false };
  }

  /** The provider's ID token of a request's live session; undefined if none is kept. */
  async idTokenOf(request: Pick<FastifyRequest, 'headers'>): Promise<string | undefined> {
    const secret = this.cookies.read(request, 'session');
    const found = await this.#find(secret, this.clock());
    if (secret === undefined || found === undefined || found.session.providerHint === null) return undefined;
    return openHint(found.session.providerHint, secret);
  }

  /** The live session of a browser, without counting as use. */
  async ofBrowser({ secret }: Browser, transaction: Transaction): Promise<Session | undefined> {
    const found = await this.#find(secret, this.clock(), transaction);
    return found === undefined ? undefined : sessionOf(found);
  }

  /** The browser of a request. */
  browserOf(request: FastifyRequest): Browser {
    const { 'user-agent': userAgent } = request.headers;
    return { secret: this.cookies.read(request, 'session'), userAgent, address: traceOf(request).peer };
  }

  async #find(secret: string | undefined, now: Date, transaction?: Transaction): ReturnType<SessionsStore['find']> {
    return isSecret(secret) ? this.store.find(digestOf(secret), now, this.times, transaction) : undefined;
  }
}
