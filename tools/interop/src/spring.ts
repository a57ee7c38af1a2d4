import { setTimeout as delay } from 'node:timers/promises';
import { createVerifier } from '@countersign/auth-core';
import { freePort, startChild } from '@countersign/backing-services';
import { CookieJar, newPkce } from '@countersign/people-provider';
import { z } from 'zod';
import { CannotBeHad } from './outcome.js';
import { springProgram } from './spring-program.js';
import { unexpected, verdictOf } from './verdict.js';

const READY_MS = 120_000;
/** Of its person, on the loopback address and for this run only. */
const PASSWORD = 'only-for-this-run';
const REDIRECT_URI = 'http://127.0.0.1/callback';
const REQUESTS = 10;

/** Spring Authorization Server, and tokens as it makes them. */
export interface Spring {
  readonly issuer: string;
  readonly version: string;
  /** In Spring's own form. */
  readonly service: string;
  readonly user: string;
  readonly id: string;
  /** Of another client, which is all that its audience says. */
  readonly other: string;
  /** In the form of RFC 9068, by a customizer. */
  readonly rfc9068: string;
  stop(): Promise<void>;
}

const answerSchema = z.looseObject({ access_token: z.string(), id_token: z.string().default('') });

/** A client as an argument of Spring Boot's. Each needs its own secret. */
function clientArguments(name: string): readonly string[] {
  const settings = {
    'client-id': name,
    'client-secret': `{noop}${name}-${PASSWORD}`,
    'client-authentication-methods': 'client_secret_post',
    'authorization-grant-types': 'client_credentials,authorization_code',
    'redirect-uris': REDIRECT_URI,
    scopes: 'openid,orders:read',
  };
  const prefix = `--spring.security.oauth2.authorizationserver.client.${name}.registration`;
  return Object.entries(settings).map(([key, value]) => `${prefix}.${key}=${value}`);
}

/** Signs the person in at its login form. @returns the code */
async function signIn(issuer: string, challenge: string): Promise<string> {
  const cookies = new CookieJar();
  const query = new URLSearchParams({
    ...{ response_type: 'code', client_id: 'shop', scope: 'openid orders:read', redirect_uri: REDIRECT_URI },
    ...{ state: 'state', code_challenge: challenge, code_challenge_method: 'S256' },
  });
  let url = new URL(`${issuer}/oauth2/authorize?${query.toString()}`);
  let body: URLSearchParams | undefined;
  for (let requests = 0; requests < REQUESTS; requests += 1) {
    const response = await fetch(url, {
      ...(body === undefined ? {} : { method: 'POST', body }),
      headers: { accept: 'text/html', cookie: cookies.header(url.pathname) },
      redirect: 'manual',
    });
    cookies.take(response);
    const page = await response.text();
    const location = response.headers.get('location');
    body = undefined;
    if (location === null) {
      const [, token = ''] = /name="_csrf" type="hidden" value="([^"]+)"/.exec(page) ?? [];
      body = new URLSearchParams({ username: 'ada', password: PASSWORD, _csrf: token });
      continue;
    }
    url = new URL(location, url);
    const code = url.searchParams.get('code');
    if (code !== null) return code;
  }
  throw new Error(`Spring: no code after ${String(REQUESTS)} requests, but ${url.href}`);
}

/** Starts it as Spring Boot sets it up, and gets tokens of it. @throws {CannotBeHad} */
export async function startSpring(cache: string): Promise<Spring> {
  const { jar, version } = await springProgram(cache);
  const port = String(await freePort());
  const issuer = `http://127.0.0.1:${port}`;
  const settings = [
    ...['--server.address=127.0.0.1', `--server.port=${port}`],
    `--spring.security.oauth2.authorizationserver.issuer=${issuer}`,
    ...['--spring.security.user.name=ada', `--spring.security.user.password=${PASSWORD}`],
  ];
  const clients = ['shop', 'other', 'rfc9068'].flatMap(clientArguments);
  const child = await startChild({
    command: 'java',
    args: ['-Xmx400m', '-jar', jar, 'authorization-server', ...settings, ...clients],
    env: process.env,
  });
  const stop = (): Promise<void> => child.stop('SIGTERM', 20_000);
  const ask = async (client: string, form: Readonly<Record<string, string>>) => {
    const secret = `${client}-${PASSWORD}`;
    const body = new URLSearchParams({ client_id: client, client_secret: secret, ...form });
    const answer = await fetch(`${issuer}/oauth2/token`, { method: 'POST', body });
    return answerSchema.parse(await answer.json());
  };
  const forItself = { grant_type: 'client_credentials', scope: 'orders:read' };
  try {
    const end = performance.now() + READY_MS;
    while ((await fetch(`${issuer}/oauth2/jwks`).catch(() => undefined))?.ok !== true) {
      if (performance.now() > end || !child.running()) throw new CannotBeHad(`it did not start: ${child.lastLines()}`);
      await delay(500);
    }
    const { verifier, challenge } = newPkce();
    const code = await signIn(issuer, challenge);
    const person = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: verifier };
    const user = await ask('shop', person);
    return {
      ...{ issuer, version, user: user.access_token, id: user.id_token },
      service: (await ask('shop', forItself)).access_token,
      other: (await ask('other', forItself)).access_token,
      rfc9068: (await ask('rfc9068', forItself)).access_token,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs our verifier, which knows only Spring's issuer, on its tokens. @returns the faults */
export async function verifySpring({ issuer, ...tokens }: Spring): Promise<readonly string[]> {
  const verifier = await createVerifier({ issuer, audience: 'shop', profile: 'spring' });
  const standard = await createVerifier({ issuer, audience: 'rfc9068', profile: 'rfc9068' });
  const verdict = (token: string): string =>
    verdictOf(verifier, token, ({ subject, clientId }) => `${subject} by ${clientId}`);
  const faults = unexpected([
    ['a service’s token', verdict(tokens.service), 'shop by shop'],
    ['a person’s token', verdict(tokens.user), 'ada by shop'],
    ['its ID token', verdict(tokens.id), 'TYP_NOT_ALLOWED'],
    ['a token of another client', verdict(tokens.other), 'AUDIENCE_MISMATCH'],
    ['a token in the form of RFC 9068', verdictOf(standard, tokens.rfc9068, ({ clientId }) => clientId), 'rfc9068'],
    [
      'Spring’s own form by the profile of RFC 9068',
      verdictOf(standard, tokens.service, () => 'accepted'),
      'TYP_NOT_ALLOWED',
    ],
  ]);
  verifier.close();
  standard.close();
  return faults;
}
