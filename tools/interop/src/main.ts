import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { startIssuer, type RunningIssuer } from './issuer.js';
import { conformToMcp, MCP_CONFORMANCE } from './mcp-conformance.js';
import { failed, passed, reportOf, writeReport, type Outcome } from './outcome.js';
import { exchangePerson, outsidePrograms, tryOutside, type Outside } from './outside.js';
import { prepareVerifier, verifiers, verifyOurs, type ReadyVerifier } from './verifiers.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** What is fetched and built stays here, so that a second run is quick. Not in the folder of a stack, which takes only one that it made. */
const cache = `${root}node_modules/.cache/interop`;
const program = new Command('npm run interop --')
  .description(
    "Runs other issuers and other languages' verifiers on this machine: their tokens in our verifier and issuer, our tokens in their verifiers. Fetches and builds them first, which takes minutes once.",
  )
  .argument('[names...]', 'only programs whose name holds one of these words, as keycloak or go-oidc')
  .option('--write', 'write the result into docs/interop.md; everything must be tried, so without names', false)
  .parse();
const { write } = program.opts<{ readonly write: boolean }>();
const names = program.args;
if (write && names.length > 0) program.error('error: --write writes the whole page: leave the names out');
const isWanted = (name: string): boolean =>
  names.length === 0 || names.some((word) => name.toLowerCase().includes(word.toLowerCase()));
const outcomes: Outcome[] = [];
const tell = (text: string): void => void process.stderr.write(`${text}\n`);

/** A valid token with its signature changed, and the same without any. */
function spoilt(token: string): readonly string[] {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const unsigned = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
  const changed = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
  return [`${header}.${payload}.${changed}`, `${unsigned}.${payload}.`];
}

/** What takes minutes on a new machine, before there is any token that could expire meanwhile. */
async function readyVerifiers(): Promise<readonly (ReadyVerifier | Outcome)[]> {
  const ready: (ReadyVerifier | Outcome)[] = [];
  for (const verifier of verifiers.filter(({ name }) => isWanted(name))) {
    tell(`${verifier.name}: fetching and building it`);
    ready.push(await prepareVerifier(verifier, cache));
  }
  return ready;
}

/** Tokens for `payments` that verifiers must accept: our client's, and those of people of other issuers. */
async function goodTokens(issuer: RunningIssuer, running: ReadonlyMap<string, Outside>): Promise<readonly string[]> {
  const good: string[] = [];
  for (const [name, outside] of running) {
    const exchanged = await exchangePerson(outside, issuer);
    good.push(exchanged.token);
    const title = `${name}’s people here`;
    const what =
      'exchanged at our issuer, with declared roles, and distinguished from its services; a token that is not for us refused';
    const { faults } = exchanged;
    outcomes.push(
      faults.length === 0 ? passed(title, outside.version, what) : failed(title, outside.version, faults.join('; ')),
    );
  }
  return good;
}

async function withOurs(
  issuer: RunningIssuer,
  running: ReadonlyMap<string, Outside>,
  ready: readonly (ReadyVerifier | Outcome)[],
): Promise<void> {
  const theirs = await goodTokens(issuer, running);
  const { token } = await issuer.shop.getToken({ audience: 'payments', scopes: ['payments:create'] });
  const other = await issuer.shop.getToken({ audience: 'other', scopes: ['a'] });
  const tokens = {
    issuer: issuer.url,
    audience: 'payments',
    good: [token, ...theirs],
    bad: [other.token, ...spoilt(token)],
  };
  for (const verifier of ready) {
    tell(`${verifier.name}: running it`);
    outcomes.push('command' in verifier ? await verifyOurs(verifier, tokens) : verifier);
  }
  if (!isWanted(MCP_CONFORMANCE)) return;
  tell(`${MCP_CONFORMANCE}: fetching and running it`);
  outcomes.push(await conformToMcp(cache, issuer));
}

// Ending by `exit` ends what was started, too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
mkdirSync(cache, { recursive: true });
const running = new Map<string, Outside>();
const ready = await readyVerifiers();
try {
  for (const program of outsidePrograms.filter(({ name }) => isWanted(name))) {
    tell(`${program.name}: fetching and starting it`);
    const { outcome, outside } = await tryOutside(program, cache);
    outcomes.push(outcome);
    if (outside !== undefined) running.set(program.name, outside);
  }
  tell('our issuer: starting it');
  const issuer = await startIssuer([...running.values()].map(({ trusted }) => trusted));
  try {
    await withOurs(issuer, running, ready);
  } finally {
    await issuer.stop();
  }
} finally {
  for (const outside of running.values()) await outside.stop();
}
process.stdout.write(`${reportOf(outcomes)}\n`);
if (write) writeReport(`${root}docs/interop.md`, outcomes);
process.exitCode = outcomes.some(({ state }) => state === 'failed') ? 1 : 0;
