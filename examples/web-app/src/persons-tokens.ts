import { ResponseBodyError } from 'openid-client';
import { type Issuer } from './issuer.js';
import { type Allowed, type Service, type Session } from './session.js';

/** The person has not allowed the service, or has withdrawn consent: ask again. */
export class NotAllowed extends Error {
  constructor(readonly service: Service) {
    super(`nothing is allowed for ${service}`);
  }
}

/** A person's access tokens, renewed on the server when they are about to expire. */
export class PersonsTokens {
  private readonly renewing = new Map<Allowed, Promise<Allowed>>();
  constructor(
    private readonly issuer: Pick<Issuer, 'refresh'>,
    private readonly now: () => number,
  ) {}

  /** @throws {NotAllowed} */
  async of(session: Session, service: Service): Promise<string> {
    const allowed = session.allowed.get(service);
    if (allowed === undefined) throw new NotAllowed(service);
    if (this.now() < allowed.expiresAt) return allowed.accessToken;
    return (await this.renewed(session, service, allowed)).accessToken;
  }

  /** A token other than the one that was just refused, which may have been revoked individually. @throws {NotAllowed} */
  async afterRefusal(session: Session, service: Service, refused: string): Promise<string> {
    const allowed = session.allowed.get(service);
    if (allowed === undefined) throw new NotAllowed(service);
    if (allowed.accessToken !== refused) return allowed.accessToken;
    return (await this.renewed(session, service, allowed)).accessToken;
  }

  /** Two requests of one person at once share one renewal, because a refresh token is used once. */
  private renewed(session: Session, service: Service, allowed: Allowed): Promise<Allowed> {
    const running = this.renewing.get(allowed) ?? this.renew(session, service, allowed);
    this.renewing.set(allowed, running);
    return running.finally(() => this.renewing.delete(allowed));
  }

  /** A consent given again in the meantime counts, whatever the outcome of the earlier one. */
  private async renew(session: Session, service: Service, allowed: Allowed): Promise<Allowed> {
    const next = await this.next(service, allowed);
    const now = session.allowed.get(service);
    if (now !== undefined && now !== allowed) return now;
    if (next === undefined) {
      session.allowed.delete(service);
      throw new NotAllowed(service);
    }
    session.allowed.set(service, next);
    return next;
  }

  /** @returns undefined if it has ended */
  private async next(service: Service, allowed: Allowed): Promise<Allowed | undefined> {
    if (allowed.refreshToken === undefined) return undefined;
    try {
      return await this.issuer.refresh(service, allowed);
    } catch (error) {
      if (error instanceof ResponseBodyError && error.error === 'invalid_grant') return undefined;
      throw error;
    }
  }
}
