import { setTimeout as delay } from 'node:timers/promises';
import { type ServiceName } from '@countersign/stack';
import { type Fault } from './fault.js';
import { between } from './random.js';

/** `kill -9` of one service in the middle of its work; it is started again a moment later. */
export function serviceKilled(service: ServiceName): Fault {
  return {
    name: `kill-${service}`,
    async strike({ stack, random, struck }) {
      await delay(between(random, 200, 700));
      struck();
      await stack.stopService(service, 'SIGKILL');
      await delay(between(random, 0, 300));
      await stack.startService(service);
    },
  };
}
