import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey, publicJwkOf } from '@countersign/auth-core';
import { freePort } from '@countersign/backing-services';
import { CookieJar, startPeopleProvider, walkSignIn, type PeopleProvider } from '@countersign/people-provider';
import { type Browser, type Visited } from './browser.js';
import { startForgingProvider, type ForgingProvider } from './forging-provider.js';
import { startIssuer, type IssuerUnderTest } from './issuer-under-test.js';

/** An issuer with outside providers: a real one (`people`), one that forges (`forger`) and one that is away (`gone`). */
export interface PeopleWorld {
  readonly issuer: IssuerUnderTest;
  readonly people: PeopleProvider;
  readonly forger: ForgingProvider;
  /** The public part of the key by which the issuer authenticates to `forger`. */
  readonly clientKey: ReturnType<typeof publicJwkOf>;
  /** Signs somebody in at `people`, as a browser does, through all redirects. @returns what the callback answered */
  signIn(browser: Browser, person: string, query?: string, provider?: CookieJar): Promise<Visited>;
  stop(): Promise<void>;
}

const SECRET = 'a secret of at least thirty-two characters';

/**
 * @param environment further variables of the issuer
 * @param replicas how many
 */
export async function startPeopleWorld(
  environment: Readonly<Record<string, string>> = {},
  replicas = 1,
): Promise<PeopleWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'providers-'));
  const [peoplePort, forgerPort, gonePort] = [await freePort(), await freePort(), await freePort()];
  const provider = (name: string, port: number, further: object = {}) => ({
    name,
    title: `The provider ${name}`,
    issuer: `http://127.0.0.1:${String(port)}`,
    client_id: 'countersign',
    client_secret_file: 'secret',
    roles: { claim: 'groups', map: { staff: ['employee'], operators: ['operator'], customers: ['customer'] } },
    ...further,
  });
  const declared = [
    provider('people', peoplePort),
    provider('forger', forgerPort, {
      token_endpoint_auth_method: 'private_key_jwt',
      client_secret_file: undefined,
      client_key_file: 'key.json',
    }),
    provider('gone', gonePort),
  ];
  const key = await generateSigningKey();
  writeFileSync(join(folder, 'key.json'), JSON.stringify(key));
  writeFileSync(join(folder, 'secret'), `${SECRET}\n`);
  writeFileSync(join(folder, 'providers.json'), JSON.stringify({ providers: declared }));
  const issuer = await startIssuer({ PROVIDERS_FILE: join(folder, 'providers.json'), ...environment }, replicas);
  const people = await startPeopleProvider({
    host: '127.0.0.1',
    port: peoplePort,
    clients: [
      {
        client_id: 'countersign',
        client_name: 'Countersign',
        client_secret: SECRET,
        redirect_uris: [`${issuer.url}/sign-in/callback/people`],
        post_logout_redirect_uris: [],
        backchannel_logout_uri: `${issuer.url}/sign-in/logout/people`,
      },
    ],
  });
  const forger = await startForgingProvider(forgerPort, 'countersign', 'mallory');
  return {
    issuer,
    people,
    forger,
    clientKey: publicJwkOf(key),
    async signIn(browser, person, query = '', cookies = new CookieJar()) {
      const { location } = await browser.get(`/sign-in/with/people?${query}`);
      if (location === undefined) throw new Error('the issuer did not lead to the provider');
      return browser.get(await walkSignIn(location, { person, cookies }));
    },
    async stop() {
      await people.close();
      await forger.close();
      await issuer.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
