import { type Command } from 'commander';
import { CliError, ExitCode } from '../cli-error.js';
import { authorizationOf, openSession } from '../session/session.js';
import { decodeToken } from './decode.js';

interface TokenOptions {
  readonly audience: string;
  readonly scope: readonly string[];
  readonly decode: boolean;
  readonly proof?: string;
}

/** `GET https://…`. @throws {CliError} */
function targetOf(text: string): readonly [method: string, url: string] {
  const [, method, url] = /^([A-Z]{3,10}) (https?:\/\/\S+)$/.exec(text) ?? [];
  if (method !== undefined && url !== undefined && URL.canParse(url)) return [method, url];
  throw new CliError(ExitCode.usage, 'USAGE', '--proof takes a method and a URL, such as "GET https://host/path"');
}

async function run({ audience, scope, decode, proof }: TokenOptions, command: Command): Promise<void> {
  const { output, ...session } = openSession(command);
  const target = proof === undefined ? undefined : targetOf(proof);
  const credential = await session.token(
    audience,
    scope.flatMap((part) => part.split(' ')).filter((part) => part !== ''),
  );
  const { token, expiresAt, scopes, key } = credential;
  if (target !== undefined) {
    const headers = authorizationOf(credential, ...target);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    output.result({ ok: true, headers, scopes }, lines.join('\n'));
    return;
  }
  const decoded = decodeToken(token);
  const expires = new Date(expiresAt * 1_000).toISOString();
  output.result(
    { ok: true, token, expires_at: expires, scopes, ...(decode ? decoded : {}) },
    decode ? JSON.stringify(decoded, null, 2) : token,
  );
  if (key !== undefined)
    output.note('bound to the key of your login: add --proof, which prints the headers of one request');
  if (!decode) output.note(`for ${audience}, scopes ${scopes.join(' ')}, until ${expires}`);
}

/** `countersign token`: get an access token, print or decode it. */
export function register(program: Command): void {
  program
    .command('token')
    .summary('get an access token')
    .description(
      'Gets an access token from the issuer with client_credentials (RFC 6749, section 4.4), authenticated with private_key_jwt; ' +
        'with --person, by your own login, bound to its key (DPoP).\n' +
        'Prints only the token to standard output, so that $(countersign token …) works inside another command.',
    )
    .requiredOption('--audience <name>', 'the service that the token is for: payments, accounts, audit, issuer')
    .option('--scope <scopes...>', 'scopes to request (default: all that the local client may have)', [])
    .option('--decode', 'print header and claims instead of the token (nothing is verified)', false)
    .option(
      '--proof <request>',
      'print the headers of one request, "METHOD URL", with the proof that a bound token needs',
    )
    .addHelpText(
      'after',
      `
Examples:
  countersign token --audience payments
  countersign token --audience audit --scope audit:read --decode
  countersign token --person --audience payments --proof 'GET http://127.0.0.1:4001/payments' | curl -H @- http://127.0.0.1:4001/payments
  curl -H "Authorization: Bearer $(countersign token --audience audit)" http://127.0.0.1:4003/events`,
    )
    .action(run);
}
