import { createServer, type Server } from 'node:http';
import { type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { euro, startPayments, type PaymentsUnderTest } from '../testing/payments-under-test.js';
import { type Who } from '../testing/real-accounts.js';
import { ENDPOINT_CONCURRENCY } from './delivery.worker.js';

/** Places in the swift lane of the service under test. */
const PLACES = 4;
/** Endpoints that accept and stay silent: three times as many as there are places. */
const HANGING = 12;

interface Merchant {
  readonly url: string;
  readonly received: { readonly path: string; readonly id: string; readonly at: number; readonly createdAt: number }[];
  most: number;
  close(): Promise<void>;
}

const noticeSchema = z.looseObject({ created_at: z.iso.datetime() });

/** @param answer milliseconds until it answers; none: never */
async function startMerchant(answer: number | undefined): Promise<Merchant> {
  const sockets = new Set<Socket>();
  let open = 0;
  const server: Server = createServer((request, response) => {
    open += 1;
    merchant.most = Math.max(merchant.most, open);
    response.on('close', () => (open -= 1));
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { created_at } = noticeSchema.parse(JSON.parse(Buffer.concat(chunks).toString()));
      const id = String(request.headers['webhook-id']);
      merchant.received.push({ path: request.url ?? '', id, at: Date.now(), createdAt: Date.parse(created_at) });
      if (answer !== undefined) setTimeout(() => response.writeHead(200).end(), answer);
    });
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const merchant: Merchant = {
    url: `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : '')}`,
    received: [],
    most: 0,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
  return merchant;
}

describe('the pool that sends webhooks', () => {
  let payments: PaymentsUnderTest;
  const merchants: Merchant[] = [];
  beforeAll(async () => {
    payments = await startPayments({ WEBHOOK_CONCURRENCY: String(PLACES) });
  }, 180_000);
  afterAll(async () => {
    await payments.stop();
    for (const merchant of merchants) await merchant.close();
  }, 60_000);

  async function merchantThat(answer: number | undefined): Promise<Merchant> {
    const merchant = await startMerchant(answer);
    merchants.push(merchant);
    return merchant;
  }
  async function payer(name: string): Promise<{ readonly who: Who; pay(): Promise<void> }> {
    const who: Who = { subject: name, clientId: name };
    const [from, to] = [await payments.accounts.open(who, 'allowed'), await payments.accounts.open(who, 'forbidden')];
    return {
      who,
      async pay() {
        expect((await payments.call(who, 'POST', '/payments', { amount: euro('1'), from, to })).status).toBe(201);
      },
    };
  }
  async function register(who: Who, url: string): Promise<string> {
    const { status, body } = await payments.call(who, 'POST', '/webhooks', { url, types: ['payment.settled'] });
    expect(status).toBe(201);
    return String(body['id']);
  }
  async function until(what: () => boolean | Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + 60_000; Date.now() < deadline; await delay(50)) if (await what()) return;
    throw new Error('it did not come about within a minute');
  }

  it('delivers to a healthy endpoint immediately, however many others hang', async () => {
    const silent = await merchantThat(undefined);
    const well = await merchantThat(0);
    const [hangers, shop] = [[await payer('hangs-1'), await payer('hangs-2')], await payer('well')];
    for (const { who } of hangers) {
      for (let number = 0; number < HANGING / 2; number += 1) await register(who, `${silent.url}/${String(number)}`);
    }
    await register(shop.who, `${well.url}/`);
    for (const { pay } of hangers) await pay();
    await until(() => silent.received.length >= PLACES);
    for (let count = 0; count < 5; count += 1) await shop.pay();
    await until(() => well.received.length === 5);
    // A hanging one takes ten seconds: anything queued behind it would arrive later than this.
    for (const { at, createdAt } of well.received) expect(at - createdAt).toBeLessThan(8_000);
  }, 120_000);

  it('sends few notices to one endpoint concurrently, and each once, even if it is slow', async () => {
    const leisurely = await merchantThat(300);
    const shop = await payer('leisurely');
    await register(shop.who, `${leisurely.url}/`);
    await Promise.all(Array.from({ length: 16 }, () => shop.pay()));
    await until(() => leisurely.received.length >= 16);
    const { rows } = await payments.pool.query<{ attempts: number }>(
      `select d.attempts from webhook_delivery d join webhook_endpoint e on e.id = d.endpoint_id where e.subject = 'leisurely'`,
    );
    expect(rows.map(({ attempts }) => attempts)).toEqual(Array.from({ length: 16 }, () => 1));
    expect(new Set(leisurely.received.map(({ id }) => id)).size).toBe(16);
    expect(leisurely.most).toBeLessThanOrEqual(ENDPOINT_CONCURRENCY);
  }, 120_000);

  it('pauses an endpoint that does not respond, with everything that waits for it, until a replay', async () => {
    const closed = await startMerchant(0);
    await closed.close();
    const shop = await payer('resting');
    const id = await register(shop.who, `${closed.url}/`);
    for (let count = 0; count < 3; count += 1) await shop.pay();
    const attempts = async (): Promise<readonly number[]> => {
      const { rows } = await payments.pool.query<{ attempts: number }>(
        'select attempts from webhook_delivery where endpoint_id = $1 order by event_id',
        [id],
      );
      return rows.map(({ attempts: count }) => count);
    };
    const health = async () => {
      const { rows } = await payments.pool.query<{ resting: boolean }>(
        'select rest_until is not null as resting from webhook_endpoint where id = $1',
        [id],
      );
      return rows[0]?.resting;
    };
    await until(async () => (await health()) === true);
    // It rests for longer than this: nothing else was tried without success in the meantime.
    await payments.pool.query(`update webhook_endpoint set rest_until = now() + interval '1 hour' where id = $1`, [id]);
    const tried = await attempts();
    await payments.pool.query(`update webhook_delivery set next_attempt_at = now() where endpoint_id = $1`, [id]);
    await delay(1_500);
    expect(await attempts()).toEqual(tried);
    await payments.call(shop.who, 'POST', `/webhooks/${id}/replay`, { since: '2020-01-01T00:00:00Z' });
    await until(
      async () => (await attempts()).reduce((sum, one) => sum + one, 0) > tried.reduce((sum, one) => sum + one, 0),
    );
  }, 120_000);
});
