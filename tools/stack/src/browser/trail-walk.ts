import { readFile } from 'node:fs/promises';
import { expect } from '@jest/globals';
import { Story } from '../history/happening.js';
import { RunningStack } from '../history/running-stack.js';
import { seededRandom } from '../random.js';
import { focusOn } from './soon.js';
import { type WalkedHistory } from './walked-history.js';
import { walk } from './world.js';
import { eventOf } from './trail.js';

/** The trail and one event, by keyboard and over time, in the window of an auditor who is signed in. */
export function walkTrail(world: () => WalkedHistory): void {
  const audit = (): string => world().stack.urls.audit;

  /** Things that an application of this name does now. */
  async function happens(client: string, count = 1): Promise<void> {
    const story = new Story(seededRandom(Date.now()), Date.now());
    for (let at = 0; at < count; at += 1)
      story.say('payments', {
        event: 'payment.read',
        action: 'payments:read',
        resource: `payment/${story.id()}`,
        principal: { subject: 'ada', client_id: client, actors: [], scopes: ['payments:read'], jti: story.id() },
        route: ['GET', '/payments/:id'],
      });
    await world().outboxes.record(story.happenings);
  }

  walk(
    world,
    'walks the trail with only the keyboard: filters, opens an event, comes back to it, chooses columns, saves a view, exports',
    async () => {
      const { window } = world();
      const { page } = window;
      const { keyboard } = page;
      await window.goto(`${audit()}/`);
      await window.see('Trail');
      const filter = page.getByRole('searchbox', { name: 'Filter' });
      await keyboard.press('/');
      await keyboard.type('client:corner-shop outcome:allowed');
      await keyboard.press('Enter');
      await page.waitForURL(/client=corner-shop&outcome=allowed/);
      await page.getByText('client: corner-shop').waitFor();
      await focusOn(filter);
      await page.locator('[data-row] a').first().waitFor();

      await keyboard.press('ArrowDown');
      await keyboard.press('j');
      await keyboard.press('ArrowDown');
      const third = page.locator('[data-row="2"] a');
      await page.locator('[data-row="2"] a:focus').waitFor();
      const opened = await third.getAttribute('href');
      await keyboard.press('Enter');
      await window.see(/./);
      expect(new URL(page.url()).pathname).toBe(opened);
      await page.getByRole('list', { name: 'Who acted for whom' }).getByText('corner-shop').first().waitFor();
      await page.getByRole('button', { name: 'The whole transaction' }).waitFor();
      await page.getByRole('heading', { name: 'The token behind it' }).waitFor();
      await keyboard.press('u');
      await page.waitForURL(/client=corner-shop/);
      await page.locator(`[data-row] a[href="${String(opened)}"]:focus`).waitFor();

      await keyboard.press('?');
      await page.getByRole('dialog').getByText('Live tail on or off').waitFor();
      await window.check();
      await keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await focusOn(third);

      // The rows are one stop of the tabulator key, however many they are.
      await keyboard.press('Tab');
      expect(await page.locator('[data-row] a:focus').count()).toBe(0);
      await keyboard.press('/');
      await window.press('button', 'Columns');
      await window.tabTo(page.getByRole('checkbox', { name: 'Log index' }));
      await keyboard.press('Space');
      await page.waitForURL(/columns=.*index/);
      await page.getByRole('columnheader', { name: 'Log index' }).waitFor();
      await keyboard.press('Escape');
      await focusOn(page.getByRole('button', { name: 'Columns' }));

      await window.press('button', 'Views');
      await window.tabTo(page.getByRole('textbox', { name: 'Save this view as' }));
      await keyboard.type('Corner shop, with places');
      await keyboard.press('Enter');
      await keyboard.press('Escape');
      await keyboard.press('x');
      await page.waitForURL((url) => url.search === '');
      await window.press('button', 'Views');
      await window.press('button', 'Corner shop, with places');
      await page.waitForURL(/client=corner-shop.*columns=.*index/);

      // The histogram is brushed with the arrow keys: three of its bars.
      await window.tabTo(page.getByRole('slider', { name: /Events over time/ }));
      await keyboard.press('ArrowLeft');
      await keyboard.press('Shift+ArrowLeft');
      await keyboard.press('Shift+ArrowLeft');
      await keyboard.press('Enter');
      await page.waitForURL(/from=2\d{3}-.*to=2\d{3}-/);
      await page.goBack();
      await page.waitForURL((url) => url.searchParams.get('from') === null);
      await page.locator('[data-row] a').first().waitFor();

      await window.context.grantPermissions(['clipboard-read', 'clipboard-write']);
      for (const [name, copied] of [
        ['As a countersign command', 'countersign audit search --client=corner-shop --outcome=allowed'],
        ['As curl', `curl -sG ${audit()}/events`],
      ] as const) {
        await keyboard.press('/');
        await window.press('button', 'Copy');
        await window.press('button', name);
        await page.getByText('Copied', { exact: true }).waitFor();
        expect(await page.evaluate<string>('navigator.clipboard.readText()')).toContain(copied);
        await keyboard.press('Escape');
      }

      await keyboard.press('/');
      await window.press('button', 'Export');
      const [download] = await Promise.all([page.waitForEvent('download'), window.press('button', 'Save as NDJSON')]);
      const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\n');
      expect(download.suggestedFilename()).toBe('events.ndjson');
      expect(lines.length).toBeGreaterThan(3);
      expect(lines[0]).toMatch(/^\{"start":/);
      expect(lines.at(-1)).toMatch(/^\{"end":\{.*"complete":true/);

      const refused = Promise.withResolvers<undefined>();
      await page.route('**/events/export?*', async (route) => {
        await refused.promise;
        await route.fulfill({
          status: 429,
          contentType: 'application/problem+json',
          body: '{"detail":"Too many exports are running."}',
        });
      });
      await keyboard.press('/');
      await window.press('button', 'Export');
      await window.press('button', 'Save as CSV');
      await keyboard.press('Escape');
      await page.getByText('Export: Waiting for the first events …', { exact: true }).waitFor();
      refused.resolve(undefined);
      await page.getByText('Export: Too many exports are running.', { exact: true }).waitFor();
      await page.unroute('**/events/export?*');
      window.forgive(/the server responded with a status of 429/);
    },
  );

  walk(
    world,
    'loads a hundred events and draws those that are seen, and the next hundred at the end of these',
    async () => {
      const { page } = world().window;
      await world().window.goto(`${audit()}/?from=-30d`);
      const verify = (count: number) => page.getByRole('button', { name: `Verify ${String(count)} events` });
      await verify(100).waitFor();
      await page.waitForLoadState('networkidle');
      await verify(100).waitFor();
      expect(await page.locator('[data-row]').count()).toBeLessThan(60);
      await page.evaluate("document.querySelector('[role=table]').scrollTop = 1e9");
      await verify(200).waitFor();
      await page.waitForLoadState('networkidle');
      await verify(200).waitFor();
    },
  );

  walk(world, 'shows events as they come, holds them back while it is paused, and then continues', async () => {
    const { page } = world().window;
    const rows = page.locator('[data-row]');
    await world().window.goto(`${audit()}/?client=live-walk`);
    await page.getByRole('heading', { name: 'No events' }).waitFor();
    await page.keyboard.press('l');
    await page.getByText('New events appear here as they arrive.').waitFor();
    // The stream begins with what comes after it was opened: something happens until it shows something.
    for (let times = 0; (await rows.count()) === 0; times += 1) {
      if (times > 40) throw new Error('nothing appeared');
      await happens('live-walk');
      await rows
        .first()
        .waitFor({ timeout: 2_000 })
        .catch(() => undefined);
    }
    await page.getByRole('button', { name: 'Pause' }).click();
    const waiting = page.getByRole('status').filter({ hasText: /[1-9]\d* new events? waits?/ });
    await happens('live-walk', 2);
    await waiting.waitFor();
    const held = await rows.count();
    await world().window.check();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.locator(`[data-row="${String(held)}"]`).waitFor();
    await page.keyboard.press('l');
    await page.waitForURL((url) => url.searchParams.get('live') === null);
  });

  walk(
    world,
    'reveals what is masked for a reason, and the reason is in the trail with the name of who asked',
    async () => {
      const { stack, window } = world();
      const { page } = window;
      const { id } = await eventOf(stack, 'client=live-walk', () => true);
      await window.goto(`${audit()}/?client=live-walk`);
      await page.locator('[data-row] a').first().waitFor();
      await page.locator('[data-row] a').last().click();
      await window.see('payments:read');
      const reason = page.getByRole('textbox', { name: 'Reason' });
      // Without a reason nothing is shown.
      await window.press('button', 'Show masked values');
      await focusOn(reason);
      const why = `a customer asked, case ${String(id)}`;
      await reason.fill(why);
      await page.keyboard.press('Enter');
      await page.getByText('request.peer').waitFor();
      await page.getByText('10.20.0.7').waitFor();
      await page.getByRole('link', { name: /^As of checkpoint \d/ }).waitFor();
      await window.click('button', 'Verify this event in this browser');
      await page.getByText(/leads, hash by hash, to the signed root/).waitFor();
      await window.check();
      const { data } = await eventOf(stack, 'source=audit&action=audit:reveal', ({ data }) =>
        JSON.stringify(data).includes(why),
      );
      expect(data.principal).toMatchObject({ subject: expect.stringMatching(/^person:/), client_id: 'console' });
    },
  );

  walk(world, 'reports that the session has ended, and returns to the same page after signing in', async () => {
    const { stack, window } = world();
    const { page } = window;
    await window.goto(`${audit()}/?outcome=denied`);
    await page.locator('[data-row]').first().waitFor();
    await window.click('button', /^Verify (the newest )?\d+ events in this browser/);
    await page.getByText(/^.{0,40}Each of \d+ events/).waitFor();
    await new RunningStack(stack.directory).inDatabase('audit', (database) =>
      database.query('delete from console_session'),
    );
    await page.keyboard.press('r');
    await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
    await window.check();
    await window.settle();
    expect(await page.locator('[data-row]').count()).toBe(0);
    await window.press('link', 'Sign in');
    await page.waitForURL(({ search }) => search === '?outcome=denied');
    await page.locator('[data-row]').first().waitFor();
    expect(new URL(page.url()).search).toBe('?outcome=denied');
    window.forgive(/the server responded with a status of 401/);
  });
}
