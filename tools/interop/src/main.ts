import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createVerifier, TokenRequestError } from '@countersign/auth-core';
import { startIssuer, type RunningIssuer } from './issuer.js';
import { KEYCLOAK_VERSION, startKeycloak, verifyKeycloak, type Keycloak } from './keycloak.js';
import { conformToMcp, MCP_CONFORMANCE } from './mcp-conformance.js';
import { CannotBeHad, failed, notRun, passed, reportOf, type Outcome } from './outcome.js';
import { verifiers, verifyOurs } from './verifiers.js';

/** What is fetched and built stays here, so that a second run is quick. */
const cache = fileURLToPath(new URL('../../../.countersign/interop', import.meta.url));
/** `npm run interop -- keycloak go-oidc`: only the programs whose name holds one of the words. */
const wanted = process.argv.slice(2).map((word) => word.toLowerCase());
const isWanted = (name: string): boolean =>
  wanted.length === 0 || wanted.some((word) => name.toLowerCase().includes(word));
const outcomes: Outcome[] = [];
const tell = (text: string): void => void process.stderr.write(`${text}\n`);

/** Keycloak's people at our issuer: exchanged by access and ID token. @returns what was not as it must be */
async function exchanged({ user, refresh }: Keycloak, { url, shop }: RunningIssuer): Promise<readonly string[]> {
  const requested = { audience: 'payments', scopes: ['payments:create'] };
  const faults: string[] = [];
  const { token } = await shop.exchange({ ...requested, subjectToken: user });
  const payments = await createVerifier({ issuer: url, audience: 'payments' });
  const caller = payments.verify(token);
  payments.close();
  if (!caller.subject.startsWith('acme|') || !caller.roles.includes('clerk'))
    faults.push(`exchanged: ${caller.subject}`);
  await shop.exchange({ ...requested, subjectToken: refresh }).then(
    () => faults.push('a refresh token was exchanged'),
    (error: unknown) => {
      if (!(error instanceof TokenRequestError)) throw error;
    },
  );
  return faults;
}

async function withKeycloak(): Promise<Keycloak | undefined> {
  tell('Keycloak: fetching and starting it');
  try {
    const keycloak = await startKeycloak(cache);
    const faults = await verifyKeycloak(keycloak);
    const what = 'its tokens in our verifier, by discovery; its ID, refresh and foreign tokens refused';
    const name = 'Keycloak as issuer';
    outcomes.push(
      faults.length === 0 ? passed(name, KEYCLOAK_VERSION, what) : failed(name, KEYCLOAK_VERSION, faults.join('; ')),
    );
    return keycloak;
  } catch (error) {
    if (!(error instanceof CannotBeHad)) throw error;
    outcomes.push(notRun('Keycloak as issuer', KEYCLOAK_VERSION, error.message));
    return undefined;
  }
}

async function withOurs(issuer: RunningIssuer, keycloak: Keycloak | undefined): Promise<void> {
  if (keycloak !== undefined) {
    const faults = await exchanged(keycloak, issuer);
    const name = 'Keycloak’s people here';
    const what = 'exchanged at our issuer, with declared roles; a refresh token refused';
    outcomes.push(
      faults.length === 0 ? passed(name, KEYCLOAK_VERSION, what) : failed(name, KEYCLOAK_VERSION, faults.join('; ')),
    );
  }
  if (isWanted(MCP_CONFORMANCE)) {
    tell(`${MCP_CONFORMANCE}: fetching and running it`);
    outcomes.push(await conformToMcp(cache, issuer));
  }
  const good = await issuer.shop.getToken({ audience: 'payments', scopes: ['payments:create'] });
  const other = await issuer.shop.getToken({ audience: 'other', scopes: ['a'] });
  const [header = '', payload = '', signature = ''] = good.token.split('.');
  const unsigned = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
  const bad = [
    other.token,
    `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    `${unsigned}.${payload}.`,
  ];
  const tokens = { issuer: issuer.url, audience: 'payments', good: [good.token], bad };
  for (const verifier of verifiers.filter(({ name }) => isWanted(name))) {
    tell(`${verifier.name}: fetching, building and running it`);
    outcomes.push(await verifyOurs(verifier, cache, tokens));
  }
}

// Ending by `exit` ends what was started, too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
mkdirSync(cache, { recursive: true });
const keycloak = isWanted('Keycloak') ? await withKeycloak() : undefined;
try {
  tell('our issuer: starting it');
  const trusted =
    keycloak === undefined
      ? undefined
      : { name: 'acme', issuer: keycloak.issuer, profile: 'keycloak', audience: 'orders' };
  const issuer = await startIssuer(trusted);
  try {
    await withOurs(issuer, keycloak);
  } finally {
    await issuer.stop();
  }
} finally {
  await keycloak?.stop();
}
// Named, so that nobody takes its absence for a pass.
outcomes.push(notRun('Spring Authorization Server', '', 'no program for it is here yet'));
process.stdout.write(`${reportOf(outcomes)}\n`);
process.exitCode = outcomes.some(({ state }) => state === 'failed') ? 1 : 0;
