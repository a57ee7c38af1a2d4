import { createServer, type Server, type Socket } from 'node:net';
import { AuditOutbox } from '@countersign/audit-client';
import { problemOf } from '@countersign/service-host';
import pg from 'pg';
import { Registry } from 'prom-client';
import { QUEUE_LIMIT } from '../limits.js';
import { accountId, transferId } from '../testing/ledger-model.js';
import { Posting } from './posting.service.js';
import { expiredEvent } from './transfer-event.js';
import { TransfersStore } from './transfers.store.js';

describe('posting, while the database does not answer', () => {
  const sockets: Socket[] = [];
  let server: Server;
  let pool: pg.Pool;
  beforeAll(async () => {
    server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    pool = new pg.Pool({ host: '127.0.0.1', port, user: 'x', database: 'x', connectionTimeoutMillis: 300 });
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await pool.end();
    server.close();
  });

  it('fails all waiting transfers together after one attempt, not one after another', async () => {
    const outbox = new AuditOutbox({ pool, source: 'accounts' });
    const posting = new Posting(pool, new TransfersStore(pool), outbox, () => new Date(0), new Registry(), 180);
    const orders = Array.from({ length: 40 }, (_, number) =>
      posting.submit({ command: { kind: 'expire', id: transferId(number) }, principal: null, event: expiredEvent }, [
        accountId(1),
      ]),
    );
    const results = await Promise.allSettled(orders);
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect(sockets.length).toBeLessThanOrEqual(4);
  }, 60_000);

  it('refuses requests when too many wait, no matter who asks, as a temporary condition', async () => {
    const outbox = new AuditOutbox({ pool, source: 'accounts' });
    const posting = new Posting(pool, new TransfersStore(pool), outbox, () => new Date(0), new Registry(), 180);
    const expire = (number: number): Promise<unknown> =>
      posting.submit({ command: { kind: 'expire', id: transferId(number) }, principal: null, event: expiredEvent }, [
        accountId(1),
      ]);
    // One is on its way to the database.
    for (let number = 0; number <= QUEUE_LIMIT; number += 1) void expire(number).catch(() => undefined);
    const refused: unknown = await expire(QUEUE_LIMIT + 1).catch((error: unknown) => error);
    expect(problemOf(refused)).toMatchObject({ status: 503, code: 'LEDGER_BUSY', retry_after: 1 });
  }, 60_000);
});
