import { TOKEN_LIFETIME_LIMIT } from '../registry/client.js';
import { type SessionTimes } from '../sessions/session.js';
import { type RefreshTimes } from './rotation.js';

/** What decides when a delegation ends by itself. */
export interface DelegationTimes {
  readonly createdAt: Date;
  /** Whether it was allowed for the time when the person is away: then it does not end with a session. */
  readonly offline: boolean;
  /** Of its refresh tokens; nothing where it has none. */
  readonly family: { readonly begunAt: Date; readonly usedAt: Date } | undefined;
  /** In which it was allowed; nothing once that is forgotten. */
  readonly session: { readonly createdAt: Date; readonly seenAt: Date } | undefined;
}

/** Seconds after which every access token is over: its longest life, and a margin for clocks that differ. */
export const LAST_TOKEN_SECONDS = TOKEN_LIFETIME_LIMIT + 60;

export interface DelegationEnds {
  /** In any case: from then on the person must allow it again. */
  readonly at: Date;
  /** Unless it, or its session, is used until then. Never later than `at`. */
  readonly unusedAt: Date;
}

const after = (time: Date, ms: number): number => time.getTime() + ms;

/** When a delegation ends if nobody ends it, with the life of what its last refresh token brings left out. */
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
