import { withTimes } from './overview.js';

describe('sources in an overview', () => {
  it('each have the time of their last step; null for one that has made none', () => {
    const state = { through: '7', missing: [], gap_since: null, alert: false };
    const states = [
      { source: 'issuer', ...state },
      { source: 'payments', ...state },
    ];
    expect(withTimes(states, [{ source: 'payments', advanced_at: '2026-11-26T10:00:00Z' }])).toEqual([
      { source: 'issuer', ...state, advanced_at: null },
      { source: 'payments', ...state, advanced_at: '2026-11-26T10:00:00Z' },
    ]);
  });
});
