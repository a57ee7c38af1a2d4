import { join } from 'node:path';
import { type Browser } from 'playwright-core';
import { type Stack } from '../stack.js';

const size = { width: 760, height: 820 };

/** The issuer's pages as a person meets them at the demo application. @returns the files that were written */
export async function takePeoplePictures({ urls, demo }: Stack, browser: Browser, folder: string): Promise<string[]> {
  if (demo === undefined) throw new Error('the demo is not running');
  const context = await browser.newContext({ viewport: size, reducedMotion: 'reduce' });
  const page = await context.newPage();
  const taken: string[] = [];
  const take = async (name: string): Promise<void> => {
    await page.waitForLoadState('networkidle');
    await page.screenshot({ path: join(folder, `people-${name}.png`), fullPage: true });
    taken.push(`people-${name}.png`);
  };
  const allow = page.getByRole('button', { name: 'Allow' });
  await page.goto(demo.urls.shop);
  await page.getByRole('link', { name: 'Sign in with your bank' }).click();
  await page.getByRole('button', { name: /Carol Diaz/ }).click();
  await allow.waitFor();
  await take('consent');
  await allow.click();
  await page.getByRole('link', { name: 'Connect my accounts' }).click();
  await allow.click();
  await page.getByRole('button', { name: 'Open an account' }).click();
  await page.getByRole('button', { name: /^Buy Coffee/ }).click();
  await page.getByText('Coffee: settled.').waitFor();
  await take('shop');
  // What it was used for is there a moment after.
  const used = page.getByText('through payments');
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    await page.goto(`${urls.issuer}/account`);
    if ((await used.count()) > 0) break;
  }
  await take('account');
  await context.close();
  return taken;
}
