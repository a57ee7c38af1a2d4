import { setTimeout as delay } from 'node:timers/promises';
import { type Fault } from './fault.js';
import { between } from './random.js';

/** PostgreSQL restarts under all four services: their connections break, and what was not committed is gone. */
export const postgresRestarted: Fault = {
  name: 'postgres-restarted',
  async strike({ stack, random, struck }) {
    await delay(between(random, 200, 700));
    struck();
    await stack.postgres.restart();
    await delay(between(random, 500, 1_000));
  },
};
