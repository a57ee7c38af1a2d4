import { type Algorithm } from '@countersign/auth-core';
import { z } from 'zod';

/** pending (published, not signing) → active (one, signs) → retired (published until its last token has expired) → removed. */
export const keyStates = ['pending', 'active', 'retired', 'removed'] as const;
export type KeyState = (typeof keyStates)[number];

export const keyIdSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be a kid: an RFC 7638 thumbprint');

/** A signing key as seen by rotation. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  readonly state: KeyState;
  readonly createdAt: Date;
  /** The earliest time at which it may sign: a JWKS lifetime after it was published. */
  readonly usableFrom: Date;
  readonly activatedAt: Date | null;
  readonly retiredAt: Date | null;
}

/** Seconds. */
export interface RotationTimes {
  /** How long a key signs. */
  readonly rotation: number;
  /** How long a key is published before it signs: a JWKS lifetime and a margin. */
  readonly publication: number;
  /** How long a key is published after it signed: the longest token lifetime and a margin. */
  readonly retirement: number;
}

/** When rotation ends a key's state: an active one then stops signing, a retired one is removed from the published set. @returns undefined for the others */
export function endOfState(
  { state, activatedAt, retiredAt }: Pick<SigningKey, 'state' | 'activatedAt' | 'retiredAt'>,
  { rotation, retirement }: Pick<RotationTimes, 'rotation' | 'retirement'>,
): Date | undefined {
  if (state === 'active' && activatedAt !== null) return new Date(activatedAt.getTime() + rotation * 1_000);
  if (state === 'retired' && retiredAt !== null) return new Date(retiredAt.getTime() + retirement * 1_000);
  return undefined;
}

/** One step towards the desired state of the keys. */
export type RotationStep =
  | { readonly do: 'create'; readonly as: 'active' | 'pending' }
  | { readonly do: 'activate'; readonly kid: string; readonly retire: string | undefined }
  | { readonly do: 'remove'; readonly kid: string };

const since = (date: Date | null, now: Date): number =>
  date === null ? -Infinity : (now.getTime() - date.getTime()) / 1_000;

/** Whether the pending key may sign: validators that respect the JWKS's lifetime know it. */
export function mayActivate({ state, usableFrom }: SigningKey, now: Date): boolean {
  return state === 'pending' && usableFrom.getTime() <= now.getTime();
}

/**
 * What is due. There is always one active key and one pending: published ahead of its use, it is on standby for the next rotation, planned or not.
 * @param wanted the configured algorithm; a pending key with another one is replaced and takes over
 */
export function dueSteps(
  keys: readonly SigningKey[],
  now: Date,
  times: RotationTimes,
  wanted: Algorithm,
): readonly RotationStep[] {
  const steps: RotationStep[] = [];
  const active = keys.find(({ state }) => state === 'active');
  const pending = keys.find(({ state }) => state === 'pending');
  for (const { kid, state, retiredAt } of keys) {
    if (state === 'retired' && since(retiredAt, now) >= times.retirement) steps.push({ do: 'remove', kid });
  }
  if (pending === undefined) {
    if (active === undefined) steps.push({ do: 'create', as: 'active' });
    steps.push({ do: 'create', as: 'pending' });
    return steps;
  }
  if (pending.algorithm !== wanted) {
    steps.push({ do: 'remove', kid: pending.kid }, { do: 'create', as: 'pending' });
    return steps;
  }
  const over = active === undefined || since(active.activatedAt, now) >= times.rotation || active.algorithm !== wanted;
  if (over && (active === undefined || mayActivate(pending, now))) {
    steps.push({ do: 'activate', kid: pending.kid, retire: active?.kid }, { do: 'create', as: 'pending' });
  }
  return steps;
}
