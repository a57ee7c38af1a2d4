import { type AccessToken } from '@countersign/auth-core';
import { type Command } from 'commander';
import { openSession } from '../session/session.js';
import { decodeToken } from './decode.js';

interface TokenOptions {
  readonly audience: string;
  readonly scope: readonly string[];
  readonly decode: boolean;
}

async function run({ audience, scope, decode }: TokenOptions, command: Command): Promise<void> {
  const { output, ...session } = openSession(command);
  const { token, expiresAt, scopes }: AccessToken = await session.token(
    audience,
    scope.flatMap((part) => part.split(' ')).filter((part) => part !== ''),
  );
  const decoded = decodeToken(token);
  const expires = new Date(expiresAt * 1_000).toISOString();
  output.result(
    { ok: true, token, expires_at: expires, scopes, ...(decode ? decoded : {}) },
    decode ? JSON.stringify(decoded, null, 2) : token,
  );
  if (!decode) output.note(`for ${audience}, scopes ${scopes.join(' ')}, until ${expires}`);
}

/** `countersign token`: get an access token, print or decode it. */
export function register(program: Command): void {
  program
    .command('token')
    .summary('get an access token')
    .description(
      'Gets an access token from the issuer with client_credentials (RFC 6749, section 4.4), authenticated with private_key_jwt.\n' +
        'Prints only the token to standard output, so that $(countersign token …) works inside another command.',
    )
    .requiredOption('--audience <name>', 'the service that the token is for: payments, accounts, audit, issuer')
    .option('--scope <scopes...>', 'scopes to request (default: all that the local client may have)', [])
    .option('--decode', 'print header and claims instead of the token (nothing is verified)', false)
    .addHelpText(
      'after',
      `
Examples:
  countersign token --audience payments
  countersign token --audience audit --scope audit:read --decode
  curl -H "Authorization: Bearer $(countersign token --audience audit)" http://127.0.0.1:4003/events`,
    )
    .action(run);
}
