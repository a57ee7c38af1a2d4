import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { RunningStack } from '../history/running-stack.js';
import { walkAccess } from './access-walk.js';
import { walkBroker } from './broker-walk.js';
import { walkConsole } from './console-walk.js';
import { walkMonth } from './month-walk.js';
import { walkProviders } from './providers-walk.js';
import { pause } from './soon.js';
import { eventOf } from './trail.js';
import { type Window } from './window.js';
import { START_LIMIT, walk, WALK_LIMIT, World } from './world.js';

const QUESTION = 'An application asks to act for you';

describe('people in a real browser', () => {
  let world: World;
  const walked = (): World => world;
  const shop = (): string => world.stack.demo?.urls.shop ?? '';
  const issuer = (): string => world.stack.urls.issuer;
  const open = (): Promise<Window> => world.open();

  beforeAll(async () => {
    world = await World.start();
  }, START_LIMIT);
  afterEach(() => world.leave());
  afterAll(() => world.stop(), 60_000);

  /** The command `countersign` on this stack, of a person's own terminal. `code`: the one that a login shows. */
  function terminal(...args: readonly string[]) {
    const root = resolve(import.meta.dirname, '../../../..');
    const child = spawn(process.execPath, [join(root, 'apps/cli/bin/countersign.mjs'), ...args, '--json'], {
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        COUNTERSIGN_STACK: world.directory,
        COUNTERSIGN_LOGIN_FOLDER: join(world.directory, 'logins'),
      },
    });
    const out = text(child.stdout);
    let said = '';
    const code = new Promise<string>((found) => {
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString('utf8');
        const [shown] = /[B-Z]{4}-[B-Z]{4}/.exec(said) ?? [];
        if (shown !== undefined) found(shown);
      });
    });
    const ended = out.then((json): Readonly<Record<string, unknown>> => ({ ...Object(JSON.parse(json)) }));
    return { code, ended };
  }
  type Hand = 'click' | 'press';
  /** As far as the provider's question who one is. */
  async function begin(hand: Hand): Promise<Window> {
    const window = await open();
    await window.goto(shop());
    await window.see('Corner Shop');
    await window[hand]('link', 'Sign in with your bank');
    await window.see('Who are you?');
    return window;
  }
  /** As far as the question what the application may do. */
  async function signIn(person: RegExp, hand: Hand): Promise<Window> {
    const window = await begin(hand);
    await window[hand]('button', person);
    await window.see(QUESTION);
    return window;
  }
  /** Allows payments, which were asked for, and then accounts. */
  async function allow(window: Window, hand: Hand): Promise<void> {
    await window[hand]('button', 'Allow');
    await window.see('Corner Shop');
    expect(await window.text()).toContain('may not see your accounts yet');
    await window[hand]('link', 'Connect my accounts');
    await window.see(QUESTION);
    await window[hand]('button', 'Allow');
    await window.see('Corner Shop');
  }

  walk(
    walked,
    'allow an application in words, pay through it, and are in the trail with all who acted for them',
    async () => {
      const window = await signIn(/Carol Diaz/, 'click');
      const question = await window.text();
      expect(question).toMatch(/Corner Shop[\s\S]*Corner Shop Ltd\.[\s\S]*Carol Diaz/);
      expect(question).toMatch(/Pay from your accounts[\s\S]*See the payments that it made for you/);
      await allow(window, 'click');
      expect(await window.text()).toMatch(/Signed in as Carol Diaz/);
      await window.click('button', 'Open an account');
      await window.see('Corner Shop');
      expect(await window.text()).toContain('Shopping: €100.00');
      await window.click('button', /^Buy Coffee/);
      await window.see('Corner Shop');
      expect(await window.text()).toMatch(/Coffee: settled\.[\s\S]*Shopping: €97\.50[\s\S]*Coffee\s+€2\.50\s+settled/);

      const { data } = await eventOf(
        world.stack,
        'source=accounts',
        (event) =>
          event.type === 'countersign.accounts.transfer.posted.v1' &&
          event.data.principal?.subject.startsWith('person:') === true,
      );
      expect(data.principal).toMatchObject({ actors: ['payments'] });
      const query = `subject=${data.principal?.subject ?? ''}&source=payments&client=corner-shop`;
      await eventOf(world.stack, query, ({ type }) => type === 'countersign.payments.payment.settled.v1');

      // Their account page says when it was used and what for, also by payments on its behalf.
      const uses = [
        /Payments: Pay from your accounts, See the payments that it made for you; once, last \d{4}-/,
        /Accounts, through payments: Move money from your accounts; once, last \d{4}-/,
      ];
      const isShown = async () => {
        const shown = await window.text();
        return uses.every((use) => use.test(shown));
      };
      for (const end = Date.now() + 60_000; Date.now() < end;) {
        await window.goto(`${issuer()}/account`);
        if (await isShown()) break;
        await pause();
      }
      await window.see('Your account');
      expect(await isShown()).toBe(true);
    },
  );

  walk(walked, 'refuse, allow and sign out with only the keyboard, and always see where they are', async () => {
    const window = await signIn(/Samir Haddad/, 'press');
    await window.press('button', 'Refuse');
    await window.see('Corner Shop');
    expect(await window.text()).toContain('You did not allow it');
    await window.press('link', 'Sign in with your bank');
    await window.see(QUESTION);
    await allow(window, 'press');
    await window.press('button', 'Sign out');
    await window.see('Sign out?');
    expect(await window.text()).toContain('Corner Shop asks to sign you out');
    await window.press('button', 'Sign out');
    // At the provider too, which asks by itself.
    await window.see('Sign out here too?');
    await window.press('button', 'Sign out');
    await window.see('Corner Shop');
    expect(await window.text()).toContain('You are signed out.');
    await window.goto(shop());
    expect(await window.text()).toContain('Sign in with your bank');
  });

  walk(
    walked,
    'withdraw what they allowed on their account page, which the application notices, and sign out there',
    async () => {
      const window = await signIn(/Olga Brandt/, 'click');
      await allow(window, 'click');
      await window.goto(`${issuer()}/account`);
      await window.see('Your account');
      expect(await window.text()).toMatch(/Applications\s+Corner Shop/);
      await window.press('button', 'End access of Corner Shop');
      await window.see('Your account');
      expect(await window.text()).toContain('You have not allowed any application');
      for (const end = Date.now() + 60_000; Date.now() < end;) {
        await window.goto(shop());
        if ((await window.text()).includes('may not pay for you')) break;
        await pause();
      }
      await window.see('Corner Shop');
      expect(await window.text()).toMatch(/may not see your accounts yet[\s\S]*may not pay for you/);

      const session = async () =>
        (await window.context.cookies(issuer())).find(({ name }) => name.endsWith('countersign-session'));
      expect(await session()).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
      await window.goto(`${issuer()}/account`);
      await window.see('Your account');
      await window.click('link', 'Sign out here');
      await window.see('Sign out?');
      await window.click('button', 'Sign out');
      await window.see('Sign out here too?');
      expect(await session()).toBeUndefined();
      await window.click('button', 'Stay signed in');
      await window.see('You are signed out');
      expect(await window.text()).toContain('was asked to sign you out too');
    },
  );

  for (const [hand, person] of [
    ['click', /Carol Diaz/],
    ['press', /Samir Haddad/],
  ] as const)
    walk(walked, `prove again who they are before they pay more than an amount (${hand})`, async () => {
      const window = await begin(hand);
      /** On to the shop; who allowed it before is not asked. */
      const go = async (): Promise<void> => {
        await window.see(/^(?:Corner Shop|An application asks to act for you)$/);
        if (!(await window.text()).includes(QUESTION)) return;
        await window[hand]('button', 'Allow');
        await window.see('Corner Shop');
      };
      await window[hand]('button', person);
      await go();
      await window[hand]('link', 'Connect my accounts');
      await go();
      if ((await window.text()).includes('Open an account')) {
        await window[hand]('button', 'Open an account');
        await window.see('Corner Shop');
      }
      // As if they had signed in an hour before they allowed it.
      await new RunningStack(world.directory).inDatabase('issuer', (database) =>
        database.query(`update session set authenticated_at = authenticated_at - interval '1 hour'`),
      );
      await window.goto(`${shop()}/connect/payments`);
      await go();
      await window[hand]('button', /^Buy Basket/);
      await window.see('Please confirm that it is you');
      await window[hand]('link', 'Confirm at your bank');
      await window.see('Who are you?');
      await window[hand]('button', person);
      await window.see('Thank you');
      await window[hand]('button', /^Buy Basket/);
      await window.see('Corner Shop');
      expect(await window.text()).toContain('Basket of groceries: settled.');
    });

  for (const hand of ['click', 'press'] as const)
    walk(
      walked,
      `connect a terminal by its code, whose commands then act as them, or refuse it (${hand})`,
      async () => {
        const window = await open();
        const enter = async (code: string): Promise<void> => {
          await window.goto(`${issuer()}/device`);
          await window.see(/^(?:Who are you\?|Connect a device)$/);
          if ((await window.text()).includes('Who are you?')) {
            await window[hand]('button', /Samir Haddad/);
            await window.see('Connect a device');
          }
          await window.page.getByLabel('Code').fill(code);
          await window[hand]('button', 'Continue');
        };
        await enter('BBBB-BBBB');
        await window.see('Connect a device');
        expect(await window.text()).toContain('No device is waiting for this code');
        window.forgive(/the server responded with a status of 400/);

        // Both at once: a terminal asks about its code only every five seconds.
        const ask = () => terminal('login', '--device', '--audience', 'audit');
        const [refused, login] = [ask(), ask()];
        await enter(await refused.code);
        await window.see('A device asks to act for you');
        await window[hand]('button', 'Refuse');
        await window.see('The device was refused');

        await enter(await login.code);
        await window.see('A device asks to act for you');
        expect(await window.text()).toMatch(
          /Countersign command line[\s\S]*Samir Haddad[\s\S]*See what was done in your name/,
        );
        await window[hand]('button', 'Allow');
        await window.see('The device is connected');
        const [{ person }, refusal] = await Promise.all([login.ended, refused.ended]);
        expect(refusal).toMatchObject({ code: 'access_denied' });
        const { events } = await terminal('audit', 'search', '--person', '--limit', '5').ended;
        expect(events).toHaveLength(5);
        await eventOf(
          world.stack,
          `subject=${String(person)}&source=audit`,
          ({ data }) => data.principal?.client_id === 'countersign-cli',
        );
      },
    );

  walk(
    walked,
    "are not signed in by somebody else's link, whose answer of the provider is tied to another browser",
    async () => {
      const attacker = await begin('click');
      const form = attacker.page.url();
      const { request } = attacker.context;
      // Redirects are followed by hand, so that the answer stays unused.
      let answer = await request.post(form, { form: { person: 'samir' }, maxRedirects: 0 });
      let link = new URL(answer.headers()['location'] ?? '', form).href;
      for (let steps = 0; steps < 5 && !link.includes('/sign-in/callback/'); steps += 1) {
        answer = await request.get(link, { maxRedirects: 0 });
        link = new URL(answer.headers()['location'] ?? '', link).href;
      }
      const victim = await open();
      await victim.goto(link);
      await victim.see(/./);
      expect(await victim.text()).not.toContain('Samir');
      expect(await victim.context.cookies()).toEqual([]);
      // The refusal's status is an error to the browser's console.
      expect(victim.forgive(/the server responded with a status of 400/)).toBe(1);
      // In the browser that asked, the same link works.
      await attacker.goto(link);
      await attacker.see(/^(?:Corner Shop|An application asks to act for you)$/);
      expect(await attacker.text()).toContain('Samir Haddad');
    },
  );

  walk(walked, 'are asked nothing in a frame: no page lets another site show it', async () => {
    const window = await signIn(/Olga Brandt/, 'click');
    const pages = [window.page.url(), `${issuer()}/account`, `${issuer()}/sign-out`, shop(), `${shop()}/sign-in`];
    const frames = pages.map((url) => `<iframe src="${url.replaceAll('&', '&amp;')}"></iframe>`).join('');
    const decoy = createServer((_request, response) => response.end(`<!doctype html><title>Win!</title>${frames}`));
    await new Promise<void>((done) => decoy.listen(0, '127.0.0.1', done));
    const address = decoy.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    // By another name, so that it is another site.
    await window.goto(`http://localhost:${String(port)}/`);
    const shown = window.page.frames().slice(1);
    expect(shown).toHaveLength(pages.length);
    for (const frame of shown) {
      expect(frame.url()).toMatch(/^chrome-error:/);
      expect(await frame.locator('button, a, form').count()).toBe(0);
    }
    decoy.close();
    await window.close();
    expect(window.forgive(/^Framing .* violates .*frame-ancestors 'none'/)).toBe(pages.length);
    // The issuer refuses what comes from a frame, which is an error to the browser's console.
    window.forgive(/the server responded with a status of 400/);
  });

  walkBroker(walked, QUESTION);

  describe('at the console', () => {
    walkConsole(walked);
  });

  walkAccess(walked);

  // What was recorded before is real; the month before it is filled in afterwards, so that nothing above finds it.
  describe('at the console, over a month of history', () => {
    walkMonth(walked);
  });

  // Last: the issuer is started again, and asks everybody where they have an account.
  walkProviders(walked);

  it(
    'meet no page that axe or the content security policy complains of, and no browser gets a token',
    async () => {
      const { windows, broken } = world;
      await Promise.all(windows.map((window) => window.close()));
      expect(windows.flatMap(({ complaints }) => complaints)).toEqual([]);
      const paths = windows
        .flatMap(({ checked }) => [...checked].map((url) => new URL(url).pathname))
        .map((path) => path.replace(/^\/event\/.*/, '/event/…'));
      const met = [
        '/',
        '/oauth2/authorize',
        '/callback',
        '/account',
        '/oauth2/end-session',
        '/pay',
        '/waiting',
        '/device',
        '/device/decision',
        '/sign-out',
        '/signed-out',
        '/session/end',
        '/sign-in',
        '/sign-in/signed-out/people',
        '/sign-in/signed-out/partner',
        '/access',
        '/health',
        '/map',
        '/proof',
        '/event/…',
      ];
      // A walk that failed did not get to its pages, which is one fault and not two.
      expect(paths).toEqual(expect.arrayContaining(broken.length > 0 ? [] : met));
      const received = windows.flatMap((window) => window.received);
      expect(received.filter((text) => text.includes('Carol Diaz'))).not.toEqual([]);
      expect(received.filter((text) => /eyJ[\w-]+\.eyJ/.test(text))).toEqual([]);
    },
    WALK_LIMIT,
  );
});
