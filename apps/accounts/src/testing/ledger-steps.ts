import { currencySchema } from '@countersign/money';
import fc from 'fast-check';
import { type CreateTransfer } from '../transfers/transfer-command.js';
import { accountId, transferId, type Step } from './ledger-model.js';

const euro = currencySchema.parse('EUR');
const numbers = fc.nat({ max: 7 });
const amounts = fc.bigInt({ min: 1n, max: 12n });
/** Mostly among the euro accounts; sometimes both ends are one, or of another currency. */
const legs = fc.record({
  debitAccount: fc.nat({ max: 15 }).map((number) => accountId(number === 15 ? 4 : number % 4)),
  creditAccount: fc.nat({ max: 15 }).map((number) => accountId(number === 15 ? 4 : number % 4)),
  amount: amounts,
  currency: fc.constant(euro),
});

/** Repeats of a few commands, as from a client that got no response. */
const repeated = Array.from({ length: 8 }, (_, number): CreateTransfer => ({
  kind: 'create',
  id: transferId(number),
  legs: [
    { debitAccount: accountId(number % 3), creditAccount: accountId((number + 1) % 3), amount: 4n, currency: euro },
  ],
  holdSeconds: number % 2 === 0 ? 10 : null,
  corrects: null,
  reference: '',
  metadata: {},
}));

/** Steps over few accounts and few ids, so that they meet: repeats, reused ids, holds that others need, corrections of corrections. */
export const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...repeated) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      id: numbers.map(transferId),
      legs: fc.oneof(
        { weight: 4, arbitrary: fc.tuple(legs) },
        { weight: 1, arbitrary: fc.array(legs, { minLength: 2, maxLength: 3 }) },
      ),
      holdSeconds: fc.option(fc.integer({ min: 1, max: 20 }), { freq: 2 }),
      corrects: fc.constant(null),
      reference: fc.constant(''),
      metadata: fc.constant({}),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      id: numbers.map((number) => transferId(number + 8)),
      legs: fc.tuple(legs),
      holdSeconds: fc.option(fc.integer({ min: 1, max: 20 }), { freq: 4 }),
      corrects: numbers.map(transferId),
      reference: fc.constant('correction'),
      metadata: fc.constant({}),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('post' as const),
      id: numbers.map(transferId),
      amount: fc.option(
        amounts.map((amount) => ({ amount, currency: euro })),
        { nil: undefined },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('void' as const), id: numbers.map(transferId) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 15 }) }) },
);
