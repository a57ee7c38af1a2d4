import { textOf } from './check.js';

describe('countersign ledger check', () => {
  it('names each invariant, and where a broken one is broken', () => {
    const text = textOf({
      ok: false,
      checked_at: '2026-01-01T00:00:00.000Z',
      accounts: 2,
      transfers: 1,
      entries: 2,
      invariants: [
        { name: 'sums_zero', holds: 'all sums are zero', ok: true, faults: 0, shown: [] },
        {
          name: 'held_is_held',
          holds: 'holds are held',
          ok: false,
          faults: 1,
          shown: [{ where: 'account-1', expected: '5', found: '7' }],
        },
      ],
    });
    expect(text).toMatch(/ok +sums_zero/);
    expect(text).toMatch(/1 fault +held_is_held/);
    expect(text).toMatch(/held_is_held +account-1 +5 +7/);
  });
});
