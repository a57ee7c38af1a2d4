import { type Command } from 'commander';
import { table } from '../output.js';
import { openSession } from '../session/session.js';

interface WhoamiOptions {
  readonly audience?: string;
}

async function run({ audience }: WhoamiOptions, command: Command): Promise<void> {
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
      `status   ${granted === undefined ? 'not tried: name an audience with --audience' : 'authenticated'}`,
      '',
      table(['audience', 'scopes'], rows, 'What it may ask for is known only to its issuer.'),
    ].join('\n'),
  );
}

/** `countersign whoami`: as whom the other commands speak. */
export function register(program: Command): void {
  program
    .command('whoami')
    .summary('show as whom the commands speak')
    .description(
      'Shows the client, its key and what it may ask for, and authenticates once to see that the issuer agrees.',
    )
    .option('--audience <name>', 'the audience to ask for; decides which client of the local stack speaks')
    .addHelpText(
      'after',
      `
Examples:
  countersign whoami
  countersign whoami --audience audit`,
    )
    .action(run);
}
