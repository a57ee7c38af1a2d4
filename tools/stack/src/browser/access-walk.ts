import { expect, it } from '@jest/globals';
import { createTokenClient } from '@countersign/auth-core';
import { type Stack } from '../stack.js';
import { eventOf, type TrailEvent } from './trail.js';
import { type Window } from './window.js';

const LIMIT = 240_000;
const DAY_MS = 86_400_000;

/** A stack that runs, and windows that are examined in the end. */
export interface WalkedStack {
  readonly stack: Stack;
  open(): Promise<Window>;
}

/** The console's screens Access and Health, by mouse and by keyboard. */
export function walkAccess(world: () => WalkedStack): void {
  let amina: Window | undefined;
  const audit = (): string => world().stack.urls.audit;

  async function signIn(person: RegExp): Promise<Window> {
    const window = await world().open();
    await window.goto(`${audit()}/health`);
    await window.click('link', /^Sign in$/);
    await window.see('Who are you?');
    await window.click('button', person);
    await window.see('Health');
    return window;
  }
  async function askForRights(window: Window, hand: 'click' | 'press'): Promise<void> {
    await window[hand]('link', 'Access');
    await window.see('Access');
    await window[hand]('link', 'Use my rights at the issuer');
    await window.see('Access');
    // The issuer's door was closed until then.
    window.forgive(/the server responded with a status of 403/);
  }
  const tokensOf = (client: 'auditor' | 'operator') => {
    const { urls, identities } = world().stack;
    return createTokenClient({ issuer: urls.issuer, clientId: client, key: identities.clients[client] });
  };
  async function statusFor(token: string): Promise<number> {
    return (await fetch(`${audit()}/events?limit=1`, { headers: { authorization: `Bearer ${token}` } })).status;
  }

  it(
    'see what a change will refuse, type the name, and have it refused everywhere, recorded as theirs; then undo it by keyboard',
    async () => {
      const window = await signIn(/Olga Brandt/);
      await askForRights(window, 'click');
      const { page } = window;
      await page.getByRole('button', { name: 'Disable auditor' }).waitFor();
      await window.check();
      const { token } = await tokensOf('auditor').getToken({ audience: 'audit', scopes: ['audit:read'] });
      expect(await statusFor(token)).toBe(200);
      await window.click('button', 'Disable auditor');
      const dialog = page.getByRole('dialog');
      await dialog.getByText(/\d+ live tokens? will be refused: audit/).waitFor();
      await window.check();
      const disable = dialog.getByRole('button', { name: 'Disable' });
      expect(await disable.isDisabled()).toBe(true);
      await dialog.getByLabel(/Type auditor/).fill('auditor');
      await disable.click();
      await page.getByRole('button', { name: 'Enable auditor' }).waitFor();
      await page.locator('dialog').waitFor({ state: 'detached' });
      expect(await statusFor(token)).toBe(401);
      // The button that opened the dialog is gone: the focus is on the screen's heading, not lost.
      expect(await page.locator('h1').evaluate((element) => element === element.ownerDocument.activeElement)).toBe(
        true,
      );
      await window.press('button', 'Enable auditor');
      await dialog.getByRole('button', { name: 'Enable' }).waitFor();
      await window.press('button', /^Enable$/);
      await page.getByRole('button', { name: 'Disable auditor' }).waitFor();
      const { data } = await eventOf(world().stack, 'source=issuer&resource=client/auditor', ({ type }) =>
        type.endsWith('client.disabled.v1'),
      );
      expect(data.principal?.subject).toMatch(/^person:/);
      expect(data.principal?.client_id).toBe('console');
    },
    LIMIT,
  );

  it(
    'see first which keys end soon, rotate one by keyboard, and are shown its successor once',
    async () => {
      const { issuer } = world().stack.urls;
      const { token } = await tokensOf('operator').getToken({ audience: 'issuer', scopes: ['issuer:admin'] });
      const made = await fetch(`${issuer}/admin/api-keys`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          client_id: 'storefront',
          name: 'nightly',
          audiences: { payments: ['payments:read'] },
          expires_at: new Date(Date.now() + 3 * DAY_MS).toISOString(),
        }),
      });
      expect(made.status).toBe(201);
      const window = await signIn(/Olga Brandt/);
      await askForRights(window, 'press');
      const { page } = window;
      await window.press('link', 'API keys');
      await page.getByRole('heading', { name: 'One key ends within 14 days' }).waitFor();
      await window.check();
      await window.press('button', 'Rotate the key “nightly”');
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('button', { name: 'Rotate' }).waitFor();
      await window.press('button', /^Rotate$/);
      await dialog.getByText(/^csk_/).waitFor();
      await window.check();
      await window.press('button', 'Done');
      // The element itself: a closed one no longer has a role, and is in the page until the next task.
      await page.locator('dialog').waitFor({ state: 'detached' });
      expect(await page.getByText(/csk_/).count()).toBe(0);
      for (const [part, caption] of [
        ['consents', /permissions|allowed/],
        ['keys', /Keys that sign tokens/],
        ['revocations', /Matters until/],
      ] as const) {
        await window.goto(`${audit()}/access?part=${part}`);
        await window.see('Access');
        await page.getByText(caption).first().waitFor();
        await window.check();
      }
    },
    LIMIT,
  );

  it(
    'without the right see that, and change nothing',
    async () => {
      const window = await signIn(/Amina Rahal/);
      await askForRights(window, 'click');
      const { page } = window;
      await page.getByRole('heading', { name: 'You may not see this' }).waitFor();
      await window.check();
      expect(await page.getByRole('table').count()).toBe(0);
      window.forgive(/the server responded with a status of 403/);
      await window.click('link', 'Health');
      await window.see('Health');
      amina = window;
    },
    LIMIT,
  );

  it(
    "end a person's sessions, who is signed out of the console at once, without being asked again",
    async () => {
      const window = await signIn(/Olga Brandt/);
      await askForRights(window, 'click');
      const { page } = window;
      await window.click('link', 'People');
      await page.getByRole('link', { name: 'Amina Rahal' }).click();
      await page.getByRole('region', { name: /Live sessions/ }).waitFor();
      await window.check();
      await window.press('button', 'End the sessions of Amina Rahal');
      const dialog = page.getByRole('dialog');
      await dialog.getByText(/sessions? of the person/).waitFor();
      await dialog.getByLabel(/Type Amina Rahal/).fill('Amina Rahal');
      await page.keyboard.press('Enter');
      await page.locator('dialog').waitFor({ state: 'detached' });
      await page.getByRole('heading', { name: 'No session is live' }).waitFor();
      const byOlga = ({ data }: TrailEvent): boolean => data.principal?.client_id === 'console';
      await eventOf(world().stack, 'source=issuer&action=person:end-sessions', byOlga);
      await eventOf(world().stack, 'source=audit&action=console:sign-out', ({ data }) =>
        JSON.stringify(data).includes('the issuer ended the session'),
      );
      // Her page asks again by itself, every ten seconds.
      await amina?.page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
      amina?.forgive(/the server responded with a status of 401/);
    },
    LIMIT,
  );

  it(
    'see the health of the trail refresh itself until they pause it',
    async () => {
      const window = await signIn(/Olga Brandt/);
      const { page } = window;
      await page.getByRole('rowheader', { name: 'issuer' }).waitFor();
      await page.getByText(/^as of/).waitFor();
      await window.check();
      const first = await page.getByText(/^as of/).innerText();
      await page.getByText(first, { exact: true }).waitFor({ state: 'detached' });
      await window.press('button', 'Pause');
      expect(await page.getByRole('button', { name: 'Pause' }).getAttribute('aria-pressed')).toBe('true');
      await window.press('button', 'Show dead letters');
      await page.getByText('There are none.').waitFor();
      await window.check();
    },
    LIMIT,
  );
}
