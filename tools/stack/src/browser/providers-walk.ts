import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { freePort, startChild } from '@countersign/backing-services';
import { waitUntilReady } from '../services.js';
import { type Stack } from '../stack.js';
import { walk, type World } from './world.js';

const PROVIDER = 'tools/people-provider/dist/main.js';
const SECRET = 'the secret of this issuer at the partner bank';

const declaredProviders = (path: string): readonly object[] => {
  const file: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return typeof file === 'object' && file !== null && 'providers' in file && Array.isArray(file.providers)
    ? file.providers.map(Object)
    : [];
};

/** Starts the issuer again with a second provider, whose own session it offers to end. @returns ends that provider */
async function withPartner(stack: Stack): Promise<() => Promise<void>> {
  const { directory, root, urls } = stack;
  const file = (name: string): string => join(directory, 'env', name);
  const port = String(await freePort());
  const url = `http://127.0.0.1:${port}`;
  const partner = {
    ...{ client_id: 'countersign', client_name: 'Countersign', client_secret: SECRET },
    redirect_uris: [`${urls.issuer}/sign-in/callback/partner`],
    post_logout_redirect_uris: [`${urls.issuer}/sign-in/signed-out/partner`],
  };
  writeFileSync(file('partner-clients.json'), JSON.stringify({ clients: [partner] }), { mode: 0o600 });
  writeFileSync(file('partner-secret'), SECRET, { mode: 0o600 });
  const second = {
    ...{ name: 'partner', title: 'Partner bank', issuer: url, client_id: 'countersign' },
    ...{
      client_secret_file: file('partner-secret'),
      sign_out: 'offer',
      post_logout_redirect: true,
      sign_out_hint: false,
    },
  };
  const providers = [...declaredProviders(file('providers.json')), second];
  writeFileSync(file('two-providers.json'), JSON.stringify({ providers }), { mode: 0o600 });
  const child = await startChild({
    command: process.execPath,
    args: [join(root, PROVIDER)],
    env: { PATH: process.env['PATH'], PORT: port, PROVIDER_CLIENTS_FILE: file('partner-clients.json') },
  });
  const end = (): Promise<void> => child.stop('SIGTERM', 15_000);
  try {
    await waitUntilReady('provider', url, child);
    await stack.stopService('issuer');
    await stack.startService('issuer', { environment: { PROVIDERS_FILE: file('two-providers.json') } });
  } catch (error) {
    await end();
    throw error;
  }
  return end;
}

/** With the keyboard alone: the page that asks where somebody has an account, and the page that offers to end the session there too. */
export function walkProviders(world: () => World): void {
  walk(
    world,
    'choose where they have an account, and are offered to sign out there too, with only the keyboard',
    async () => {
      const { stack } = world();
      const end = await withPartner(stack);
      try {
        const window = await world().open();
        await window.goto(`${stack.urls.issuer}/account`);
        await window.see('Sign in');
        expect(await window.text()).toMatch(/People provider \(development\)\s+Partner bank/);
        await window.press('link', 'Partner bank');
        await window.see('Who are you?');
        await window.press('button', /Carol Diaz/);
        await window.see('Your account');
        await window.press('link', 'Sign out here');
        await window.see('Sign out?');
        await window.press('button', 'Sign out');
        await window.see('You are signed out');
        expect(await window.text()).toContain('You may still be signed in at Partner bank');
        await window.press('link', 'Sign out at Partner bank too');
        await window.see('Sign out here too?');
        await window.press('button', 'Sign out');
        await window.see('You are signed out');
        expect(await window.text()).toContain('Partner bank was asked to sign you out too');
        await window.press('link', 'Sign in again');
        await window.see('Sign in');
        await window.press('link', 'People provider (development)');
        await window.see('Who are you?');
      } finally {
        await end();
      }
    },
  );
}
