import fc from 'fast-check';
import { dueSteps, endOfState, type KeyState, type RotationTimes, type SigningKey } from './signing-key.js';

const times: RotationTimes = { rotation: 1_000, publication: 330, retirement: 930 };
const at = (seconds: number): Date => new Date(seconds * 1_000);

/** Keys as the store would have them after the steps. */
function apply(keys: readonly SigningKey[], now: Date): readonly SigningKey[] {
  let next = [...keys];
  for (const step of dueSteps(keys, now, times, 'ES256')) {
    const change = (kid: string | undefined, changes: Partial<SigningKey>): void => {
      next = next.map((key) => (key.kid === kid ? { ...key, ...changes } : key));
    };
    if (step.do === 'remove') change(step.kid, { state: 'removed' });
    if (step.do === 'activate') {
      change(step.retire, { state: 'retired', retiredAt: now });
      change(step.kid, { state: 'active', activatedAt: now });
    }
    if (step.do === 'create') {
      const usableFrom = step.as === 'active' ? now : at(now.getTime() / 1_000 + times.publication);
      const activatedAt = step.as === 'active' ? now : null;
      const kid = `k${String(next.length)}`;
      next.push({ kid, algorithm: 'ES256', state: step.as, createdAt: now, usableFrom, activatedAt, retiredAt: null });
    }
  }
  return next;
}
const inState = (keys: readonly SigningKey[], state: KeyState) => keys.filter((key) => key.state === state);

describe('the rotation of signing keys', () => {
  it('announces when a key stops signing, and when it leaves the published set', () => {
    const key = { activatedAt: at(100), retiredAt: null };
    expect(endOfState({ ...key, state: 'active' }, times)).toEqual(at(1_100));
    expect(endOfState({ ...key, state: 'retired', retiredAt: at(1_100) }, times)).toEqual(at(2_030));
    expect(endOfState({ activatedAt: null, retiredAt: null, state: 'pending' }, times)).toBeUndefined();
    expect(endOfState({ ...key, state: 'removed' }, times)).toBeUndefined();
  });

  it('always has one active and one pending key, and lets a key sign only once validators know it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 40 }), (pauses) => {
        let now = 0;
        let keys = apply([], at(0));
        for (const pause of pauses) {
          now += pause;
          const before = inState(keys, 'active')[0];
          keys = apply(keys, at(now));
          const [active] = inState(keys, 'active');
          expect([inState(keys, 'active').length, inState(keys, 'pending').length]).toEqual([1, 1]);
          if (active?.kid === before?.kid) continue;
          expect(now - (active?.createdAt.getTime() ?? 0) / 1_000).toBeGreaterThanOrEqual(times.publication);
          expect(keys.find(({ kid }) => kid === before?.kid)?.state).toBe('retired');
        }
      }),
    );
  });

  it('keeps a retired key until its last token has expired, and changes nothing when run twice', () => {
    let keys = apply([], at(0));
    keys = apply(keys, at(1_000));
    expect(inState(apply(keys, at(1_929)), 'retired')).toHaveLength(1);
    const later = apply(keys, at(1_930));
    expect(inState(later, 'retired')).toHaveLength(0);
    expect(apply(later, at(1_930))).toEqual(later);
  });

  it('replaces the pending key when the setting names another algorithm, and lets it take over once it is known', () => {
    const keys = apply([], at(0));
    expect(dueSteps(keys, at(1), times, 'EdDSA').map((step) => step.do)).toEqual(['remove', 'create']);
  });
});
