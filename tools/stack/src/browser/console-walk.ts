import { expect } from '@jest/globals';
import { soon } from './soon.js';
import { type Window } from './window.js';
import { walk, type World } from './world.js';

const SIGN_IN = 'Sign in to see the trail';

async function until(window: Window, text: string | RegExp): Promise<void> {
  await window.page.getByText(text).filter({ visible: true }).first().waitFor();
}

/** Signs a person in at the console. */
async function enterConsole(world: World, person: RegExp, hand: 'click' | 'press', path = '/'): Promise<Window> {
  const window = await world.open();
  await window.goto(world.stack.urls.audit + path);
  await until(window, SIGN_IN);
  await window.check();
  await window[hand]('link', 'Sign in');
  await window.see('Who are you?');
  await window[hand]('button', person);
  return window;
}

const firstAction = (window: Window) => window.page.locator('[data-row] a').first();

/** The tests of the console, on the stack of the people's walk. */
export function walkConsole(world: () => World): void {
  const audit = (): string => world().stack.urls.audit;

  walk(
    world,
    'read the trail: typed filters and facets are in the address, back and forward go through them',
    async () => {
      const window = await enterConsole(world(), /Amina Rahal/, 'click', '/?from=-24h');
      const { page } = window;
      await window.see('Trail');
      await firstAction(window).waitFor();
      await page.getByRole('searchbox', { name: 'Filter' }).fill('client:corner-shop outcome:allowed');
      await page.keyboard.press('Enter');
      await page.waitForURL(/client=corner-shop/);
      await until(window, 'client: corner-shop');
      expect(new URL(page.url()).searchParams.get('from')).toBe('-24h');
      await page.getByRole('complementary').getByRole('link', { name: 'payments:create' }).click();
      await page.waitForURL(/action=payments%3Acreate/);
      await soon(async () => {
        const actions = await page.locator('[data-row] a').allInnerTexts();
        expect(new Set(actions)).toEqual(new Set(['payments:create']));
      });
      await page.goBack();
      await page.waitForURL((url) => url.searchParams.get('action') === null);
      await page.goForward();
      await page.waitForURL(/action=payments%3Acreate/);
      await window.click('link', 'Remove the filter action');
      await page.waitForURL((url) => url.searchParams.get('action') === null);
      await window.settle();
      const bars = await page.getByRole('slider', { name: /Events over time/ }).boundingBox();
      if (bars === null) throw new Error('there is no histogram');
      await page.mouse.move(bars.x + bars.width - 80, bars.y + 20);
      await page.mouse.down();
      await page.mouse.move(bars.x + bars.width - 2, bars.y + 20);
      await page.mouse.up();
      await page.waitForURL(/from=2\d{3}-.*to=2\d{3}-/);
      await page.getByRole('button', { name: 'Columns' }).click();
      await page.getByRole('checkbox', { name: 'Log index' }).check();
      await page.waitForURL(/columns=.*index/);
      await window.check();
      await page.getByRole('searchbox', { name: 'Filter' }).fill('nothing-like-this');
      await page.keyboard.press('Enter');
      await until(window, 'No events');
      await window.check();
    },
  );

  walk(
    world,
    'see only what was done in their name when their roles give them no more, and no page of another host',
    async () => {
      const window = await enterConsole(world(), /Carol Diaz/, 'click');
      const { page } = window;
      const hosts = new Set<string>();
      await window.see('Trail');
      page.on('request', (request) => hosts.add(new URL(request.url()).origin));
      await window.goto(`${audit()}/?columns=outcome,who,client`);
      await page.locator('[data-row]').first().waitFor();
      await window.settle();
      const who = await page.locator('[data-row]').allInnerTexts();
      expect(who.every((row) => row.includes('person:'))).toBe(true);
      await firstAction(window).click();
      await window.see(/./);
      await window.settle();
      expect([...hosts]).toEqual([audit()]);
    },
  );
}
