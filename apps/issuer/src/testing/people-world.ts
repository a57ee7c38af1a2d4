import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey, publicJwkOf } from '@countersign/auth-core';
import { freePort } from '@countersign/backing-services';
import { CookieJar, startPeopleProvider, walkSignIn, type PeopleProvider } from '@countersign/people-provider';
import { type Browser, type Visited } from './browser.js';
import { startForgingProvider, type ForgingProvider } from './forging-provider.js';
import { startIssuer, type IssuerUnderTest } from './issuer-under-test.js';

/** How providers that are real treat signing out: each as it is declared. */
const realProviders = {
  people: { sign_out: 'never' },
  /** As the default is. */
  offering: {},
  returning: { post_logout_redirect: true, sign_out_hint: false },
  leading: { sign_out: 'always', post_logout_redirect: true },
} as const;
export type RealProvider = keyof typeof realProviders;

/** An issuer with outside providers: real ones, one that forges (`forger`) and one that is unavailable (`gone`). */
export interface PeopleWorld {
  readonly issuer: IssuerUnderTest;
  readonly people: PeopleProvider;
  /** All real ones. */
  readonly real: Readonly<Record<RealProvider, PeopleProvider>>;
  readonly forger: ForgingProvider;
  /** The public part of the key by which the issuer authenticates to `forger`. */
  readonly clientKey: ReturnType<typeof publicJwkOf>;
  /** Signs somebody in at `people`, or another that is real, as a browser does, through all redirects. @returns what the callback answered */
  signIn(browser: Browser, person: string, query?: string, cookies?: CookieJar, at?: RealProvider): Promise<Visited>;
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
  const [forgerPort, gonePort] = [await freePort(), await freePort()];
  const ports = {
    people: await freePort(),
    offering: await freePort(),
    returning: await freePort(),
    leading: await freePort(),
  };
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
    provider('people', ports.people, realProviders.people),
    provider('forger', forgerPort, {
      token_endpoint_auth_method: 'private_key_jwt',
      client_secret_file: undefined,
      client_key_file: 'key.json',
    }),
    provider('gone', gonePort),
    provider('offering', ports.offering, realProviders.offering),
    provider('returning', ports.returning, realProviders.returning),
    provider('leading', ports.leading, realProviders.leading),
  ];
  const key = await generateSigningKey();
  writeFileSync(join(folder, 'key.json'), JSON.stringify(key));
  writeFileSync(join(folder, 'secret'), `${SECRET}\n`);
  writeFileSync(join(folder, 'providers.json'), JSON.stringify({ providers: declared }));
  const issuer = await startIssuer({ PROVIDERS_FILE: join(folder, 'providers.json'), ...environment }, replicas);
  const start = (name: RealProvider): Promise<PeopleProvider> =>
    startPeopleProvider({
      host: '127.0.0.1',
      port: ports[name],
      clients: [
        {
          client_id: 'countersign',
          client_name: 'Countersign',
          client_secret: SECRET,
          redirect_uris: [`${issuer.url}/sign-in/callback/${name}`],
          post_logout_redirect_uris:
            'post_logout_redirect' in realProviders[name] ? [`${issuer.url}/sign-in/signed-out/${name}`] : [],
          backchannel_logout_uri: `${issuer.url}/sign-in/logout/${name}`,
        },
      ],
    });
  const [people, offering, returning, leading] = await Promise.all([
    start('people'),
    start('offering'),
    start('returning'),
    start('leading'),
  ]);
  const real = { people, offering, returning, leading };
  const forger = await startForgingProvider(forgerPort, 'countersign', 'mallory');
  return {
    issuer,
    people,
    real,
    forger,
    clientKey: publicJwkOf(key),
    async signIn(browser, person, query = '', cookies = new CookieJar(), at = 'people') {
      const { location } = await browser.get(`/sign-in/with/${at}?${query}`);
      if (location === undefined) throw new Error('the issuer did not lead to the provider');
      return browser.get(await walkSignIn(location, { person, cookies }));
    },
    async stop() {
      await Promise.all(Object.values(real).map((provider) => provider.close()));
      await forger.close();
      await issuer.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
