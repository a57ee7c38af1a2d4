import { randomInt } from 'node:crypto';
import { createServer, type ListenOptions, type Server } from 'node:net';

/** @returns undefined if somebody else is listening */
function listen(where: ListenOptions): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(undefined);
    });
    server.listen(where, () => {
      resolve(server);
    });
  });
}

/** Whether somebody could listen on the port of the loopback address. */
export async function portIsFree(port: number): Promise<boolean> {
  const server = await listen({ port, host: '127.0.0.1' });
  if (server === undefined) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/**
 * Reserves the port against other processes and later calls until it is listened on, or while its server is restarted: as long as this
 * process lives. On Linux, by an abstract socket name; elsewhere it relies on chance.
 * @returns a function that releases it; undefined if it is already reserved
 */
async function reserve(port: number): Promise<(() => void) | undefined> {
  if (process.platform !== 'linux') return () => undefined;
  const server = await listen({ path: `\0countersign-port-${String(port)}` });
  server?.unref();
  return server && (() => void server.close());
}

/** Ports that were taken in the meantime cost a retry; a system without any would cost them all. */
const TRIES = 100;

/** Below the range for outgoing connections (Linux: from 32768) and for servers on port 0, so that none of those takes one first. */
const PORTS = { from: 10_000, to: 32_000 };

/** The first of several consecutive free ports of the loopback address, reserved for nobody else. @throws when there are none */
export async function freePortsInARow(count: number): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const first = randomInt(PORTS.from, PORTS.to);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const releases = await Promise.all(ports.map(reserve));
    const free = await Promise.all(ports.map(portIsFree));
    if (releases.every((release) => release !== undefined) && free.every(Boolean)) return first;
    for (const release of releases) release?.();
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
