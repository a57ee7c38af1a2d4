import { TOKEN_LIFETIME_LIMIT } from '../registry/client.js';
import { type SessionTimes } from '../sessions/session.js';
import { type RefreshTimes } from './rotation.js';

/** What determines when a delegation expires. */
export interface DelegationTimes {
  readonly createdAt: Date;
  /** Whether it has `offline_access`: then it does not end with a session. */
  readonly offline: boolean;
  /** Of its refresh tokens; undefined if it has none. */
  readonly family: { readonly begunAt: Date; readonly usedAt: Date } | undefined;
  /** The session in which it was allowed; undefined once that is deleted. */
  readonly session: { readonly createdAt: Date; readonly seenAt: Date } | undefined;
}

/** Seconds after which every access token has expired: its maximum lifetime, and a margin for clock differences. */
export const LAST_TOKEN_SECONDS = TOKEN_LIFETIME_LIMIT + 60;

export interface DelegationEnds {
  /** The end in any case: from then on the person must allow it again. */
  readonly at: Date;
  /** The end unless it, or its session, is used before then. Never later than `at`. */
  readonly unusedAt: Date;
}

const after = (time: Date, ms: number): number => time.getTime() + ms;

/** When a delegation expires, not counting the lifetime of the last access token. */
export function endsOf(
  { createdAt, offline, family, session }: DelegationTimes,
  refresh: RefreshTimes,
  sessions: SessionTimes,
): DelegationEnds {
  if (family === undefined) {
    const end = new Date(after(createdAt, TOKEN_LIFETIME_LIMIT * 1_000));
    return { at: end, unusedAt: end };
  }
  const ofSession = offline ? undefined : session;
  const bounded = (bound: number, end: number | undefined): number => Math.min(bound, end ?? bound);
  const at = bounded(
    after(family.begunAt, refresh.life),
    ofSession && after(ofSession.createdAt, sessions.life * 1_000),
  );
  const unused = bounded(
    after(family.usedAt, refresh.idle),
    ofSession && after(ofSession.seenAt, sessions.idle * 1_000),
  );
  return { at: new Date(at), unusedAt: new Date(Math.min(at, unused)) };
}
