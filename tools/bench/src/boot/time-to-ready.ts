import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { startPinned } from '../mint/processes.js';

/** Milliseconds between two questions: what a figure may be too high by. */
const ASK_EVERY_MS = 2;
const LIMIT_MS = 60_000;

/** A program that serves HTTP, and the address that answers 200 once it is ready. */
export interface Bootable {
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly readyUrl: string;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/**
 * Starts a program on core 0, stops it again once it is ready.
 * @returns milliseconds from the spawn of its process to its first 200
 * @throws when it ends, or is not ready within a minute
 */
export async function timeToReady({ program, environment, readyUrl }: Bootable): Promise<number> {
  const begun = performance.now();
  const child = startPinned(program, 0, environment);
  const exited = once(child, 'exit');
  try {
    while (!(await answers(readyUrl))) {
      if (child.exitCode !== null) throw new Error(`${program} ended with ${String(child.exitCode)}`);
      if (performance.now() - begun > LIMIT_MS) throw new Error(`${readyUrl} did not answer 200 within a minute`);
      await delay(ASK_EVERY_MS);
    }
    return performance.now() - begun;
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}
