import { randomInt } from 'node:crypto';
import { portIsFree } from '@countersign/backing-services';
import { serviceNames } from './services.js';

/** Ports that were taken meanwhile cost another try; a system without any would cost them all. */
const TRIES = 100;

/** Below what systems give to outgoing connections (Linux: from 32768), so that none of those takes one before it is listened on. */
const PORTS = { from: 10_000, to: 32_000 };

/** As many ports in a row as there are services, free right now. @throws when there are none */
export async function freePortBase(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const base = randomInt(PORTS.from, PORTS.to);
    const free = await Promise.all(serviceNames.map((_, index) => portIsFree(base + index)));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no ports in a row are free');
}
