import { type Command } from 'commander';
import { LoginFile } from '../login/kept-login.js';
import { whoIsLoggedIn } from '../login/login.js';
import { table } from '../output.js';
import { openSession } from '../session/session.js';

interface WhoamiOptions {
  readonly audience?: string;
  readonly person: boolean;
}

async function runPerson(command: Command): Promise<void> {
  const { output, ...session } = openSession(command);
  const address = session.issuer();
  const { id, name, clientId, scope } = await whoIsLoggedIn(address, new LoginFile(address.issuer));
  const value = { ok: true, issuer: address.issuer, person: id, name: name ?? null, client_id: clientId, scope };
  const lines = [`person   ${name ?? id}`, `id       ${id}`, `issuer   ${address.issuer}`, `through  ${clientId}`];
  output.result(value, [...lines, `scopes   ${scope}`].join('\n'));
}

async function run({ audience, person }: WhoamiOptions, command: Command): Promise<void> {
  if (person) return runPerson(command);
  const { output, ...session } = openSession(command);
  const identity = session.identity(audience);
  const target = audience ?? Object.keys(identity.audiences ?? {})[0];
  const granted = target === undefined ? undefined : await session.token(target, []);
  const { issuer, clientId, key, keyFile, audiences = {} } = identity;
  const value = {
    ok: true,
    issuer,
    client_id: clientId,
    key: { kid: key.kid, alg: key.alg, file: keyFile },
    /** Whether the issuer took the key just now; nothing where no audience is known to ask for. */
    authenticated: granted === undefined ? null : true,
    audiences,
  };
  const rows = Object.entries(audiences).map(([name, scopes]) => [name, scopes.join(' ')]);
  output.result(
    value,
    [
      `client   ${clientId}`,
      `issuer   ${issuer}`,
      `key      ${key.kid} (${key.alg}), from ${keyFile}`,
      `status   ${granted === undefined ? 'not tried: choose an audience with --audience' : 'authenticated'}`,
      '',
      table(['audience', 'scopes'], rows, 'Only the issuer knows what this client may request.'),
    ].join('\n'),
  );
}

/** `countersign whoami`: as whom the other commands speak. */
export function register(program: Command): void {
  program
    .command('whoami')
    .summary('show which client the commands authenticate as')
    .description(
      'Shows the client, its key and what it may request, and authenticates once to check that the issuer accepts it.',
    )
    .option('--audience <name>', 'the audience to request; selects the client of the local stack')
    .option('--person', 'show the person who is logged in instead', false)
    .addHelpText(
      'after',
      `
Examples:
  countersign whoami
  countersign whoami --audience audit
  countersign whoami --person`,
    )
    .action(run);
}
