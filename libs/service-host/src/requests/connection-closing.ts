import { type Server } from 'node:http';
import { type Socket } from 'node:net';

const IDLE_CHECK_MS = 100;

/**
 * Tracks a server's connections for its shutdown. @returns ends them once the server is stopping: what is in flight may finish, a connection
 * is closed once it is idle (a stream that began before the stop could no longer send `Connection: close`), and after `limitMs` milliseconds the
 * rest is cut, so that a client that does not read cannot delay the shutdown.
 */
export function watchConnections(server: Server): (limitMs: number) => void {
  // Node does not count a connection as idle if it was opened ahead and no request was ever sent on it.
  const opened = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    opened.add(socket);
    socket.once('close', () => opened.delete(socket));
  });
  return (limitMs) => {
    const idle = setInterval(() => {
      server.closeIdleConnections();
      for (const socket of opened) if (socket.bytesRead === 0) socket.destroy();
    }, IDLE_CHECK_MS);
    const limit = setTimeout(() => {
      server.closeAllConnections();
    }, limitMs);
    server.once('close', () => {
      clearInterval(idle);
      clearTimeout(limit);
    });
  };
}
