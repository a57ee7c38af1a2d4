import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { TokenError } from '@countersign/auth-core';
import { isAlgorithm, parseCompactJws, parseJsonObject, signatureVerifies } from '@countersign/auth-core/jws';
import { AUDIT_OUTBOX, byNobody, CLOCK, OAuthError, type RequestTrace } from '@countersign/service-host';
import { UsedAssertions } from '../authentication/used-assertions.store.js';
import { events } from '../events.js';
import { AuthenticationLimits } from '../limits/authentication-limits.service.js';
import { PeopleStore } from '../people/people.store.js';
import { type Provider } from '../providers/provider.js';
import { Providers } from '../providers/providers.service.js';
import { RemoteKeys } from '../registry/remote-keys.service.js';
import { SessionEnds } from '../sessions/session-ends.service.js';
import { type SessionsFilter } from '../sessions/sessions.store.js';
import { logoutOrder, type LogoutOrder, type LogoutTokenFault } from './logout-token.js';

/** A notification from a provider: a person signed out there. */
@Injectable()
export class ProviderLogout {
  constructor(
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
   * Ends the sessions that a provider's logout token names: its own session (`sid`), or all of the person's that began there.
   * @throws {OAuthError} 400 `invalid_request` for one that does not hold; 429 for a network with too many of these
   */
  async receive(provider: Provider, token: string, trace: RequestTrace): Promise<void> {
    const order = await this.#read(provider, token);
    if (typeof order === 'string') {
      const limited = await this.limits.ofFailure(trace.peer);
      if (limited !== undefined) throw limited;
      const details = { id: provider.name, outcome: 'denied', reason: order } as const;
      await this.outbox.recordDurably(events.event('logout.refused', byNobody(trace), details));
      throw new OAuthError(400, 'invalid_request', 'the logout token is not valid');
    }
    const which = await this.#which(provider, order);
    const ended = which === undefined ? [] : await this.ends.end(which, 'provider', byNobody(trace));
    const changes = { sessions: ended.map(({ id }) => id) };
    await this.outbox.recordDurably(events.event('logout.received', byNobody(trace), { id: provider.name, changes }));
  }

  async #which(provider: Provider, { subject, providerSession }: LogoutOrder): Promise<SessionsFilter | undefined> {
    const { issuer } = provider;
    if (subject === undefined) return providerSession === undefined ? undefined : { issuer, providerSession };
    const person = await this.people.findBySubject(issuer, subject);
    if (person === undefined) return undefined;
    return { issuer, personId: person.id, ...(providerSession === undefined ? {} : { providerSession }) };
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
      if (!candidates.some(({ key }) => signatureVerifies(alg, key, signingInput, signature)))
        return 'LOGOUT_SIGNATURE';
      const now = this.clock().getTime() / 1_000;
      const order = logoutOrder(parseJsonObject(payload), { issuer, clientId: provider.client_id }, now);
      if (typeof order === 'string') return order;
      // A colon is not in a client's name at its start, so nothing of a client's is meant by it.
      const use = { clientId: `:logout:${provider.name}`, jti: order.jti, expiresAt: order.expiresAt };
      return (await this.used.useOnce(use)) ? order : 'LOGOUT_REPLAYED';
    } catch (error) {
      if (error instanceof TokenError) return 'LOGOUT_MALFORMED';
      throw error;
    }
  }
}
