import { setTimeout as delay } from 'node:timers/promises';
import { type Locator } from 'playwright-core';

/** Milliseconds to wait for a page on a busy machine. */
export const WAIT_MS = 60_000;

/** Milliseconds until a whole page is asked for again, of which a service counts or signs what is new each second. */
const AGAIN_MS = 300;

/** Before a page is loaded or a long check begun again: each takes a quarter of a second of processor time. */
export async function pause(): Promise<void> {
  await delay(AGAIN_MS);
}

/** Repeats assertions about what a page shows until they hold: some of it comes a moment after the rest. */
export async function soon(assertions: () => Promise<void>): Promise<void> {
  for (const end = performance.now() + WAIT_MS; ;) {
    try {
      await assertions();
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await delay(50);
  }
}

/** Waits until an element has the focus. */
export async function focusOn(place: Locator): Promise<void> {
  await place.and(place.page().locator(':focus')).waitFor();
}
