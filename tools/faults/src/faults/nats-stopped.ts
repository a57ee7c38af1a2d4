import { setTimeout as delay } from 'node:timers/promises';
import { type Fault } from './fault.js';
import { between } from './random.js';

/** NATS is unavailable for some seconds: events wait in the outboxes, payments continue. */
export const natsStopped: Fault = {
  name: 'nats-stopped',
  async strike({ stack, random, struck }) {
    await delay(between(random, 200, 700));
    struck();
    await stack.nats.stop();
    await delay(between(random, 3_000, 6_000));
    await stack.nats.start();
  },
};
