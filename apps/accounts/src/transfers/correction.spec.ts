import { type LedgerPrincipal } from '../authority.js';
import { accountId, modelAccounts, principal, start, transferId } from '../testing/ledger-model.js';
import { currencySchema } from '@countersign/money';
import { refuseCorrector } from './correction.js';
import { type Hold, type Transfer } from './transfer.js';

const DAY_MS = 86_400_000;
const leg = {
  debitAccount: accountId(1),
  creditAccount: accountId(2),
  amount: 5n,
  currency: currencySchema.parse('EUR'),
};
const back = [{ ...leg, debitAccount: leg.creditAccount, creditAccount: leg.debitAccount }];
const accounts = new Map(modelAccounts.map((account) => [account.id, account]));
const paid: Transfer = {
  id: transferId(1),
  reference: '',
  metadata: {},
  legs: [leg],
  corrects: null,
  origin: { subject: 'alice', clientId: 'payments', actors: [], txn: 'txn' },
  madeAt: start,
  hold: null,
};
const refusalAfter = (days: number, by: LedgerPrincipal, original = paid): string | undefined =>
  refuseCorrector(original, back, accounts, by, new Date(start.getTime() + days * DAY_MS), 180)?.code;

describe("a correction that takes from another's account", () => {
  it('is refused once the transfer is older than the limit, and its owner may still refund it', () => {
    const payments = principal('payments', ['transfers:correct']);
    expect(refusalAfter(180, payments)).toBeUndefined();
    expect(refusalAfter(180.001, payments)).toBe('CORRECTION_TOO_OLD');
    // `model` owns the accounts at both ends.
    expect(refusalAfter(3_650, principal('model', [], 'payments'))).toBeUndefined();
  });

  it('counts from when a hold was posted, not from when it was made', () => {
    const hold: Hold = {
      status: 'posted',
      expiresAt: start,
      postedAmount: 5n,
      endedAt: new Date(start.getTime() + 20 * DAY_MS),
      endedBy: null,
    };
    const payments = principal('payments', ['transfers:correct']);
    expect(refusalAfter(199, payments, { ...paid, hold })).toBeUndefined();
    expect(refusalAfter(201, payments, { ...paid, hold })).toBe('CORRECTION_TOO_OLD');
  });
});
