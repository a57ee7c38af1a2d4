import { setTimeout as delay } from 'node:timers/promises';
import { countersign, type Stack, waitUntilReady } from '@countersign/stack';
import { backUp, heldWithin, restore } from './database-restored.js';
import { type Fault } from './fault.js';
import { between } from './random.js';

/** Milliseconds for a checkpoint over what the copy lacks, and for audit to notice that it was restored. */
const LIMIT_MS = 20_000;

async function checkpointOf({ urls }: Stack): Promise<string> {
  const response = await fetch(`${urls.audit}/log/checkpoint`);
  if (!response.ok) throw new Error(`the checkpoint was answered with ${String(response.status)}`);
  return response.text();
}

/** A new log has none in its first second. */
async function hasCheckpoint({ urls }: Stack): Promise<boolean> {
  return (await fetch(`${urls.audit}/log/checkpoint`)).status === 200;
}

const sizeOf = (checkpoint: string): number => Number(checkpoint.split('\n')[1]);

async function saysNotRestored({ urls }: Stack): Promise<boolean> {
  const response = await fetch(`${urls.audit}/health/ready`);
  const text = await response.text();
  return response.status === 503 && text.includes('log_not_restored');
}

/** Only audit's database is restored from a backup under load: it stops until it is recovered, and what auditors hold verifies again. */
export const restoreAudit: Fault = {
  name: 'restore-audit',
  drill: 'restore',
  async strike({ stack, random, struck, wrong, keepCheckpoint }) {
    await delay(between(random, 500, 1_000));
    if (!(await heldWithin(LIMIT_MS, () => hasCheckpoint(stack)))) wrong('a new log has no checkpoint');
    await backUp(stack, 'audit');
    const copied = await checkpointOf(stack);
    await delay(between(random, 2_000, 3_000));
    let newest = copied;
    const isAhead = await heldWithin(LIMIT_MS, async () => {
      newest = await checkpointOf(stack);
      return sizeOf(newest) > sizeOf(copied);
    });
    if (!isAhead) wrong('no checkpoint covers anything that the copy lacks, so that the drill shows nothing');
    keepCheckpoint(copied);
    keepCheckpoint(newest);
    await stack.stopService('audit', 'SIGKILL');
    await restore(stack, 'audit');
    await stack.startService('audit', { when: 'live' });
    struck();
    if (!(await heldWithin(LIMIT_MS, () => saysNotRestored(stack))))
      wrong('audit does not say in readiness that its database was restored');
    const { code, out, said } = await countersign(stack, 'audit', 'recover');
    // It stays stopped then, so waiting is pointless.
    if (code !== 0) throw new Error(`countersign audit recover failed: ${said}${out}`);
    await waitUntilReady('audit', stack.urls.audit, stack.services.get('audit')?.child);
  },
};
