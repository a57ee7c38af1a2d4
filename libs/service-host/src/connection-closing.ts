import { type Server } from 'node:http';

const IDLE_CHECK_MS = 100;

/**
 * Lets a stopping server go: what is in flight may end, a connection is closed once it is idle (a stream that began before the stop could no
 * longer say `Connection: close`), and after `limitMs` milliseconds the rest is cut, so that a reader who does not read cannot hold the stop.
 */
export function closeConnections(server: Server, limitMs: number): void {
  const idle = setInterval(() => {
    server.closeIdleConnections();
  }, IDLE_CHECK_MS);
  const limit = setTimeout(() => {
    server.closeAllConnections();
  }, limitMs);
  server.once('close', () => {
    clearInterval(idle);
    clearTimeout(limit);
  });
}
