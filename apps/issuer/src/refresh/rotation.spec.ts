import fc from 'fast-check';
import { rotate, ROTATIONS_KEPT, type Family } from './rotation.js';

const times = { idle: 10_000, life: 100_000, again: 30 };
const begun: Family = { generation: 0, begunAt: 0, rotations: [] };

function rotated(family: Family, now: number): Family {
  const verdict = rotate(family, family.generation, now, times);
  if (verdict.kind !== 'rotated') throw new Error(verdict.kind);
  return verdict.family;
}

describe('the rotation of refresh tokens', () => {
  it('returns the same successor for the same old token within the window, and ends the family after it', () => {
    const family = rotated(begun, 100);
    expect(rotate(family, 0, 130, times)).toEqual({ kind: 'again', generation: 1 });
    expect(rotate(family, 0, 131, times)).toEqual({ kind: 'replayed' });
    expect(rotate(family, 1, 131, times).kind).toBe('rotated');
  });

  it('returns the valid token for each token of the window, even if others were issued since', () => {
    const family = [110, 120].reduce(rotated, rotated(begun, 100));
    expect([0, 1, 2].map((presented) => rotate(family, presented, 125, times))).toEqual([
      { kind: 'again', generation: 3 },
      { kind: 'again', generation: 3 },
      { kind: 'again', generation: 3 },
    ]);
    expect(rotate(family, 0, 135, times)).toEqual({ kind: 'replayed' });
    expect(rotate(family, 1, 135, times)).toEqual({ kind: 'again', generation: 3 });
  });

  it('ends when a token was not used for too long, or the family is too old', () => {
    expect(rotate(begun, 0, 10_000, times).kind).toBe('rotated');
    expect(rotate(begun, 0, 10_001, times).kind).toBe('expired');
    let family = begun;
    for (let now = 10_000; now <= 100_000; now += 10_000) family = rotated(family, now);
    expect(rotate(family, family.generation, 100_001, times).kind).toBe('expired');
    expect(rotate(rotated(begun, 0), 0, 10_001, times).kind).toBe('expired');
  });

  it('accepts no token that was never issued', () => {
    expect(rotate(begun, 1, 0, times).kind).toBe('unknown');
  });

  it('signs nobody out who retries within the window, whatever was lost, in any order', () => {
    const step = fc.record({ wait: fc.nat(12), who: fc.nat(4), lost: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let family = begun;
        let now = 0;
        // Each of five tabs holds a token, and knows since when it is a used one; after the window a tab takes the newest, as from shared storage.
        const tabs = Array.from({ length: 5 }, () => ({ generation: 0, since: 0 }));
        const made = new Set([0]);
        for (const { wait, who, lost } of steps) {
          now += wait;
          const tab = tabs[who];
          if (tab === undefined) throw new Error('no tab');
          if (tab.generation < family.generation && now - tab.since > times.again) tab.generation = family.generation;
          const verdict = rotate(family, tab.generation, now, times);
          expect(['rotated', 'again']).toContain(verdict.kind);
          const brought =
            verdict.kind === 'rotated' ? verdict.family.generation : verdict.kind === 'again' ? verdict.generation : -1;
          if (verdict.kind === 'rotated') {
            expect(tab.generation).toBe(family.generation);
            expect(made.has(brought)).toBe(false);
            made.add(brought);
            for (const other of tabs) if (other.generation === family.generation) other.since = now;
            family = verdict.family;
          }
          // What anybody gets works at that moment.
          expect(brought).toBe(family.generation);
          if (!lost) tab.generation = brought;
          // One chain: every generation up to the newest was made once.
          expect(made.size).toBe(family.generation + 1);
        }
      }),
    );
  });

  it('yields something only for the newest token, and for used ones within the window; it forgets no rotation of the window', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(20), { minLength: 1, maxLength: 60 }),
        fc.nat(60),
        fc.nat(100),
        (waits, back, later) => {
          let family = begun;
          let now = 0;
          const at: number[] = [];
          for (const wait of waits) {
            now += wait;
            family = rotated(family, now);
            at.push(now);
          }
          const presented = Math.max(0, family.generation - back);
          now += later;
          const { kind } = rotate(family, presented, now, times);
          const replacedAt = at[presented];
          const expected =
            replacedAt === undefined ? 'rotated' : now - replacedAt <= times.again ? 'again' : 'replayed';
          expect(kind).toBe(expected);
        },
      ),
    );
  });

  it('remembers a bounded number of rotations', () => {
    let family = begun;
    for (let n = 0; n < 2 * ROTATIONS_KEPT; n += 1) family = rotated(family, 1);
    expect(family.rotations).toHaveLength(ROTATIONS_KEPT);
  });
});
