import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createVerifier } from '@countersign/auth-core';
import { freePort, startChild } from '@countersign/backing-services';
import { z } from 'zod';
import { prepared } from './command.js';
import { CannotBeHad } from './outcome.js';
import { unexpected, verdictOf } from './verdict.js';

export const KEYCLOAK_VERSION = '26.7.3';
/** Milliseconds: its first start builds itself. */
const READY_MS = 480_000;
/** Of the client and the person in `programs/keycloak/realm.json`, on the loopback address and for this run only. */
const SECRET = 'only-for-this-run';

export interface Keycloak {
  readonly issuer: string;
  /** Tokens as it makes them. */
  readonly service: string;
  readonly user: string;
  readonly id: string;
  readonly refresh: string;
  stop(): Promise<void>;
}

const answerSchema = z.looseObject({
  access_token: z.string(),
  id_token: z.string().default(''),
  refresh_token: z.string().default(''),
});

/** The distribution from Maven Central, unpacked once. @throws {CannotBeHad} */
async function distribution(cache: string): Promise<string> {
  const home = join(cache, `keycloak-${KEYCLOAK_VERSION}`);
  if (existsSync(join(home, 'bin', 'kc.sh'))) return home;
  mkdirSync(cache, { recursive: true });
  const artifact = `org.keycloak:keycloak-quarkus-dist:${KEYCLOAK_VERSION}:zip`;
  const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy';
  await prepared('mvn', ['-q', '-B', copy, `-Dartifact=${artifact}`, `-DoutputDirectory=${cache}`], {
    timeoutMs: 900_000,
  });
  await prepared('unzip', ['-q', '-o', join(cache, `keycloak-quarkus-dist-${KEYCLOAK_VERSION}.zip`), '-d', cache]);
  const bin = join(home, 'bin');
  for (const file of readdirSync(bin).filter((name) => name.endsWith('.sh'))) chmodSync(join(bin, file), 0o755);
  return home;
}

/** Starts Keycloak with one realm, and gets tokens of it. @throws {CannotBeHad} */
export async function startKeycloak(cache: string): Promise<Keycloak> {
  const home = await distribution(cache);
  const realm = fileURLToPath(new URL('../programs/keycloak/realm.json', import.meta.url));
  mkdirSync(join(home, 'data', 'import'), { recursive: true });
  copyFileSync(realm, join(home, 'data', 'import', 'acme.json'));
  const port = await freePort();
  const issuer = `http://127.0.0.1:${String(port)}/realms/acme`;
  const child = await startChild({
    command: join(home, 'bin', 'kc.sh'),
    args: ['start-dev', '--import-realm', '--db', 'dev-mem', '--http-host', '127.0.0.1', '--http-port', String(port)],
    cwd: home,
    env: { ...process.env, JAVA_OPTS_APPEND: '-Xmx700m' },
  });
  const stop = (): Promise<void> => child.stop('SIGTERM', 20_000);
  const ask = async (form: Readonly<Record<string, string>>) => {
    const body = new URLSearchParams({ client_id: 'shop', client_secret: SECRET, ...form });
    const answer = await fetch(`${issuer}/protocol/openid-connect/token`, { method: 'POST', body });
    return answerSchema.parse(await answer.json());
  };
  try {
    const end = performance.now() + READY_MS;
    while ((await fetch(`${issuer}/.well-known/openid-configuration`).catch(() => undefined))?.ok !== true) {
      if (performance.now() > end || !child.running()) throw new CannotBeHad(`it did not start: ${child.lastLines()}`);
      await delay(500);
    }
    const service = await ask({ grant_type: 'client_credentials' });
    const user = await ask({ grant_type: 'password', username: 'ada', password: SECRET, scope: 'openid' });
    return {
      issuer,
      service: service.access_token,
      user: user.access_token,
      id: user.id_token,
      refresh: user.refresh_token,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs our verifier, which knows only Keycloak's issuer, on its tokens. @returns the faults */
export async function verifyKeycloak({ issuer, service, user, id, refresh }: Keycloak): Promise<readonly string[]> {
  const verifier = await createVerifier({ issuer, audience: 'orders', profile: 'keycloak' });
  const others = await createVerifier({ issuer, audience: 'payments', profile: 'keycloak' });
  const verdict = (one: typeof verifier, token: string): string =>
    verdictOf(
      one,
      token,
      ({ clientId, roles }) => `${clientId} ${roles.includes('operator') ? 'operator' : 'no operator'}`,
    );
  const faults = unexpected([
    ['a service’s token', verdict(verifier, service), 'shop no operator'],
    ['a person’s token', verdict(verifier, user), 'shop operator'],
    ['its ID token', verdict(verifier, id), 'AUDIENCE_MISMATCH'],
    ['its refresh token', verdict(verifier, refresh), 'ALG_NOT_ALLOWED'],
    ['a token for another service', verdict(others, user), 'AUDIENCE_MISMATCH'],
  ]);
  verifier.close();
  others.close();
  return faults;
}
