import { TokenRequestError } from '@countersign/auth-core';
import { z } from 'zod';
import { CliError, ExitCode, OutcomeUnknown } from '../cli-error.js';
import { unreachable } from '../no-answer.js';
import { type Identity } from './identity.js';

const failureSchema = z.looseObject({
  code: z.string().optional(),
  detail: z.string().optional(),
  error: z.string().optional(),
  error_description: z.string().optional(),
});

function hintFor(name: string, { status, headers }: Response, asPerson: boolean): string | undefined {
  if (headers.get('www-authenticate')?.includes('insufficient_user_authentication') === true)
    return `Sign in again: countersign login --audience ${name} --again`;
  if (status !== 403) return undefined;
  return asPerson
    ? `Your roles, or what you allowed, are not enough: countersign login --audience ${name} --scope SCOPE …`
    : 'Add the scope to the client’s policy, or use --client-id to authenticate as another client.';
}

/** A service's refusal as an error for the terminal. */
export async function refusalOf(name: string, response: Response, asPerson: boolean): Promise<CliError> {
  const text = await response.text().catch(() => '');
  let body: z.infer<typeof failureSchema> = {};
  try {
    body = failureSchema.parse(JSON.parse(text));
  } catch {
    // Not JSON: the status says enough.
  }
  const code = body.code ?? body.error ?? `HTTP_${String(response.status)}`;
  const detail = body.detail ?? body.error_description ?? '';
  const { status } = response;
  const said = [
    status === 502 || status === 503 || status === 504 ? ExitCode.unreachable : ExitCode.refused,
    code,
    `${name} answered ${String(response.status)} ${code}${detail === '' ? '' : `: ${detail}`}`,
    hintFor(name, response, asPerson),
  ] as const;
  return status < 500 || status === 503 ? new CliError(...said) : new OutcomeUnknown(...said);
}

/** Plain http to another machine. */
export function unprotected(error: TypeError): CliError {
  return new CliError(
    ExitCode.usage,
    'PLAIN_HTTP',
    error.message,
    'Use https, or add --allow-plain-http on a private network',
  );
}

/** Why the issuer issued no token, and what to do next. @returns other errors unchanged */
export function tokenFailure(error: unknown, identity: Identity): unknown {
  if (error instanceof TypeError) return unprotected(error);
  if (!(error instanceof TokenRequestError)) return error;
  if (error.status === undefined || error.status >= 500) return unreachable('the issuer', identity.issuer, error);
  const hints: Readonly<Record<string, string>> = {
    invalid_client:
      `The issuer does not accept ${identity.keyFile} as a key of ${identity.clientId}. ` +
      `--issuer must match its issuer URL exactly; if it is reached at another address, add --connect-to URL.`,
    invalid_target: 'The client’s policy does not allow this audience.',
    invalid_scope: 'Request scopes that the client’s policy allows: --scope SCOPE …',
  };
  return new CliError(ExitCode.refused, error.code, error.message, hints[error.code]);
}
