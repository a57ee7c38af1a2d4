import { afterAll, beforeAll, expect } from '@jest/globals';
import { createTokenClient } from '@countersign/auth-core';
import { z } from 'zod';
import { Filling } from '../history/fill.js';
import { Outboxes } from '../history/outboxes.js';
import { RunningStack } from '../history/running-stack.js';
import { walkScreens } from './screens-walk.js';
import { walkStates } from './states-walk.js';
import { pause, WAIT_MS } from './soon.js';
import { eventOf } from './trail.js';
import { walkTrail } from './trail-walk.js';
import { type WalkedHistory } from './walked-history.js';
import { type Window } from './window.js';
import { walk, WALK_LIMIT, type World } from './world.js';

const EVENTS = 400;

/** The tests of the console over a month of history, which is filled in before them. */
export function walkMonth(world: () => World): void {
  let window: Window;
  let outboxes: Outboxes;
  const audit = (): string => world().stack.urls.audit;

  beforeAll(async () => {
    const running = new RunningStack(world().directory);
    await running.check();
    outboxes = new Outboxes((service) => running.databaseUrlOf(service));
    const filled = await new Filling(outboxes, () => undefined).run({
      events: EVENTS,
      days: 30,
      until: new Date(),
      seed: 1,
    });
    for (const gap of filled.lost) await running.acceptGap(gap, 'lost on its way');
    window = await world().open({ stays: true });
  }, WALK_LIMIT);
  afterAll(() => outboxes.close());

  async function auditorGets(path: string): Promise<string> {
    const { urls, identities } = world().stack;
    const auditor = createTokenClient({
      issuer: urls.issuer,
      clientId: 'auditor',
      key: identities.clients.auditor,
    });
    const { token } = await auditor.getToken({ audience: 'audit', scopes: ['audit:read'] });
    return (await fetch(`${urls.audit}${path}`, { headers: { authorization: `Bearer ${token}` } })).text();
  }
  const result = (text: string) => window.page.getByText(text).first();

  walk(world, 'lets an auditor sign in', async () => {
    await window.goto(`${audit()}/map?last=month`);
    await window.click('link', 'Sign in');
    await window.see('Who are you?');
    await window.click('button', /Amina Rahal/);
    await window.see('Who calls whom');
    // Nobody was signed in at first.
    window.forgive(/the server responded with a status of 401/);
  });

  walk(
    world,
    'shows who calls whom; a press on a line of the picture, or Enter on its row, leads to the events',
    async () => {
      const { page } = window;
      const row = page.getByRole('link', { name: 'corner-shop → payments' });
      await row.waitFor();
      for (const name of ['payments → accounts', 'unverified callers → payments'])
        await page.getByRole('link', { name }).waitFor();
      // Half an hour of forged tokens, a few thousand in each of its minutes.
      const refused = async (): Promise<boolean> => {
        const forged = page.getByRole('row', { name: /unverified callers → payments/ }).getByRole('cell');
        await forged.first().waitFor();
        return Number((await forged.nth(2).innerText()).replaceAll(',', '')) > 10_000;
      };
      // Calls are counted close behind the log, and the page shows those of when it was opened.
      for (const end = performance.now() + WAIT_MS; !(await refused()) && performance.now() < end;) {
        await pause();
        await page.reload();
      }
      expect(await refused()).toBe(true);
      await page.locator('path[data-pair="corner-shop>payments"]').dispatchEvent('click');
      await window.see('Trail');
      expect(new URL(page.url()).searchParams.get('client')).toBe('corner-shop');
      expect(new URL(page.url()).searchParams.get('source')).toBe('payments');
      await page.goBack();
      await window.see('Who calls whom');
      await window.press('link', 'corner-shop → payments');
      await window.see('Trail');
      expect(new URL(page.url()).searchParams.get('client')).toBe('corner-shop');
    },
  );

  walk(
    world,
    'verifies a page of results and one event, by mouse and by keyboard, and remembers the checkpoint',
    async () => {
      const { page } = window;
      // From the page's beginning: behind the trail's rows the key would need too many presses.
      await window.goto(`${audit()}/`);
      await window.see('Trail');
      await window.press('link', 'Proof');
      await window.see('Proof');
      await result('As of checkpoint').waitFor();
      await window.press('button', 'Verify this page in this browser');
      const all = result('Each of 50 events');
      // What happened a moment ago is newer than the checkpoint, until the next one covers it.
      for (const newer = result('Newer than the checkpoint'); ;) {
        await all.or(newer).first().waitFor();
        if (await all.isVisible()) break;
        await pause();
        await window.click('button', 'Verify this page in this browser');
      }
      const { id } = await eventOf(world().stack, 'source=accounts', ({ type }) => type.endsWith('transfer.posted.v1'));
      await window.goto(`${audit()}/proof?event=${z.string().parse(id)}`);
      await window.see('Proof');
      await window.click('button', 'Verify this event in this browser');
      await result('leads, hash by hash, to the signed root').waitFor();
      await page
        .getByText(/is still in it, unchanged|It is the same as checkpoint/)
        .first()
        .waitFor();
      // It has seen two checkpoints once one covers what these reads recorded.
      for (const same = result('They are the same'), added = result('events were added'); ;) {
        await window.click('button', 'Compare');
        await added.or(same).first().waitFor();
        if (await added.isVisible()) break;
        await pause();
        await page.reload();
      }
      await window.settle();
      expect(await page.getByText('Something is wrong').count()).toBe(0);
    },
  );

  walk(
    world,
    'verifies an export that is chosen or dropped anywhere on the page, and shows the byte of it that was changed',
    async () => {
      const { page } = window;
      await auditorGets('/log/checkpoint');
      const text = await auditorGets('/events/export?source=payments');
      const choose = (content: string) =>
        page
          .locator('input[type=file]')
          .setInputFiles({ name: 'events.ndjson', mimeType: 'application/x-ndjson', buffer: Buffer.from(content) });
      await choose(text);
      await result('each is in the log exactly as it is here').waitFor();
      const place = text.indexOf('"settled"', text.length / 2) + 1;
      const offset = Buffer.byteLength(text.slice(0, place));
      const altered = `${text.slice(0, place)}S${text.slice(place + 1)}`;
      const transfer = await page.evaluateHandle(`(() => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([${JSON.stringify(altered)}], 'altered.ndjson', { type: 'application/x-ndjson' }));
        return transfer;
      })()`);
      // Over the heading, far from the marked place: the browser must not leave the page to show the file.
      const heading = page.getByRole('heading', { level: 1 });
      for (const type of ['dragenter', 'dragover', 'drop'] as const) {
        await heading.dispatchEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true });
        if (type === 'dragover') await result('Drop it here to verify it in this browser.').waitFor();
      }
      await result(`Byte ${offset.toLocaleString('en')} of the file`).waitFor();
      await result('EVENT_ALTERED').waitFor();
      await result('altered.ndjson').waitFor();
      await page.locator('[aria-labelledby="file"]:focus').waitFor();
      await window.check();
      await choose(text);
      await result('each is in the log exactly as it is here').waitFor();
    },
  );

  const walked = (): WalkedHistory => ({
    stack: world().stack,
    outboxes,
    window,
    open: () => world().open(),
    begin: (name) => world().begin(name),
  });
  walkTrail(walked);
  walkScreens(walked);
  walkStates(walked);
}
