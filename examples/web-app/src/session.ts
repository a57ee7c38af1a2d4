import { randomBytes } from 'node:crypto';
import { type Order } from './order.js';

/** The services that the application calls for a person. */
export const services = ['payments', 'accounts'] as const;
export type Service = (typeof services)[number];

/** What a person allowed for one service. The browser never sees any of it. */
export interface Allowed {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** How recent, and how strong, a sign-in must be (RFC 9470). */
export interface StepUp {
  readonly maxAge: number | undefined;
  readonly acrValues: string | undefined;
}

/** A person who is signed in here. */
export interface Session {
  readonly subject: string;
  readonly name: string;
  /** The issuer's session (OpenID Connect Back-Channel Logout, 2.1). */
  readonly sid: string | undefined;
  /** Included in every form; other sites cannot know it. */
  readonly formToken: string;
  readonly allowed: Map<Service, Allowed>;
  /** What the person was about to pay when a new sign-in was required. */
  waiting: Order | undefined;
  /** A payment whose outcome the bank did not report: to be retried under its own key, never under a new one. */
  unanswered: Order | undefined;
  /** What the bank requires before it makes the waiting payment. */
  stepUp: StepUp | undefined;
  /** Shown once, on the next page. */
  notice: string | undefined;
}

/**
 * A session of somebody who has just signed in.
 * @param earlier that they had until now. What they allowed stays in the same map, where a renewal in progress puts its tokens.
 */
export function newSession(who: Pick<Session, 'subject' | 'name' | 'sid'>, earlier?: Session): Session {
  return {
    ...who,
    formToken: randomBytes(32).toString('base64url'),
    allowed: earlier?.allowed ?? new Map<Service, Allowed>(),
    waiting: earlier?.waiting,
    unanswered: earlier?.unanswered,
    stepUp: undefined,
    notice: undefined,
  };
}
