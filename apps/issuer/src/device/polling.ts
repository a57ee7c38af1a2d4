/** A device's wait, as far as its next poll goes. Times in milliseconds since 1970. */
export interface Waiting {
  readonly expiresAt: number;
  /** Seconds between two polls. */
  readonly every: number;
  readonly askedAt: number | undefined;
  readonly decision: 'none' | 'allowed' | 'refused';
  readonly redeemed: boolean;
}

/** Seconds that a person has to enter the code and decide. */
export const DEVICE_SECONDS = 600;
/** Seconds between two polls of a device at first, and by how many they grow when it polls too often (RFC 8628, section 3.5). */
export const POLL_SECONDS = 5;
/** Milliseconds by which a poll may come early: a device's clock and the network are not exact. */
const EARLY_MS = 500;

/** What a device is answered (RFC 8628, section 3.5). */
export type PollAnswer = 'allowed' | 'authorization_pending' | 'slow_down' | 'access_denied' | 'expired_token' | 'used';

/** Decides the answer. A device that polls too often gets only that answer until it waits; the decision is still there then. */
export function pollAnswer({ expiresAt, every, askedAt, decision, redeemed }: Waiting, now: number): PollAnswer {
  if (redeemed) return 'used';
  if (now >= expiresAt) return 'expired_token';
  if (askedAt !== undefined && now - askedAt < every * 1_000 - EARLY_MS) return 'slow_down';
  if (decision === 'refused') return 'access_denied';
  return decision === 'allowed' ? 'allowed' : 'authorization_pending';
}
