import { type Command } from 'commander';
import { CliError, ExitCode } from '../cli-error.js';
import { LoginFile } from '../person/kept-login.js';
import { whoIsLoggedIn } from '../login/login.js';
import { printable, table } from '../output.js';
import { openSession } from '../session/session.js';

interface WhoamiOptions {
  readonly audience?: string;
}

async function runPerson(audience: string | undefined, command: Command): Promise<void> {
  const { output, ...session } = openSession(command);
  const address = session.issuer();
  const kept = audience === undefined ? await LoginFile.all(address.issuer) : [new LoginFile(address.issuer, audience)];
  const logins = [];
  for (const file of kept) logins.push(await whoIsLoggedIn(address, file));
  const [first] = logins;
  if (first === undefined) {
    const message = `nobody is logged in at ${address.issuer}`;
    throw new CliError(ExitCode.usage, 'NOT_LOGGED_IN', message, 'Log in: countersign login');
  }
  const { id, name, clientId } = first;
  const value = {
    ...{ ok: true, issuer: address.issuer, person: id, name: name ?? null, client_id: clientId },
    logins: logins.map((one) => ({ audience: one.audience, scope: one.scope, person: one.id })),
  };
  const lines = [
    `person   ${printable(name ?? id)}`,
    `id       ${id}`,
    `issuer   ${address.issuer}`,
    `through  ${clientId}`,
    '',
  ];
  const rows = logins.map((one) => [one.audience, one.scope, one.id === id ? '' : (one.name ?? one.id)]);
  output.result(value, [...lines, table(['audience', 'scopes', 'as another'], rows, '')].join('\n'));
}

async function run({ audience }: WhoamiOptions, command: Command): Promise<void> {
  const { output, ...session } = openSession(command);
  if (session.asPerson) return runPerson(audience, command);
  const identity = session.identity(audience);
  const target = audience ?? Object.keys(identity.audiences ?? {})[0];
  const granted = target === undefined ? undefined : await session.token(target, []);
  const { issuer, clientId, key, keyFile, audiences = {} } = identity;
  const value = {
    ok: true,
    issuer,
    client_id: clientId,
    key: { kid: key.kid, alg: key.alg, file: keyFile },
    /** Whether the issuer just accepted the key; undefined if no audience is known to request. */
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

/** `countersign whoami`: the identity of the other commands. */
export function register(program: Command): void {
  program
    .command('whoami')
    .summary('show which client, or with --person which person, the commands act as')
    .description(
      'Shows the client, its key and what it may request, and authenticates once to check that the issuer accepts it.',
    )
    .option('--audience <name>', 'the audience to request; selects the client of the local stack')
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
