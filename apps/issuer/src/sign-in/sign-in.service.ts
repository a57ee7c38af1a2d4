import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import {
  AUDIT_OUTBOX,
  byNobody,
  CLOCK,
  DATABASE,
  LOGGER,
  METRICS,
  Problem,
  Refusals,
  type Database,
  type RequestTrace,
} from '@countersign/service-host';
import { type Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { events } from '../events.js';
import { SignInLimit } from '../limits/sign-in-limit.service.js';
import { type PersonRow } from '../people/people.tables.js';
import { PeopleStore } from '../people/people.store.js';
import { type PersonId } from '../people/person.js';
import { type Provider } from '../providers/provider.js';
import { ProviderProblem } from '../providers/provider-problem.js';
import { Providers, type RedeemedSignIn, type SignInRequest } from '../providers/providers.service.js';
import { digestOf, newSecret, type Session } from '../sessions/session.js';
import { SessionEnds, type EndedSessions } from '../sessions/session-ends.service.js';
import { byPerson, Sessions, type Browser } from '../sessions/sessions.service.js';
import { secretsOf } from './sign-in-secrets.js';
import { SignInsStore } from './sign-ins.store.js';

const SIGN_IN_UNKNOWN = 'SIGN_IN_UNKNOWN';

/** A provider's response that does not belong to a sign-in of this browser. */
function unknownSignIn(): Problem {
  return new Problem(
    400,
    SIGN_IN_UNKNOWN,
    'This sign-in was not started in this browser, has already finished, or is older than ten minutes. Start again.',
    { heading: 'This sign-in has expired' },
  );
}

/** A person who may not sign in. */
class PersonDisabled extends Problem {
  constructor(readonly person: PersonId) {
    super(403, 'PERSON_DISABLED', 'This account has been disabled here. Ask the operator of this service.', {
      heading: 'You cannot sign in',
    });
  }
}

interface Finished {
  readonly session: Session;
  /** The new value of the cookie `session`. */
  readonly secret: string;
  readonly returnTo: string;
}

/** Signs people in at outside providers. */
@Injectable()
export class SignIn {
  readonly #counter: Counter<'provider' | 'outcome'>;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(Providers) private readonly providers: Providers,
    @Inject(SignInsStore) private readonly store: SignInsStore,
    @Inject(SignInLimit) private readonly limit: SignInLimit,
    @Inject(PeopleStore) private readonly people: PeopleStore,
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(SessionEnds) private readonly ends: SessionEnds,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(Refusals) private readonly refusals: Refusals,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METRICS) metrics: Registry,
  ) {
    this.#counter = new Counter({
      name: 'issuer_sign_ins_total',
      help: 'Sign-in responses from outside providers, by provider and result.',
      labelNames: ['provider', 'outcome'],
      registers: [metrics],
    });
  }

  /**
   * Sends somebody to a provider.
   * @param browser the value of the cookie `sign-in`
   * @param peer the caller's address
   * @returns the address at the provider
   * @throws {Problem} 503 `PROVIDER_AWAY`, 429 `TOO_MANY_SIGN_INS`
   */
  async begin(
    provider: Provider,
    { returnTo, ...request }: SignInRequest & { readonly returnTo: string },
    browser: string,
    peer: string,
  ): Promise<URL> {
    await this.limit.spend(peer);
    const state = newSecret();
    const url = await this.providers
      .authorizationUrl(provider, secretsOf(state, browser), request)
      .catch((error: unknown) => {
        this.#log(provider, error);
        throw error;
      });
    await this.store.add({
      stateDigest: digestOf(state),
      browserDigest: digestOf(browser),
      provider: provider.name,
      returnTo,
      forced: request.forced,
      startedAt: this.clock(),
    });
    return url;
  }

  /**
   * Processes a provider's response and starts a session.
   * @param provider undefined if no provider has this callback
   * @param answer the parameters sent to the provider's callback
   * @param tie the value of the cookie `sign-in`; undefined if the browser has none
   * @throws {Problem} 400 `SIGN_IN_UNKNOWN`, 403 `PERSON_DISABLED`, or a {@link ProviderProblem}
   */
  async finish(
    provider: Provider | undefined,
    answer: URLSearchParams,
    tie: string | undefined,
    browser: Browser,
    trace: RequestTrace,
  ): Promise<Finished> {
    const state = answer.get('state');
    if (provider === undefined || tie === undefined || state === null) return this.#unknown(trace);
    const known = await this.store.take({
      stateDigest: digestOf(state),
      browserDigest: digestOf(tie),
      provider: provider.name,
    });
    if (known === undefined) return this.#unknown(trace);
    try {
      const provided = await this.providers.redeem(provider, answer, secretsOf(state, tie), known);
      const admitted = await this.#admit(provided, browser, trace);
      this.#counter.inc({ provider: provider.name, outcome: 'signed_in' });
      return { ...admitted, returnTo: known.returnTo };
    } catch (error) {
      this.#log(provider, error);
      if (error instanceof Problem) {
        this.#counter.inc({ provider: provider.name, outcome: error.code });
        const known = error instanceof PersonDisabled ? { changes: { person: error.person } } : {};
        const details = { id: provider.name, outcome: 'denied', reason: error.code, ...known } as const;
        await this.outbox.recordDurably(events.event('person.sign_in_refused', byNobody(trace), details));
      }
      throw error;
    }
  }

  async #unknown(trace: RequestTrace): Promise<never> {
    await this.refusals.recordOf(SIGN_IN_UNKNOWN, trace);
    throw unknownSignIn();
  }

  async #admit(
    provided: RedeemedSignIn,
    browser: Browser,
    trace: RequestTrace,
  ): Promise<{ readonly session: Session; readonly secret: string }> {
    const { begun, ended } = await this.database.transaction(async (transaction) => {
      const { row, before } = await this.people.refresh(transaction, provided.person, this.clock());
      if (row.disabledAt !== null) throw new PersonDisabled(row.id);
      const other = await this.sessions.ofBrowser(browser, transaction);
      const begun = await this.sessions.begin(transaction, row, provided.proof, browser);
      const who = byPerson(begun.session, trace);
      let ended: EndedSessions | undefined;
      if (other !== undefined && other.person.id !== row.id)
        ended = await this.ends.endIn(transaction, { id: other.id }, 'another-person', who);
      const changes = { ...changesOf(row, before), ...proofOf(begun.session), renewed: begun.renewed };
      await this.outbox.record(transaction, events.event('person.signed_in', who, { id: row.id, changes }));
      return { begun, ended };
    });
    if (ended !== undefined) await this.ends.announce(ended);
    return begun;
  }

  /** Only the operator sees why a provider's response is invalid. */
  #log(provider: Provider, error: unknown): void {
    if (error instanceof ProviderProblem)
      this.logger.warn(
        { provider: provider.name, code: error.code, err: error.cause },
        "a provider's response did not sign anybody in",
      );
  }
}

function changesOf({ provider, roles }: PersonRow, before: PersonRow | undefined): Readonly<Record<string, unknown>> {
  return { provider, first: before === undefined, roles: { before: before?.roles ?? null, after: roles } };
}

function proofOf({ id, authenticatedAt, acr, amr }: Session): Readonly<Record<string, unknown>> {
  return {
    session: id,
    authenticated_at: authenticatedAt.toISOString(),
    ...(acr === undefined ? {} : { acr }),
    amr,
  };
}
