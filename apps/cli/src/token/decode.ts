import { CliError, ExitCode } from '../cli-error.js';

function part(token: string, index: number): unknown {
  try {
    return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString('utf8'));
  } catch {
    throw new CliError(
      ExitCode.usage,
      'TOKEN_MALFORMED',
      'not a token: must be header.claims.signature, each in base64url',
    );
  }
}

/** Header and claims of a token, for people to read; the signature is not checked. @throws {CliError} */
export function decodeToken(token: string): { readonly header: unknown; readonly claims: unknown } {
  return { header: part(token, 0), claims: part(token, 1) };
}
