import { freePort, portIsFree } from '@countersign/backing-services';
import { serviceNames } from './services.js';

/** Ports that were taken meanwhile cost another try; a system without any would cost them all. */
const TRIES = 100;

/** As many ports in a row as there are services, free right now: the first is one that the system gave. @throws when there are none */
export async function freePortBase(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const base = await freePort();
    const following = serviceNames.slice(1).map((_, index) => portIsFree(base + 1 + index));
    if (base + serviceNames.length <= 65_536 && (await Promise.all(following)).every(Boolean)) return base;
  }
  throw new Error('the system gave no ports in a row');
}
