import { expect } from '@jest/globals';
import { createTokenClient } from '@countersign/auth-core';
import { type Locator } from 'playwright-core';
import { Story } from '../history/happening.js';
import { RunningStack } from '../history/running-stack.js';
import { seededRandom } from '../random.js';
import { soon } from './soon.js';
import { eventOf } from './trail.js';
import { type WalkedHistory } from './walked-history.js';
import { walk } from './world.js';
import { type Window } from './window.js';

const phone = { width: 375, height: 700 };
/** A window of 1,280 pixels at 200 %. */
const enlarged = { width: 640, height: 400 };

/** Markup, controls, marks that turn the direction around, what cannot be seen, names from right to left. */
const hostile = (field: string): string =>
  `${field} <img src="/x" onerror="alert(1)"><script>alert(2)</script>\u202egpj.exe\u2066\u200b\ufeff\u0007\u001b[31m\r\n\u0085 متجر الزاوية חנות`;
const long = (field: string): string => `${hostile(field)} ${'W'.repeat(10_000)}`;
const short = (field: string): string => `${hostile(field)} ${'W'.repeat(512)}`.slice(0, 512);

/** What must never reach a page as it is: control characters, direction marks, invisible characters. */
const RAW =
  '[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff]';
/** In the page: what a text made of it. */
const findings = `(() => {
  const raw = new RegExp(${JSON.stringify(RAW)});
  const said = [...document.querySelectorAll('[title],[aria-label],[placeholder]')].flatMap((element) =>
    ['title', 'aria-label', 'placeholder'].map((name) => element.getAttribute(name) ?? ''));
  return {
    markup: document.querySelectorAll('#console :is(img, script, iframe, object)').length,
    raw: [document.body.textContent, document.title, ...said].filter((text) => raw.test(text)).map((text) => text.match(raw).input.slice(0, 200)),
    isolated: [...document.querySelectorAll('bdi')].every((element) => getComputedStyle(element).unicodeBidi === 'isolate'),
  };
})()`;
const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';

interface Screen {
  readonly path: string;
  /** What is there when the screen is. */
  readonly there: (window: Window) => Locator;
  /** Whether the hostile texts are to be seen on it. */
  readonly hostile?: boolean;
}

/** Every screen of the console, full of hostile texts, as people see it who need it otherwise: dark, on a phone, enlarged. */
export function walkScreens(world: () => WalkedHistory): void {
  const client = short('client');

  /** Hostile texts in every field that takes any. */
  async function fill(): Promise<{ readonly index: string; readonly txn: string }> {
    const { stack, outboxes } = world();
    const story = new Story(seededRandom(7), Date.now());
    story.say('payments', {
      event: 'payment.refused',
      action: short('action'),
      resource: short('resource'),
      outcome: 'failed',
      reason: short('reason'),
      principal: {
        subject: short('subject'),
        client_id: client,
        actors: [short('actor'), short('another actor')],
        scopes: [short('scope')],
        jti: short('jti'),
        api_key: { id: story.id(), name: short('key') },
      },
      route: [short('GET'), short('/route')],
      peer: short('peer'),
      changes: { [short('name')]: { before: long('before'), after: hostile('after') }, said: hostile('said') },
    });
    await outboxes.record(story.happenings);
    const found = await eventOf(stack, `txn=${story.txn}`, () => true);
    return { index: found.index, txn: story.txn };
  }

  /** The issuer takes no such names; here somebody has written them into its database. */
  async function fillIssuer(): Promise<void> {
    const { stack } = world();
    const { issuer } = stack.urls;
    const operator = createTokenClient({ issuer, clientId: 'operator', key: stack.identities.clients.operator });
    const { token } = await operator.getToken({ audience: 'issuer', scopes: ['issuer:admin'] });
    const post = async (path: string, body: object): Promise<void> => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const made = await fetch(issuer + path, { method: 'POST', headers, body: JSON.stringify(body) });
      if (!made.ok) throw new Error(await made.text());
    };
    const audiences = { payments: ['payments:read'] };
    await post('/admin/api-keys', { client_id: 'storefront', name: 'hostile', audiences });
    await post('/admin/revocations', { kind: 'token', jti: 'hostile', with_derived: true, reason: 'hostile' });
    await new RunningStack(stack.directory).inDatabase('issuer', async (database) => {
      await database.query(`update api_key set name = $1 where name = 'hostile'`, [short('key')]);
      await database.query(`update revocation set reason = $1 where reason = 'hostile'`, [long('reason')]);
    });
  }

  walk(
    world,
    'shows every screen dark, on a phone and enlarged, and hostile text in every field does nothing but be seen',
    async () => {
      const { stack, open } = world();
      const { audit } = stack.urls;
      const [{ index, txn }] = await Promise.all([fill(), fillIssuer()]);
      const window = await open();
      const { page } = window;
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.setViewportSize(phone);
      await window.goto(`${audit}/health`);
      await window.click('link', /^Sign in$/);
      await window.click('button', /Olga Brandt/);
      await page.getByRole('heading', { name: 'Health' }).waitFor();
      await window.click('link', 'Access');
      await window.click('link', 'Use my rights at the issuer');
      await page.getByRole('button', { name: 'Disable auditor' }).waitFor();
      window.forgive(/the server responded with a status of 40[13]/);
      const row = ({ page: shown }: Window) => shown.locator('[data-row] a').first();
      const text = (words: RegExp) => (shown: Window) => shown.page.getByText(words).filter({ visible: true }).first();
      const screens: readonly Screen[] = [
        { path: `/?txn=${txn}&columns=outcome,who,client,resource,source,reason,txn`, there: row, hostile: true },
        // What no request may hold, the server says; the page shows both.
        {
          path: `/?${new URLSearchParams({ client }).toString()}`,
          there: text(/must not contain control/),
          hostile: true,
        },
        { path: `/event/${index}`, there: text(/^The record$/), hostile: true },
        { path: '/map?last=day', there: text(/^actor <img/), hostile: true },
        { path: '/access?part=clients', there: text(/storefront/) },
        { path: '/access?part=people', there: text(/People who have signed in/) },
        { path: '/access?part=consents', there: text(/allowed applications|allowed an application/) },
        { path: '/access?part=keys', there: text(/Keys that sign tokens/) },
        { path: '/access?part=api-keys', there: text(/key <img/), hostile: true },
        { path: '/access?part=revocations', there: text(/reason <img/), hostile: true },
        { path: '/health', there: text(/Events in the log/) },
        { path: '/proof', there: text(/Verified in this browser/) },
      ];
      for (const screen of screens) {
        const fits = (seen: string): Promise<void> =>
          soon(async () => {
            const found = { seen, path: screen.path, overflow: await page.evaluate(overflow) };
            expect(found).toEqual({ ...found, overflow: 0 });
          });
        const [refused] = /client=/.exec(screen.path) ?? [];
        await window.goto(audit + screen.path);
        await screen.there(window).waitFor();
        if (screen.hostile === true)
          await page
            .getByText(/<img src/)
            .filter({ visible: true })
            .first()
            .waitFor();
        await window.settle();
        await window.check();
        const found = { path: screen.path, ...Object(await page.evaluate(findings)) };
        expect(found).toEqual({ path: screen.path, markup: 0, raw: [], isolated: true });
        await fits('phone');
        await page.setViewportSize(enlarged);
        await fits('enlarged');
        await page.setViewportSize(phone);
        if (refused !== undefined) window.forgive(/the server responded with a status of 400/);
      }
    },
  );
}
