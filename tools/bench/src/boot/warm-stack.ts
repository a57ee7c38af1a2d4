import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePortsInARow } from '@countersign/backing-services';
import { pathOf, untilReady } from '../processes.js';
import { bootedServices } from './services.js';

async function startOnce(directory: string): Promise<number> {
  const first = await freePortsInARow(bootedServices.length);
  const startedAt = performance.now();
  const stack = spawn(
    'npm',
    ['start', '--', '--exit', '--directory', directory, '--port-base', String(first)],
    // Its progress would appear between this benchmark's lines.
    { cwd: pathOf('../../../'), stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const exited = once(stack, 'exit');
  await Promise.all(
    bootedServices.map((_, index) => untilReady(`http://127.0.0.1:${String(first + index)}/health/ready`, stack)),
  );
  const ready = performance.now() - startedAt;
  const [code] = await exited;
  if (code !== 0) throw new Error(`npm start -- --exit ended with ${String(code)}`);
  return ready;
}

/**
 * `npm start` in a folder where it ran before: its keys, its databases and its streams are there, everything is built.
 * @returns milliseconds of each start, from the spawn of npm until all four services are ready
 */
export async function warmStackStarts(starts: number): Promise<readonly number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'boot-stack-'));
  const directory = join(folder, 'state');
  try {
    await startOnce(directory);
    const times: number[] = [];
    for (let start = 0; start < starts; start += 1) times.push(await startOnce(directory));
    return times;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
