import { once } from 'node:events';
import { startPinned, untilReady } from '../processes.js';

/** Milliseconds between two requests: the maximum error of a figure. */
const ASK_EVERY_MS = 2;

/** A program that serves HTTP, and the address that answers 200 once it is ready. */
export interface Bootable {
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly readyUrl: string;
}

/**
 * Starts a program on core 0, stops it again once it is ready.
 * @returns milliseconds from the spawn of its process to its first 200
 * @throws when it ends, or is not ready within a minute
 */
export async function timeToReady({ program, environment, readyUrl }: Bootable): Promise<number> {
  const startedAt = performance.now();
  const child = startPinned(program, 0, environment);
  const exited = once(child, 'exit');
  try {
    await untilReady(readyUrl, child, ASK_EVERY_MS);
    return performance.now() - startedAt;
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}
