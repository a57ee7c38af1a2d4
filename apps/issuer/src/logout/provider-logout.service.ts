import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { TokenError } from '@countersign/auth-core';
import { isAlgorithm, parseCompactJws, parseJsonObject, signatureVerifies } from '@countersign/auth-core/jws';
import {
  AUDIT_OUTBOX,
  byNobody,
  CLOCK,
  DATABASE,
  OAuthError,
  type Database,
  type RequestTrace,
} from '@countersign/service-host';
import { UsedAssertions } from '../authentication/used-assertions.store.js';
import { events } from '../events.js';
import { AuthenticationLimits } from '../limits/authentication-limits.service.js';
import { PeopleStore } from '../people/people.store.js';
import { type Provider } from '../providers/provider.js';
import { Providers } from '../providers/providers.service.js';
import { RemoteKeys } from '../registry/remote-keys.service.js';
import { SessionEnds } from '../sessions/session-ends.service.js';
import { type SessionsFilter } from '../sessions/sessions.store.js';
import { logoutOrder, TOLERANCE_SECONDS, type LogoutOrder, type LogoutTokenFault } from './logout-token.js';

function keysAway(): OAuthError {
  return new OAuthError(503, 'temporarily_unavailable', "the provider's keys could not be fetched; send it again", {
    'retry-after': '5',
  });
}

/** A notification from a provider: a person signed out there. */
@Injectable()
export class ProviderLogout {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(Providers) private readonly providers: Providers,
    @Inject(RemoteKeys) private readonly keys: RemoteKeys,
    @Inject(UsedAssertions) private readonly used: UsedAssertions,
    @Inject(PeopleStore) private readonly people: PeopleStore,
    @Inject(SessionEnds) private readonly ends: SessionEnds,
    @Inject(AuthenticationLimits) private readonly limits: AuthenticationLimits,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /**
   * Ends the sessions that a provider's logout token names: its own session (`sid`), or all of the person's sessions that started there until then. The token is used
   * up together with that, so that a provider that got no response may send it again.
   * @throws {OAuthError} 400 `invalid_request` for an invalid one; 429 for a network with too many of these; 503 while the provider's keys are unavailable
   */
  async receive(provider: Provider, token: string, trace: RequestTrace): Promise<void> {
    const order = await this.#read(provider, token);
    if (typeof order === 'string') return this.#refuse(provider, order, trace);
    const which = await this.#which(provider, order);
    const who = byNobody(trace);
    const ended = await this.database.transaction(async (transaction) => {
      // A client's name never starts with a colon, so this cannot collide with a client's entry.
      const use = { clientId: `:logout:${provider.name}`, jti: order.jti, expiresAt: order.expiresAt };
      if (!(await this.used.useOnceIn(transaction, use))) return undefined;
      const all =
        which === undefined
          ? { sessions: [], delegations: { ended: [], revoked: [] } }
          : await this.ends.endIn(transaction, which, 'provider', who);
      const changes = { sessions: all.sessions.map(({ id }) => id) };
      await this.outbox.record(transaction, events.event('logout.received', who, { id: provider.name, changes }));
      return all;
    });
    if (ended === undefined) return this.#refuse(provider, 'LOGOUT_REPLAYED', trace);
    await this.ends.announce(ended);
  }

  async #refuse(provider: Provider, reason: LogoutTokenFault, trace: RequestTrace): Promise<never> {
    const limited = await this.limits.ofFailure(trace.peer);
    if (limited !== undefined) throw limited;
    const details = { id: provider.name, outcome: 'denied', reason } as const;
    await this.outbox.recordDurably(events.event('logout.refused', byNobody(trace), details));
    throw new OAuthError(400, 'invalid_request', 'the logout token is not valid');
  }

  async #which(
    { issuer }: Provider,
    { subject, providerSession, issuedAt }: LogoutOrder,
  ): Promise<SessionsFilter | undefined> {
    if (subject === undefined) return providerSession === undefined ? undefined : { issuer, providerSession };
    const person = await this.people.findBySubject(issuer, subject);
    if (person === undefined) return undefined;
    const authenticatedUntil = new Date((issuedAt + TOLERANCE_SECONDS) * 1_000);
    return {
      issuer,
      personId: person.id,
      authenticatedUntil,
      ...(providerSession === undefined ? {} : { providerSession }),
    };
  }

  async #read(provider: Provider, token: string): Promise<LogoutOrder | LogoutTokenFault> {
    try {
      const { header, payload, signature, signingInput } = parseCompactJws(token);
      const { alg, kid, typ, crit } = header;
      if (!isAlgorithm(alg) || crit !== undefined || (kid !== undefined && typeof kid !== 'string'))
        return 'LOGOUT_MALFORMED';
      if (typ !== undefined && (typeof typ !== 'string' || !/^(?:application\/)?(?:logout\+jwt|jwt)$/i.test(typ)))
        return 'LOGOUT_MALFORMED';
      const { jwks_uri: uri, issuer } = (await this.providers.configurationOf(provider)).serverMetadata();
      if (uri === undefined) return 'LOGOUT_SIGNATURE';
      const candidates = await this.keys.candidates(uri, alg, kid);
      // If the token were called invalid, it would not be sent again, and the person would stay signed in.
      if (!this.keys.areThere(uri)) throw keysAway();
      if (!candidates.some(({ key }) => signatureVerifies(alg, key, signingInput, signature)))
        return 'LOGOUT_SIGNATURE';
      const now = this.clock().getTime() / 1_000;
      return logoutOrder(parseJsonObject(payload), { issuer, clientId: provider.client_id }, now);
    } catch (error) {
      if (error instanceof TokenError) return 'LOGOUT_MALFORMED';
      throw error;
    }
  }
}
