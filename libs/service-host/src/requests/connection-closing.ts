import { type Server } from 'node:http';
import { type Socket } from 'node:net';

const IDLE_CHECK_MS = 100;

/**
 * Keeps account of a server's connections for its stop. @returns lets the server go once it is stopping: what is in flight may end, a connection
 * is closed once it is idle (a stream that began before the stop could no longer say `Connection: close`), and after `limitMs` milliseconds the
 * rest is cut, so that a reader who does not read cannot hold the stop.
 */
export function watchConnections(server: Server): (limitMs: number) => void {
  // To Node a connection that was opened ahead, and on which nothing was ever asked, is not idle.
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
