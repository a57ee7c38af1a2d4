import { setTimeout as delay } from 'node:timers/promises';
import { type Fault } from './fault.js';
import { between } from './random.js';

/** JetStream's whole store is lost, with what it had acknowledged and audit, being down, has not read: the outboxes fill it again. */
export const streamWiped: Fault = {
  name: 'stream-wiped',
  async strike({ stack, random }) {
    await stack.stopService('audit', 'SIGKILL');
    await delay(between(random, 500, 1_000));
    await stack.nats.stop();
    stack.nats.wipe();
    await stack.nats.start();
    await stack.startService('audit');
  },
};
