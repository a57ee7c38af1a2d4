import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Latencies } from './latencies.js';
import { Run } from './load-run.js';
import { type Order, type Report } from './order.js';

const folder = mkdtempSync(join(tmpdir(), 'load-run-'));
const file = join(folder, 'key');
writeFileSync(file, 'csk_bench_key\n');
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  rmSync(folder, { recursive: true });
});

async function listen(answer: (response: ServerResponse, key: unknown) => void): Promise<string> {
  const server = createServer((request, response) => {
    answer(response, request.headers['x-api-key']);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return `http://127.0.0.1:${String(port)}/`;
}

const run = (order: Partial<Order> & Pick<Order, 'url'>): Promise<Report> =>
  new Promise((resolve) => {
    const whole = { file, rate: 100, connections: 4, floods: false, settleMs: 100, seconds: 0.2, afterMs: 60_000 };
    void new Run({ ...whole, ...order }, resolve);
  });

describe('the load of the keys benchmark', () => {
  it('sends at its rate while nothing is answered, and times each request from when it was due', async () => {
    const held: ServerResponse[] = [];
    const url = await listen((response, key) => {
      held.push(response);
      // Server and load share this process: both are late.
      if (held.length === 15) for (const until = performance.now() + 100; performance.now() < until;);
      // All 30 of the 0.3 seconds: the first waits for the last.
      if (held.length === 30) for (const one of held) one.end(String(key));
    });
    const { times, early, late, asked, statuses } = await run({ url, connections: 30 });
    expect([early.length, times.length, asked, statuses]).toEqual([10, 20, 20, { 200: 30 }]);
    const inOrder = [...early, ...times].sort((one, other) => other - one);
    // The last is due after 290 ms, and nothing is answered before. Rounded, since the times are sums.
    expect(inOrder.filter((ms, place) => Math.ceil(ms) < 290 - 10 * place)).toEqual([]);
    expect(Math.max(...late)).toBeGreaterThanOrEqual(80);
  });

  it('opens connections that the server closes again, and waits for no answer of those', async () => {
    let asked = 0;
    const url = await listen((response) => {
      asked += 1;
      if (asked % 2 === 0) response.destroy();
      else response.end();
    });
    const { statuses } = await run({ url, rate: 'unbounded', floods: true, afterMs: 0 });
    expect(asked).toBeGreaterThan(8);
    expect(Object.keys(statuses)).toEqual(['200']);
  });
});

describe('latencies of several turns', () => {
  it('have percentiles of all together, the median of the turns, and their spread', () => {
    const latencies = new Latencies();
    for (const turn of [[1], [3], [5, 90]]) latencies.add(turn);
    expect([latencies.count, latencies.pooled(0.5), latencies.pooled(1), latencies.typical(1)]).toEqual([4, 4, 90, 3]);
    expect(latencies.spread(1)).toEqual([1, 90]);
  });
});
