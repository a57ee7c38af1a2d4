import { type Who } from '../testing/real-accounts.js';
import { euro, startPayments, type Answer, type PaymentsUnderTest } from '../testing/payments-under-test.js';

const alice: Who = { subject: 'alice', clientId: 'gateway' };
const merchant: Who = { subject: 'merchant', clientId: 'gateway' };
const gateway: Who = { subject: 'gateway', clientId: 'gateway', scopes: ['payments:refund:client'] };

describe('a refund', () => {
  let payments: PaymentsUnderTest;
  let from: string;
  let to: string;
  beforeAll(async () => {
    payments = await startPayments();
    [from, to] = [await payments.accounts.open(alice, 'allowed'), await payments.accounts.open(merchant, 'forbidden')];
  }, 180_000);
  afterAll(async () => {
    await payments.stop();
  }, 60_000);

  const pay = async (): Promise<string> => {
    const paid = await payments.call(alice, 'POST', '/payments', { amount: euro('100'), from, to });
    return String(paid.body['id']);
  };
  const refund = (who: Who, id: string): Promise<Answer> =>
    payments.call(who, 'POST', `/payments/${id}/refund`, { amount: euro('40') });
  const codeOf = ({ status, body }: Answer): unknown => [status, body['code']];

  it('is not the payer’s to make: what was paid stays with the payee, and the attempt is recorded', async () => {
    const id = await pay();
    expect(codeOf(await refund(alice, id))).toEqual([403, 'REFUND_NOT_PAYEE']);
    expect(codeOf(await refund({ ...alice, clientId: 'other' }, id))).toEqual([403, 'REFUND_NOT_PAYEE']);
    expect((await payments.call(alice, 'GET', `/payments/${id}`)).body).toMatchObject({ refunded: euro('0') });
    expect(await payments.eventsOf(`payment/${id}`)).toContain('refund.refused');
  });

  it('is the payee’s to make, through whichever client, in its own right', async () => {
    const id = await pay();
    expect(await refund(merchant, id)).toMatchObject({ status: 201, body: { payment: { refunded: euro('40') } } });
    expect((await refund({ ...merchant, clientId: 'till' }, id)).status).toBe(201);
    const asked = payments.accounts
      .asked()
      .filter(({ subject, scopes }) => subject === 'merchant' && scopes[0] !== 'accounts:read');
    expect(asked.map(({ scopes }) => scopes)).toEqual([['transfers:create'], ['transfers:create']]);
  });

  it('is the client’s to make with the scope that says so, for payments made through it only', async () => {
    const id = await pay();
    expect((await refund(gateway, id)).status).toBe(201);
    expect(payments.accounts.asked().at(-1)).toEqual({
      subject: 'gateway',
      scopes: ['transfers:create', 'transfers:correct'],
    });
    expect(codeOf(await refund({ ...gateway, subject: 'till', clientId: 'till' }, id))).toEqual([
      404,
      'PAYMENT_UNKNOWN',
    ]);
    expect(codeOf(await refund({ ...gateway, scopes: ['payments:refund'] }, id))).toEqual([404, 'PAYMENT_UNKNOWN']);
    expect((await refund({ ...gateway, scopes: ['payments:read:client'] }, id)).status).toBe(403);
  });
});
