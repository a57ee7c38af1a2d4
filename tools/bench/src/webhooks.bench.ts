import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { openPool } from '@countersign/backing-services';
import { type Benchmark } from './benchmark.js';
import { startPaymentServices } from './payments/services.js';
import { pathOf, startPinned } from './processes.js';
import { interleave } from './rounds.js';
import { percentile } from './statistics.js';
import { forget, registerEndpoint, tell } from './webhooks/notices.js';
import { receiverMessageSchema } from './webhooks/receiver-message.js';

/** Endpoints that accept and stay silent, each of another client. */
const HANGING = 100;
/** Notices that wait for each of them when a round begins. */
const WAITING = 10;
/** Notices for the healthy endpoint in a round. */
const NOTICES = 200;
const EVERY_MS = 20;
/** A notice that takes longer than this is not waited for. */
const LIMIT_MS = 120_000;

/** Milliseconds that each notice of a round took from when it was due until the healthy endpoint had it. */
async function lags(receivers: ChildProcess, send: () => Promise<void>): Promise<readonly number[]> {
  const seen: number[] = [];
  const listen = (message: unknown): void => {
    const parsed = receiverMessageSchema.parse(message);
    if ('lagMs' in parsed) seen.push(parsed.lagMs);
  };
  receivers.on('message', listen);
  try {
    for (let count = 0; count < NOTICES; count += 1) {
      await send();
      await delay(EVERY_MS);
    }
    for (const until = Date.now() + LIMIT_MS; seen.length < NOTICES && Date.now() < until;) await delay(20);
  } finally {
    receivers.off('message', listen);
  }
  return [...seen, ...Array.from({ length: NOTICES - seen.length }, () => LIMIT_MS)];
}

const benchmark: Benchmark = {
  description: `how long a webhook notice takes to a healthy endpoint, beside ${String(HANGING)} endpoints of other clients that accept and stay silent, against without them; payments as it is built, one notice every ${String(EVERY_MS)} ms.`,
  async run({ rounds, progress, measured }) {
    const services = await startPaymentServices();
    const pool = openPool(services.databases.payments, 2);
    const receivers = startPinned(pathOf('webhooks/receivers.js'), 1, { HANGING: String(HANGING) });
    try {
      const [message]: unknown[] = await once(receivers, 'message', { signal: AbortSignal.timeout(60_000) });
      const urls = receiverMessageSchema.parse(message);
      if (!('healthy' in urls)) throw new Error('the receivers did not say where they listen');
      const healthy = await registerEndpoint(pool, urls.healthy);
      const hanging = await Promise.all(urls.hanging.map((url) => registerEndpoint(pool, url)));
      const all: Record<'alone' | 'beside', number[]> = { alone: [], beside: [] };
      const round = async (name: 'alone' | 'beside'): Promise<number> => {
        for (let count = 0; name === 'beside' && count < WAITING; count += 1) await tell(pool, hanging);
        const seen = await lags(receivers, () => tell(pool, [healthy]));
        if (name === 'beside') {
          // What hangs ends, and is written down, before all is forgotten.
          await pool.query('delete from webhook_delivery where endpoint_id = any($1::uuid[])', [hanging]);
          receivers.send({ drop: true });
          await delay(2_000);
        }
        await forget(pool, [healthy, ...hanging]);
        all[name].push(...seen);
        return percentile(seen, 0.99);
      };
      const figures = await interleave(
        [
          { name: 'alone', round: () => round('alone') },
          { name: 'beside', round: () => round('beside') },
        ],
        {
          rounds,
          onRound: (number) => {
            progress(`round ${String(number)}`);
          },
        },
      );
      for (const name of ['alone', 'beside'] as const) {
        measured(`${name}: median`, percentile(all[name], 0.5), 'ms');
        measured(`${name}: p99 of a round`, figures[name], 'ms');
        measured(`${name}: worst`, Math.max(...all[name]), 'ms');
      }
      const value = figures.beside / figures.alone;
      return [{ metric: 'webhooks.healthy_p99_ratio', value, goal: 2, better: 'lower' }];
    } finally {
      receivers.kill('SIGTERM');
      await pool.end();
      await services.stop();
    }
  },
};
export default benchmark;
