import { createDpopProof, type PrivateJwk } from '@countersign/auth-core';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { type IssuerAddress } from '../session/session.js';

const TIMEOUT_MS = 30_000;

const tokensSchema = z.looseObject({ id_token: z.string(), refresh_token: z.string(), scope: z.string() });
/** The issuer's answer to a person's application. */
export type Tokens = z.infer<typeof tokensSchema>;
const refusalSchema = z.looseObject({
  error: z.string().optional(),
  code: z.string().optional(),
  error_description: z.string().optional(),
  detail: z.string().optional(),
});

/** Sends a request. @throws {CliError} `UNREACHABLE`; with the error's own code for a refusal */
async function ask(url: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
    text = await response.text();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(ExitCode.unreachable, 'UNREACHABLE', `the issuer at ${url} does not answer (${reason})`);
  }
  let body: unknown;
  try {
    body = text === '' ? {} : JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (response.ok) return body;
  const { error, code, error_description: words, detail = words } = refusalSchema.safeParse(body).data ?? {};
  const named = error ?? code ?? `HTTP_${String(response.status)}`;
  const exit = response.status >= 500 ? ExitCode.unreachable : ExitCode.refused;
  throw new CliError(exit, named, `the issuer answered ${named}${detail === undefined ? '' : `: ${detail}`}`);
}

function read<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const what = z.prettifyError(parsed.error);
  throw new CliError(ExitCode.refused, 'ANSWER_INVALID', `the issuer sent a response that is not understood: ${what}`);
}

/** Posts a form to an endpoint of the issuer. @param path such as `/oauth2/revoke`. @throws {CliError} */
export async function post<Schema extends z.ZodType>(
  { url }: IssuerAddress,
  path: string,
  form: Readonly<Record<string, string>>,
  schema: Schema,
  headers: Readonly<Record<string, string>> = {},
): Promise<z.infer<Schema>> {
  return read(schema, await ask(url + path, { method: 'POST', body: new URLSearchParams(form), headers }));
}

/** Asks the token endpoint, with a proof of the key. @throws {CliError} */
export function tokensFor(
  address: IssuerAddress,
  form: Readonly<Record<string, string>>,
  key: PrivateJwk,
): Promise<Tokens> {
  const dpop = createDpopProof({ key, method: 'POST', url: `${address.issuer.replace(/\/$/, '')}/oauth2/token` });
  return post(address, '/oauth2/token', form, tokensSchema, { dpop });
}
