import fastify, { type FastifyInstance } from 'fastify';
import { BankRefusal, type Payment } from './bank.js';
import { Cookies } from './cookies.js';
import { newSession } from './session.js';
import { shopRoutes } from './shop.routes.js';
import { Visits } from './visit.js';

describe('an order', () => {
  let app: FastifyInstance;
  let cookie: string;
  let answer: () => Payment;
  const keys: string[] = [];
  const session = newSession({ subject: 'ada', name: 'Ada', sid: undefined });

  beforeAll(async () => {
    app = fastify();
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
      done(null, new URLSearchParams(String(body)));
    });
    const visits = new Visits(new Cookies(false), () => 0);
    app.get('/start', (_request, reply) => {
      visits.start(reply, session, undefined);
      return reply.send('');
    });
    const bank = {
      accountsOf: () => Promise.resolve([]),
      paymentsOf: () => Promise.resolve([]),
      open: () => Promise.resolve(),
      pay: (_: unknown, { key }: { readonly key: string }) => {
        keys.push(key);
        return new Promise<Payment>((resolve) => {
          resolve(answer());
        });
      },
    };
    shopRoutes(app, { bank, visits });
    const started = await app.inject('/start');
    cookie = String(started.headers['set-cookie']).split(';')[0] ?? '';
  });
  afterAll(() => app.close());

  const home = async (): Promise<string> => (await app.inject({ url: '/', headers: { cookie } })).body;
  /** The key of the form with which the bank is asked again. */
  const keyAgain = async (): Promise<string | undefined> =>
    /name="key" value="([\w-]+)" \/>\s*<button name="good" value="coffee">Ask again/.exec(await home())?.[1];
  const pay = (key: string) =>
    app.inject({
      method: 'POST',
      url: '/pay',
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ form_token: session.formToken, good: 'coffee', key }).toString(),
    });

  it.each<[string, () => never]>([
    [
      'is pending at the bank',
      () => {
        throw new BankRefusal(503, 'PAYMENT_PENDING', 'accounts did not answer');
      },
    ],
    [
      'still runs at the bank',
      () => {
        throw new BankRefusal(409, 'IDEMPOTENCY_IN_FLIGHT', 'it runs');
      },
    ],
    [
      'had no answer',
      () => {
        throw new TypeError('fetch failed');
      },
    ],
  ])('that %s is asked for again under its own key, so that it is paid once', async (_, unanswered) => {
    const key = crypto.randomUUID();
    answer = unanswered;
    await pay(key);
    expect(await keyAgain()).toBe(key);
    answer = () => ({
      id: '1',
      status: 'settled',
      amount: { amount: '250', currency: 'EUR' },
      reference: 'Coffee',
      created_at: '',
    });
    await pay(key);
    expect(keys.slice(-2)).toEqual([key, key]);
    expect(await keyAgain()).toBeUndefined();
  });
});
