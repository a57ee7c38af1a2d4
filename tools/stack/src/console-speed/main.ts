import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { findChromium } from '@countersign/backing-services';
import { Command } from 'commander';
import { chromium } from 'playwright-core';
import { freePortBase } from '../free-ports.js';
import { Filling } from '../history/fill.js';
import { Outboxes } from '../history/outboxes.js';
import { RunningStack } from '../history/running-stack.js';
import { startStack } from '../stack.js';
import { wordsFor } from '../stack-error.js';
import { whole } from '../whole-number.js';

const root = resolve(import.meta.dirname, '../../../..');
const ROUNDS = 5;
/** Pages of a hundred events that are scrolled through. */
const PAGES = 10;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const print = (name: string, value: number, unit: string): void => {
  process.stdout.write(`${name.padEnd(52)} ${value.toFixed(unit === 'ms' ? 0 : 1).padStart(9)} ${unit}\n`);
};
/** In the page: when its first event was drawn, in milliseconds since the navigation began. */
const watch = `new MutationObserver((_, observer) => {
  if (document.querySelector('[data-row] a') === null) return;
  observer.disconnect();
  requestAnimationFrame(() => { globalThis.firstRow = performance.now(); });
}).observe(document, { childList: true, subtree: true });`;

const program = new Command('npm run console-speed --')
  .description(
    "Measures how quickly the console's trail loads, and continues, in a browser with an empty cache, on a separate stack.",
  )
  .option('--events <count>', 'events of the history that it is filled with first', whole(1, 1_000_000), 8_000)
  .parse();
const { events } = program.opts<{ readonly events: number }>();
const directory = mkdtempSync(join(tmpdir(), 'countersign-console-speed-'));
const stops: (() => Promise<void>)[] = [];
try {
  const assets = join(root, 'apps/console/dist/assets');
  const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'));
  const bytes = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name)), { level: 9 }).length, 0);
  print('script of all screens, gzipped (goal: 200)', bytes / 1_024, 'KiB');
  const { executablePath, env } = findChromium();
  const browser = await chromium.launch({ executablePath, env: { ...process.env, ...env } });
  stops.push(() => browser.close());
  const portBase = await freePortBase();
  const quiet = { onStep: () => undefined, onLine: () => undefined };
  const stack = await startStack({ root, directory, portBase, without: [], demo: true, ...quiet });
  stops.push(() => stack.stop());
  const outboxes = new Outboxes((service) => new RunningStack(directory).databaseUrlOf(service));
  stops.push(() => outboxes.close());
  await new Filling(outboxes, () => undefined).run({ events, days: 30, until: new Date(), seed: 1 });
  const first = await browser.newContext();
  const page = await first.newPage();
  await page.goto(stack.urls.audit);
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: /Amina Rahal/ }).click();
  await page.locator('[data-row] a').first().waitFor();
  const storageState = await first.storageState();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const context = await browser.newContext({ storageState });
    await context.addInitScript({ content: watch });
    const cold = await context.newPage();
    await cold.goto(stack.urls.audit);
    await cold.locator('[data-row] a').first().waitFor();
    const frames =
      'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(globalThis.firstRow))))';
    times.push(Number(await cold.evaluate(frames)));
    await context.close();
  }
  print(`first events drawn, cold, of ${events.toLocaleString('en')} (goal: 1,000)`, median(times), 'ms');
  const pages: number[] = [];
  for (let at = 1; at <= PAGES && at * 100 < events; at += 1) {
    const began = performance.now();
    await page.evaluate(`document.querySelector('[role=table]').scrollTop = 1e9`);
    await page.locator(`[data-row="${String(at * 100)}"]`).waitFor({ state: 'attached' });
    pages.push(performance.now() - began);
  }
  print('the next hundred events, scrolled to the end', median(pages), 'ms');
} catch (error) {
  process.stderr.write(`${wordsFor(error)}\n`);
  process.exitCode = 1;
} finally {
  for (const stop of stops.reverse()) await stop();
  rmSync(directory, { recursive: true, force: true });
}
