import { setTimeout as delay } from 'node:timers/promises';
import { asService } from './as-service.js';
import { type Fault, type Scene } from './fault.js';
import { KeyCallers, newApiKey, type OperatedKey } from './key-callers.js';

/** Milliseconds between two commits of what a service counted. */
const COMMIT_EVERY_MS = 1_000;
/** Answers after the restart, and before the time that may be lost. */
const ENOUGH = 20;
/** Milliseconds for the load to become so much, and for the counts to reach the issuer. */
const PATIENCE_MS = 60_000;

/**
 * Milliseconds before the end of which counts may be lost: a second, and what this machine makes of it. The timer, the commit and the answer's way
 * each take no longer than the slowest request did.
 */
function lossMs({ answered }: KeyCallers): number {
  return COMMIT_EVERY_MS + 3 * Math.max(...answered.map(({ ms }) => ms));
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; !(await holds()); await delay(50))
    if (performance.now() > deadline) throw new Error(`not within ${String(PATIENCE_MS / 1_000)} s: ${what}`);
}

async function compare({ stack, wrong, note }: Scene, key: OperatedKey, callers: KeyCallers, sure: number) {
  await until('the issuer has every report on API keys, and counted what was answered', () =>
    asService(stack, 'payments', async (client) => {
      const { rowCount } = await client.query('select from api_key_report limit 1');
      return rowCount === 0 && (await key.counted()) >= sure;
    }),
  ).catch((error: unknown) => {
    wrong(String(error));
  });
  const counted = await key.counted();
  const { sent, answered } = callers;
  note({ 'requests with an API key': sent, answered: answered.length, counted, 'certainly counted': sure });
  if (counted < sure)
    wrong(`${String(counted)} uses of an API key are counted, of ${String(sure)} that were answered long before`);
  if (counted > sent) wrong(`${String(counted)} uses of an API key are counted, and ${String(sent)} were sent`);
}

/** `kill -9` of payments while an API key is used: the issuer counts what callers saw answered, but for the last second. */
export const countingKilled: Fault = {
  name: 'kill-payments-counting',
  async strike(scene) {
    const { stack, random, struck } = scene;
    const key = await newApiKey(stack);
    const callers = new KeyCallers(stack.urls.payments, key.text, random);
    try {
      await until('an API key was used enough', () => {
        const [first] = callers.answered;
        return first !== undefined && callers.between(first.at, performance.now() - lossMs(callers)) >= ENOUGH;
      });
      const lost = lossMs(callers);
      struck();
      const killedAt = performance.now();
      await stack.stopService('payments', 'SIGKILL');
      const goneAt = performance.now();
      await stack.startService('payments');
      await until('the key is taken again', () => callers.between(goneAt, Infinity) >= ENOUGH);
      await callers.stop();
      const sure = callers.between(0, killedAt - lost) + callers.between(goneAt, Infinity);
      await compare(scene, key, callers, sure);
    } finally {
      await callers.stop();
    }
  },
};
