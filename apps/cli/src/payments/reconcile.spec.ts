import { textOf } from './reconcile.js';

const report = {
  ok: true,
  started_at: '2026-01-01T00:00:00.000Z',
  finished_at: '2026-01-01T00:00:01.000Z',
  payments: 3,
  refunds: 1,
  transfers: 4,
  differences: {},
  repaired: 0,
  shown: [],
};
const difference = {
  code: 'RECORD_MISSING',
  resource: 'transfer/1',
  transfer_id: '1',
  kept: 'nothing',
  found: 'posted, 5 EUR',
  repair: 'adopt',
  repaired: false,
};

describe('countersign payments reconcile', () => {
  it('says that both sides agree, and on how much', () => {
    expect(textOf(report)).toBe('3 payments, 1 refund, 4 transfers, as of 2026-01-01T00:00:00.000Z: they agree');
  });

  it('names each difference with what can be done about it, and how many it does not show', () => {
    const shown = [
      difference,
      { ...difference, resource: 'payment/2', code: 'TRANSFER_MISSING', repair: null },
      { ...difference, resource: 'transfer/3', repaired: true },
    ];
    const text = textOf({
      ...report,
      ok: false,
      differences: { RECORD_MISSING: 1, TRANSFER_MISSING: 2 },
      repaired: 1,
      shown,
    });
    expect(text).toMatch(/3 differ, 1 repaired/);
    expect(text).toMatch(/RECORD_MISSING +transfer\/1 +nothing +posted, 5 EUR +with --repair/);
    expect(text).toMatch(/TRANSFER_MISSING +payment\/2 .* +needs manual repair/);
    expect(text).toMatch(/transfer\/3 .* +repaired/);
    expect(text).toMatch(/and 1 more$/);
  });
});
