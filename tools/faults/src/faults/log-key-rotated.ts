import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeSecret } from '@countersign/stack';
import { heldWithin } from './database-restored.js';
import { type Fault, type Scene } from './fault.js';
import { between } from './random.js';

/** Milliseconds for a new checkpoint. */
const LIMIT_MS = 20_000;

/** A checkpoint and, by the number of its signature lines, how many keys signed it. */
async function newestCheckpoint({ stack }: Scene): Promise<{ readonly note: string; readonly signatures: number }> {
  const response = await fetch(`${stack.urls.audit}/log/checkpoint`);
  if (!response.ok) throw new Error(`the checkpoint was answered with ${String(response.status)}`);
  const note = await response.text();
  return { note, signatures: note.split('\n').filter((line) => line.startsWith('— ')).length };
}

/** Restarts audit with these keys, and keeps a checkpoint that they signed. */
async function useKeys(scene: Scene, key: string, previous?: string): Promise<void> {
  const { stack, random, wrong, keepCheckpoint } = scene;
  await stack.stopService('audit');
  await stack.startService('audit', {
    environment: { LOG_KEY_FILE: key, ...(previous === undefined ? {} : { LOG_KEY_PREVIOUS_FILE: previous }) },
  });
  const wanted = previous === undefined ? 1 : 2;
  if (!(await heldWithin(LIMIT_MS, async () => (await newestCheckpoint(scene)).signatures === wanted)))
    wrong(`no checkpoint has ${String(wanted)} signatures`);
  keepCheckpoint((await newestCheckpoint(scene)).note);
  await delay(between(random, 500, 1_000));
}

/** The log's key is handed over to another one and back, as docs/operations.md has it: audit restarts, clients notice nothing, every checkpoint verifies. */
export const logKeyRotated: Fault = {
  name: 'log-key-rotated',
  drill: 'rotation',
  unfelt: true,
  async strike(scene) {
    const folder = join(scene.stack.directory, 'env');
    const [first, second] = [join(folder, 'log-key.json'), join(folder, 'log-key-next.json')];
    writeSecret(second, JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })));
    await useKeys(scene, second, first);
    await useKeys(scene, second);
    await useKeys(scene, first, second);
    await useKeys(scene, first);
  },
};
