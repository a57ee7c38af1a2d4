import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { watchConnections } from './connection-closing.js';

/** A server whose response begins immediately and ends after `endAfterMs`, or never. @returns milliseconds that its stop takes */
async function stopTakes(endAfterMs: number | undefined, limitMs: number): Promise<number> {
  const server: Server = createServer({ keepAliveTimeout: 60_000 }, (_request, response) => {
    response.write('begun');
    if (endAfterMs !== undefined) setTimeout(() => response.end('ended'), endAfterMs);
  });
  const letGo = watchConnections(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const answer = await fetch(`http://127.0.0.1:${String(port)}/`);
  const text = answer.text().catch(() => 'cut off');
  const startedAt = performance.now();
  const closed = once(server, 'close');
  server.close();
  letGo(limitMs);
  await Promise.race([closed, delay(20_000, undefined, { ref: false })]);
  expect(await text).toBe(endAfterMs === undefined ? 'cut off' : 'begunended');
  return performance.now() - startedAt;
}

describe('a stopping server', () => {
  it("lets a stream end, and does not wait for its connection's keep-alive timeout", async () => {
    expect(await stopTakes(200, 15_000)).toBeLessThan(10_000);
  }, 40_000);

  it('cuts connections that do not end within its limit', async () => {
    expect(await stopTakes(undefined, 300)).toBeLessThan(10_000);
  }, 40_000);

  it('closes a connection that was opened ahead and on which nothing was asked', async () => {
    const server = createServer();
    const letGo = watchConnections(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const opened = once(server, 'connection');
    const socket = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
    await opened;
    const closed = once(server, 'close');
    server.close();
    letGo(60_000);
    await closed;
    socket.destroy();
  }, 10_000);
});
