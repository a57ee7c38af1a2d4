import { currencySchema } from '@countersign/money';
import fc from 'fast-check';
import { accountIdSchema, accountKinds, mayStandAt, normalBalance, type Account } from '../accounts/account.js';
import { post } from './transfer.js';

const euro = currencySchema.parse('EUR');
const ids = fc.uuid().map((id) => accountIdSchema.parse(id));
const accounts: fc.Arbitrary<Account> = fc.record({
  id: ids,
  name: fc.constant('any'),
  kind: fc.constantFrom(...accountKinds),
  currency: fc.constant(euro),
  overdraft: fc.constantFrom('forbidden', 'allowed'),
  creditsMinusDebits: fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }),
  openedBy: fc.constant('test'),
  openedAt: fc.constant(new Date(0)),
});

describe('a transfer', () => {
  it('is balanced, changes each balance by its amount, and leaves no account where its rule forbids', () => {
    fc.assert(
      fc.property(accounts, accounts, fc.bigInt({ min: 1n, max: 10n ** 12n }), (debit, credit, amount) => {
        const posting = post({ amount, currency: euro }, debit, credit);
        if (!posting.ok) return;
        const [from, to] = posting.entries;
        expect([from.side, to.side, from.amount, to.amount]).toEqual(['debit', 'credit', amount, amount]);
        expect(from.balanceAfter + to.balanceAfter).toBe(debit.creditsMinusDebits + credit.creditsMinusDebits);
        expect(mayStandAt(debit, from.balanceAfter) && mayStandAt(credit, to.balanceAfter)).toBe(true);
      }),
    );
  });

  it('is refused for want of funds exactly when the rule forbids where it would lead', () => {
    fc.assert(
      fc.property(accounts, accounts, fc.bigInt({ min: 1n, max: 10n ** 12n }), (debit, credit, amount) => {
        const posting = post({ amount, currency: euro }, debit, credit);
        const may =
          mayStandAt(debit, debit.creditsMinusDebits - amount) &&
          mayStandAt(credit, credit.creditsMinusDebits + amount);
        if (debit.id !== credit.id) expect(posting.ok).toBe(may);
      }),
    );
  });

  it('needs two known, different accounts of its own currency', () => {
    const [account, other] = fc.sample(accounts, { numRuns: 2, seed: 1 });
    if (account === undefined || other === undefined) throw new Error('no sample');
    const dollars = { amount: 1n, currency: currencySchema.parse('USD') };
    expect(post({ amount: 1n, currency: euro }, account, undefined)).toEqual({ ok: false, refusal: 'ACCOUNT_UNKNOWN' });
    expect(post({ amount: 1n, currency: euro }, account, account)).toEqual({ ok: false, refusal: 'SAME_ACCOUNT' });
    expect(post(dollars, account, other)).toEqual({ ok: false, refusal: 'CURRENCY_MISMATCH' });
  });

  it('reads balances from the side on which the kind of account grows', () => {
    expect(normalBalance('liability', 5n)).toBe(5n);
    expect(normalBalance('asset', 5n)).toBe(-5n);
  });
});
