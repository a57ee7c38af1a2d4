import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Whether somebody could listen on the port of the loopback address. */
export function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** Ports that were taken in the meantime cost a retry; a system without any would cost them all. */
const TRIES = 100;

/** Below what systems give to outgoing connections (Linux: from 32768), and to servers on port 0, so that none of those takes one first. */
const PORTS = { from: 10_000, to: 32_000 };

/** The first of as many ports of the loopback address in a row, free right now. @throws when there are none */
export async function freePortsInARow(count: number): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const first = randomInt(PORTS.from, PORTS.to);
    const free = await Promise.all(Array.from({ length: count }, (_, index) => portIsFree(first + index)));
    if (free.every(Boolean)) return first;
  }
  throw new Error('no ports in a row are free');
}

/**
 * A TCP port of the loopback address that nobody listens on right now. Never one that the system gives to a server on port 0, which could take
 * it before it is listened on.
 */
export function freePort(): Promise<number> {
  return freePortsInARow(1);
}
