import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findChromium } from '@countersign/backing-services';
import { Argument, Command } from 'commander';
import { chromium, type Browser, type Page } from 'playwright-core';
import { freePortBase } from '../free-ports.js';
import { Filling } from '../history/fill.js';
import { Outboxes } from '../history/outboxes.js';
import { RunningStack } from '../history/running-stack.js';
import { makeSamplePayment } from '../sample-payment.js';
import { startStack, type Stack } from '../stack.js';
import { takePeoplePictures } from './people-pictures.js';
import { wordsFor } from '../stack-error.js';

const root = resolve(import.meta.dirname, '../../../..');
const pictures = join(root, 'docs', 'images');
const EVENTS = 8_000;
const size = { width: 1200, height: 760 };

interface Picture {
  readonly name: string;
  /** A path of the console. */
  readonly path: string;
  readonly colorScheme?: 'light' | 'dark';
  readonly viewport?: { readonly width: number; readonly height: number };
  /** Brings the page to what is to be seen. */
  readonly prepare?: (page: Page) => Promise<void>;
}

const text =
  (words: RegExp) =>
  (page: Page): Promise<void> =>
    page.getByText(words).filter({ visible: true }).first().waitFor();
const row = (page: Page): Promise<void> => page.locator('[data-row] a').first().waitFor();

const wanted: readonly Picture[] = [
  { name: 'trail', path: '/?from=-30d', prepare: row },
  { name: 'trail-dark', path: '/?from=-30d&outcome=denied', colorScheme: 'dark', prepare: row },
  { name: 'trail-phone', path: '/?from=-30d', viewport: { width: 390, height: 760 }, prepare: row },
  {
    name: 'event',
    path: '/?action=transfers:create&client=payments',
    viewport: { width: 1200, height: 1000 },
    prepare: async (page) => {
      await row(page);
      await page.locator('[data-row] a').first().click();
      await page.getByText('The whole transaction').click();
      await page.getByText('POST /transfers').first().waitFor();
      await page.getByText('How the issuer issued it').waitFor();
    },
  },
  { name: 'map', path: '/map?last=month', prepare: text(/Select a row to see its events/) },
  {
    name: 'proof',
    path: '/proof',
    prepare: async (page) => {
      await page.getByRole('button', { name: 'Verify this page in this browser' }).click();
      await text(/^Each of \d+ events/)(page);
    },
  },
];

/** Of screens that an auditor may not see, or that show more to an operator. */
const wantedOfOperator: readonly Picture[] = [
  { name: 'access', path: '/access', prepare: text(/^Disable$/) },
  { name: 'health', path: '/health', prepare: text(/Events in the log/) },
];

/** A month of history, and one payment of today. */
async function fill({ urls, identities, directory: data }: Stack): Promise<void> {
  const outboxes = new Outboxes((service) => new RunningStack(data).databaseUrlOf(service));
  try {
    await new Filling(outboxes, () => undefined).run({ events: EVENTS, days: 30, until: new Date(), seed: 1 });
  } finally {
    await outboxes.close();
  }
  const { storefront, auditor } = identities.clients;
  await makeSamplePayment({ ...urls, storefrontKey: storefront, auditorKey: auditor }, 60_000);
}

async function signIn(browser: Browser, audit: string, person: RegExp): Promise<Page> {
  const context = await browser.newContext({ viewport: size, deviceScaleFactor: 1 });
  const page = await context.newPage();
  await page.goto(audit);
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: person }).click();
  await row(page);
  return page;
}

async function take(stack: Stack, browser: Browser): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  await takeOf(await signIn(browser, stack.urls.audit, /Amina Rahal/), stack, wanted);
  const operator = await signIn(browser, stack.urls.audit, /Olga Brandt/);
  await operator.goto(`${stack.urls.audit}/access`);
  await operator.getByRole('link', { name: 'Use my rights at the issuer' }).click();
  await operator.getByRole('button', { name: 'Disable auditor' }).waitFor();
  await takeOf(operator, stack, wantedOfOperator);
}

async function takeOf(page: Page, stack: Stack, some: readonly Picture[]): Promise<void> {
  for (const { name, path, colorScheme = 'light', viewport = size, prepare } of some) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize(viewport);
    await page.goto(stack.urls.audit + path);
    await prepare?.(page);
    await page.waitForLoadState('networkidle');
    await page.screenshot({ path: join(pictures, `console-${name}.png`) });
    process.stdout.write(`docs/images/console-${name}.png\n`);
  }
}

const program = new Command('npm run screenshots --')
  .description('Takes the pictures in docs/images again, of a separate stack that is removed afterwards.')
  .addArgument(new Argument('[which]', 'only these').choices(['console', 'people']))
  .parse();
const directory = mkdtempSync(join(tmpdir(), 'countersign-screenshots-'));
const stops: (() => Promise<void>)[] = [];
try {
  const { executablePath, env } = findChromium();
  const browser = await chromium.launch({ executablePath, env: { ...process.env, ...env } });
  stops.push(() => browser.close());
  const stack = await startStack({
    root,
    directory,
    portBase: await freePortBase(),
    without: [],
    demo: true,
    onStep: (step) => {
      process.stdout.write(`${step}\n`);
    },
    onLine: () => undefined,
  });
  stops.push(() => stack.stop());
  const [only] = program.args;
  if (only !== 'console') {
    mkdirSync(pictures, { recursive: true });
    for (const name of await takePeoplePictures(stack, browser, pictures))
      process.stdout.write(`docs/images/${name}\n`);
  }
  if (only !== 'people') {
    await fill(stack);
    await take(stack, browser);
  }
} catch (error) {
  process.stderr.write(`${wordsFor(error)}\n`);
  process.exitCode = 1;
} finally {
  for (const stop of stops.reverse()) await stop();
  rmSync(directory, { recursive: true, force: true });
}
