import { expect } from '@jest/globals';
import { type WalkedHistory } from './walked-history.js';
import { walk } from './world.js';

interface Screen {
  readonly path: string;
  /** What it asks the server first, as a pattern of addresses. */
  readonly asks: string;
  /** What is there once it is answered. */
  readonly then: RegExp;
}
const screens: readonly Screen[] = [
  { path: '/?from=-30d', asks: '**/events?*', then: /^As of checkpoint/ },
  { path: '/event/0', asks: '**/events?*', then: /^The record$/ },
  { path: '/map?last=month', asks: '**/events/calls?*', then: /Select a row to see its events/ },
  { path: '/proof', asks: '**/log/checkpoint', then: /Verified in this browser/ },
  { path: '/health', asks: '**/overview', then: /Events in the log/ },
  { path: '/access', asks: '**/console/issuer/**', then: /Use my rights at the issuer/ },
];
/** An answer that the page does not ask for again by itself. */
const busy = { status: 429, contentType: 'application/problem+json', body: '{"detail":"Too many of them."}' };

/** What a screen shows while there is nothing to show: it waits, the server fails, the person may not. */
export function walkStates(world: () => WalkedHistory): void {
  walk(
    world,
    'shows on every screen that it loads, and what is wrong when the server fails, until it is tried again',
    async () => {
      const { stack, open } = world();
      const window = await open();
      const { page } = window;
      const visible = (text: string | RegExp) => page.getByText(text).filter({ visible: true }).first();
      await window.goto(`${stack.urls.audit}/`);
      await window.click('link', 'Sign in');
      await window.click('button', /Amina Rahal/);
      await page.locator('[data-row]').first().waitFor();
      for (const { path, asks, then } of screens) {
        const answered = Promise.withResolvers<undefined>();
        await page.route(asks, async (route) => {
          await answered.promise;
          // The page may have given up the request by then.
          await route.fulfill(busy).catch(() => undefined);
        });
        await window.goto(stack.urls.audit + path);
        // Before the screen, the page waits for the session.
        await page
          .getByRole('status')
          .filter({ hasText: /^Loading (?!your session|the screen)/ })
          .first()
          .waitFor();
        await window.check();
        answered.resolve(undefined);
        await page.getByRole('alert').filter({ hasText: 'Too many of them.' }).first().waitFor();
        await window.check();
        await page.unroute(asks);
        await window.click('button', 'Try again');
        await visible(then).waitFor();
      }
      window.forgive(/the server responded with a status of 4(01|03|29)/);
    },
  );

  walk(
    world,
    'has a heading before there is a screen: while the session or the code of a screen is awaited, and where one does not come',
    async () => {
      const { stack, open } = world();
      const window = await open();
      const { page } = window;
      const session = '**/console/session';
      const code = /\/assets\/health-[^/]+\.js$/;
      const asked = Promise.withResolvers<undefined>();
      await page.route(session, async (route) => {
        await asked.promise;
        await route.fulfill(busy);
      });
      await window.goto(`${stack.urls.audit}/`);
      await window.see('Loading your session …');
      asked.resolve(undefined);
      await window.see('The server does not respond');
      await page.unroute(session);
      await window.click('button', 'Try again');
      await window.see('Sign in to see the trail');
      await window.click('link', 'Sign in');
      await window.click('button', /Amina Rahal/);
      await page.locator('[data-row]').first().waitFor();
      const held = Promise.withResolvers<undefined>();
      await page.route(code, async (route) => {
        await held.promise;
        await route.abort();
      });
      await window.goto(`${stack.urls.audit}/health`);
      await window.see('Loading the screen …');
      held.resolve(undefined);
      await window.see('This screen cannot be shown');
      await page.unroute(code);
      await window.click('button', 'Try again');
      await window.see('Health');
      window.forgive(/the server responded with a status of 4(01|29)/);
      window.forgive(/health-[^/]+\.js|net::ERR_FAILED/);
    },
  );

  walk(world, 'says to a person without rights which right a screen needs, and shows their own events', async () => {
    const { stack, open } = world();
    const window = await open();
    const { page } = window;
    await window.goto(`${stack.urls.audit}/map`);
    await window.click('link', 'Sign in');
    await window.click('button', /Carol Diaz/);
    for (const screen of ['Who calls whom', 'Health']) {
      await window.click('link', screen);
      await page.getByRole('heading', { name: 'You may not see this' }).waitFor();
      await page.getByText('It needs the right audit:read').waitFor();
      await window.check();
    }
    await window.click('link', 'Trail');
    await page.locator('[data-row]').first().waitFor();
    const people = page.getByRole('complementary').getByText(/^person:…/);
    await people.first().waitFor();
    expect(await people.count()).toBe(1);
    window.forgive(/the server responded with a status of 40[13]/);
  });
}
