import { expect } from '@jest/globals';
import { createTokenClient, generateSigningKey, publicJwkOf } from '@countersign/auth-core';
import { z } from 'zod';
import { RunningStack } from '../history/running-stack.js';
import { focusOn, soon } from './soon.js';
import { eventOf, type TrailEvent } from './trail.js';
import { type Window } from './window.js';
import { walk, type World } from './world.js';

const DAY_MS = 86_400_000;
const newSecretSchema = z.object({ client_id: z.string(), client_secret: z.string() });

/** The console's screens Access and Health, by mouse and by keyboard. */
export function walkAccess(world: () => World): void {
  let amina: Window | undefined;
  let olga: Window | undefined;
  const audit = (): string => world().stack.urls.audit;

  async function signIn(person: RegExp, { stays = false } = {}): Promise<Window> {
    const window = await world().open({ stays });
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
  /** At the screen Access, with rights at the issuer: the window in which an earlier walk signed in, if there is one. */
  async function atAccess(): Promise<Window> {
    if (olga !== undefined) {
      await olga.goto(`${audit()}/access`);
      await olga.see('Access');
      return olga;
    }
    const window = await signIn(/Olga Brandt/, { stays: true });
    await askForRights(window, 'click');
    return (olga = window);
  }
  const tokensOf = (client: 'auditor' | 'operator') => {
    const { urls, identities } = world().stack;
    return createTokenClient({ issuer: urls.issuer, clientId: client, key: identities.clients[client] });
  };
  async function statusFor(token: string): Promise<number> {
    return (await fetch(`${audit()}/events?limit=1`, { headers: { authorization: `Bearer ${token}` } })).status;
  }

  walk(
    world,
    'see what a change will refuse, type the name, and have it refused everywhere, recorded as theirs; then undo it by keyboard',
    async () => {
      const window = await atAccess();
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
      await focusOn(page.locator('h1'));
      // What it did stands out in the trail, once the trail has that it was disabled.
      await window.goto(`${audit()}/?client=auditor`);
      const departed = page.getByText(/disabled since/).first();
      for (let times = 0; times < 40 && !(await departed.isVisible()); times += 1) {
        await page.reload();
        await departed.waitFor({ timeout: 2_000 }).catch(() => undefined);
      }
      await departed.waitFor();
      await window.check();
      await window.goto(`${audit()}/access`);
      await page.getByRole('button', { name: 'Enable auditor' }).waitFor();
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
  );

  /** A statement in the issuer's database: what only time would bring about. */
  async function atTheIssuer(statement: string): Promise<void> {
    await new RunningStack(world().stack.directory).inDatabase('issuer', (database) => database.query(statement));
  }

  /** A call of the issuer's administration, as the operator. */
  async function administer(path: string, body: object): Promise<unknown> {
    const { token } = await tokensOf('operator').getToken({ audience: 'issuer', scopes: ['issuer:admin'] });
    const made = await fetch(world().stack.urls.issuer + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!made.ok) throw new Error(await made.text());
    return made.json();
  }

  walk(
    world,
    "take a client's key and secret away, after which they prove nothing, by mouse and by keyboard",
    async () => {
      const { issuer } = world().stack.urls;
      const [kept, gone] = [await generateSigningKey(), await generateSigningKey()];
      const policy = { audiences: { payments: ['payments:read'] } };
      await administer('/admin/clients', {
        client_id: 'a-reporter',
        jwks: { keys: [publicJwkOf(kept), publicJwkOf(gone)] },
        policy,
      });
      const legacy = newSecretSchema.parse(
        await administer('/admin/clients', {
          client_id: 'a-till',
          token_endpoint_auth_method: 'client_secret_basic',
          policy,
        }),
      );
      const bySecret = async (): Promise<number> => {
        const basic = Buffer.from(`${legacy.client_id}:${legacy.client_secret}`).toString('base64');
        const asked = { audience: 'payments', scope: 'payments:read' };
        const body = new URLSearchParams({ grant_type: 'client_credentials', ...asked });
        return (
          await fetch(`${issuer}/oauth2/token`, { method: 'POST', body, headers: { authorization: `Basic ${basic}` } })
        ).status;
      };
      const byKey = async (key: typeof kept): Promise<boolean> =>
        createTokenClient({ issuer, clientId: 'a-reporter', key })
          .getToken({ audience: 'payments', scopes: ['payments:read'] })
          .then(
            () => true,
            () => false,
          );
      expect([await bySecret(), await byKey(gone)]).toEqual([200, true]);
      const window = await atAccess();
      const { page } = window;
      const dialog = page.getByRole('dialog');
      const closed = (): Promise<void> => page.locator('dialog').waitFor({ state: 'detached' });

      await page.getByRole('button', { name: `Remove the key ${gone.kid} of a-reporter` }).click();
      await dialog.getByLabel(/^Type /).fill(gone.kid.slice(-8));
      await window.check();
      await dialog.getByRole('button', { name: 'Remove' }).click();
      await closed();
      // The last key stays: a client without one could prove nothing.
      await page
        .getByRole('button', { name: `Remove the key ${kept.kid} of a-reporter` })
        .waitFor({ state: 'detached' });
      expect([await byKey(gone), await byKey(kept)]).toEqual([false, true]);

      const remove = page.getByRole('button', { name: /^Remove the secret .* of a-till$/ });
      const older = z.string().parse(await remove.getAttribute('aria-label'));
      await window.press('button', 'New secret for a-till');
      await dialog.getByRole('button', { name: 'Create secret' }).waitFor();
      await window.press('button', 'Create secret');
      await dialog.getByText(/^Shown only once/).waitFor();
      await window.press('button', 'Done');
      await closed();
      await remove.nth(1).waitFor();
      await window.press('button', older);
      const type = dialog.getByLabel(/^Type /);
      await type.fill(await dialog.locator('code').innerText());
      await page.keyboard.press('Enter');
      await closed();
      expect(await bySecret()).toBe(401);
      await eventOf(world().stack, 'source=issuer&resource=client/a-till', ({ type, data }) => {
        return type.endsWith('client-secret.removed.v1') && data.principal?.client_id === 'console';
      });
    },
  );

  walk(world, 'are warned of what people must soon allow again, before it ends', async () => {
    // Somebody allowed it 85 days ago; refresh tokens last 90.
    await atTheIssuer(
      `with allowed as (
           insert into delegation (id, person_id, client_id, audience, scopes, session_id, auth_time, amr, roles, created_at)
           select gen_random_uuid(), id, 'corner-shop', 'payments', '["openid", "offline_access", "payments:read"]', gen_random_uuid()::text,
             now(), '[]', '[]', now() - interval '85 days' from person where name = 'Amina Rahal' returning id
         ) insert into refresh_family (delegation_id, salt, generation, rotations, begun_at, used_at)
         select id, 's', 0, '[]', now() - interval '85 days', now() from allowed`,
    );
    const window = await atAccess();
    const { page } = window;
    await page.getByRole('link', { name: 'People’s consents' }).click();
    await page.getByRole('heading', { name: /^One permission expires within 14 days/ }).waitFor();
    const soon = page.getByRole('region', { name: 'Permissions that expire soon', exact: true });
    await soon.getByText('Amina Rahal').waitFor();
    await soon.getByText(/^[45] days$/).waitFor();
    await window.check();
  });

  walk(world, 'see first which keys end soon, rotate one by keyboard, and are shown its successor once', async () => {
    await administer('/admin/api-keys', {
      client_id: 'storefront',
      name: 'nightly',
      audiences: { payments: ['payments:read'] },
      expires_at: new Date(Date.now() + 3 * DAY_MS).toISOString(),
    });
    const window = await signIn(/Olga Brandt/);
    await askForRights(window, 'press');
    const { page } = window;
    await window.press('link', 'API keys');
    await page.getByRole('heading', { name: 'One key expires within 14 days' }).waitFor();
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
    await window.settle();
    expect(await page.getByText(/csk_/).count()).toBe(0);
  });

  walk(
    world,
    'end what a person allowed, rotate the key that signs, and revoke a token by its name, by mouse and by keyboard',
    async () => {
      const window = await atAccess();
      const { page } = window;
      const dialog = page.getByRole('dialog');
      const closed = (): Promise<void> => page.locator('dialog').waitFor({ state: 'detached' });
      const isDone = async (query: string): Promise<void> => {
        const byConsole = ({ data }: TrailEvent): boolean => data.principal?.client_id === 'console';
        const { data } = await eventOf(world().stack, `source=issuer&${query}`, byConsole);
        expect(data.principal?.subject).toMatch(/^person:/);
      };

      await window.click('link', 'People’s consents');
      const end = page.getByRole('button', { name: 'End what Amina Rahal allowed corner-shop' });
      await end.first().click();
      await dialog.getByLabel(/Type corner-shop/).fill('corner-shop');
      await window.check();
      await page.keyboard.press('Enter');
      await closed();
      await end.first().waitFor({ state: 'detached' });
      await isDone('action=delegation:end');

      await window.click('link', 'Signing keys');
      await page.getByText('Keys that sign tokens').waitFor();
      await window.check();
      // The pending key has been published long enough.
      await atTheIssuer('update signing_key set usable_from = now()');
      await window.press('button', 'Rotate the signing key');
      await dialog.getByText(/nothing is refused/).waitFor();
      await window.press('button', /^Rotate$/);
      await closed();
      await page.getByText('retired').first().waitFor();
      await isDone('action=signing-key:rotate');

      await window.click('link', 'Revocations');
      await page.getByLabel('named').fill('a-lost-token');
      await window.press('button', 'Revoke …');
      await dialog.getByText(/refuses the token/).waitFor();
      await dialog.getByLabel(/^Reason/).fill('it was in a log');
      await dialog.getByLabel(/^Type /).fill('a-lost-token');
      await page.keyboard.press('Enter');
      await closed();
      await page.getByText('it was in a log').first().waitFor();
      await page.getByText('Needed until').waitFor();
      await window.check();
      await isDone('resource=token/a-lost-token');
    },
  );

  walk(world, 'without the right see that, and change nothing', async () => {
    const window = await signIn(/Amina Rahal/, { stays: true });
    await askForRights(window, 'click');
    const { page } = window;
    await page.getByRole('heading', { name: 'You may not see this' }).waitFor();
    await window.check();
    await window.settle();
    expect(await page.getByRole('table').count()).toBe(0);
    window.forgive(/the server responded with a status of 403/);
    await window.click('link', 'Health');
    await window.see('Health');
    amina = window;
  });

  walk(
    world,
    'end one session of a person, then all of them, which signs the person out of the console immediately, without asking again',
    async () => {
      const other = await signIn(/Amina Rahal/);
      const window = await atAccess();
      const { page } = window;
      await window.click('link', 'People');
      await page.getByRole('link', { name: 'Amina Rahal' }).click();
      await page.getByRole('region', { name: /Live sessions/ }).waitFor();
      await window.check();
      const dialog = page.getByRole('dialog');
      const sessions = page.getByRole('button', { name: /^End the session of Amina Rahal on / });
      await sessions.nth(1).waitFor();
      const live = await sessions.count();
      expect(live).toBeGreaterThan(1);
      await sessions.first().click();
      await dialog.getByText('session of the person').waitFor();
      await dialog.getByLabel(/Type Amina Rahal/).fill('Amina Rahal');
      await page.keyboard.press('Enter');
      await page.locator('dialog').waitFor({ state: 'detached' });
      await soon(async () => {
        expect(await sessions.count()).toBe(live - 1);
      });
      await window.press('button', 'End the sessions of Amina Rahal');
      await dialog.getByText(/sessions? of the person/).waitFor();
      await dialog.getByLabel(/Type Amina Rahal/).fill('Amina Rahal');
      await page.keyboard.press('Enter');
      await page.locator('dialog').waitFor({ state: 'detached' });
      await page.getByRole('heading', { name: 'No live sessions' }).waitFor();
      const byOlga = ({ data }: TrailEvent): boolean => data.principal?.client_id === 'console';
      await eventOf(world().stack, 'source=issuer&action=person:end-sessions', byOlga);
      await eventOf(world().stack, 'source=audit&action=console:sign-out', ({ data }) =>
        JSON.stringify(data).includes('the issuer ended the session'),
      );
      // Each of her pages asks again by itself, every ten seconds.
      for (const one of [amina, other]) {
        await one?.page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
        one?.forgive(/the server responded with a status of 401/);
      }
    },
  );

  walk(world, 'see the health of the trail refresh itself until they pause it', async () => {
    const window = await atAccess();
    await window.click('link', 'Health');
    await window.see('Health');
    const { page } = window;
    await page.getByRole('rowheader', { name: 'issuer' }).waitFor();
    await page.getByText(/^as of/).waitFor();
    await window.check();
    const first = await page.getByText(/^as of/).innerText();
    await window.press('button', 'Show dead letters');
    await page.getByText('There are none.').waitFor();
    // What the other services report of themselves.
    await page.getByRole('row', { name: /^payments .* current\b/ }).waitFor();
    await page.getByText(first, { exact: true }).waitFor({ state: 'detached' });
    await window.press('button', 'Pause');
    await page.getByRole('button', { name: 'Pause', pressed: true }).waitFor();
    await window.check();
  });
}
