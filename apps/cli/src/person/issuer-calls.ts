import { createDpopProof, type PrivateJwk } from '@countersign/auth-core';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { unreachable } from '../no-answer.js';

const TIMEOUT_MS = 30_000;

/** An issuer. */
export interface IssuerAddress {
  /** Its identifier. */
  readonly issuer: string;
  /** Where it is reached. */
  readonly url: string;
}

const tokensSchema = z.looseObject({
  access_token: z.string(),
  token_type: z.literal('DPoP'),
  expires_in: z.number().positive(),
  id_token: z.string().optional(),
  refresh_token: z.string(),
  scope: z.string(),
});
/** The issuer's response to a person's application. */
export type Tokens = z.infer<typeof tokensSchema>;
const refusalSchema = z.looseObject({
  error: z.string().optional(),
  code: z.string().optional(),
  error_description: z.string().optional(),
  detail: z.string().optional(),
});

/** The nonce that a response requires in a proof (RFC 9449, section 8), if any. */
export function wantedNonce({ status, headers }: Response, error: string | undefined): string | undefined {
  const wants = (status === 400 || status === 401) && error === 'use_dpop_nonce';
  return wants ? (headers.get('dpop-nonce') ?? undefined) : undefined;
}

/**
 * Sends a request.
 * @param again repeats it with a nonce
 * @throws {CliError} `UNREACHABLE`; with the error's own code for a refusal
 */
async function ask(url: string, init: RequestInit, again?: (nonce: string) => RequestInit): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
    text = await response.text();
  } catch (error) {
    throw unreachable('the issuer', url, error);
  }
  let body: unknown;
  try {
    body = text === '' ? {} : JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (response.ok) return body;
  const { error, code, error_description: words, detail = words } = refusalSchema.safeParse(body).data ?? {};
  const nonce = wantedNonce(response, error);
  if (nonce !== undefined && again !== undefined) return ask(url, again(nonce));
  const named = error ?? code ?? `HTTP_${String(response.status)}`;
  const exit = response.status >= 500 ? ExitCode.unreachable : ExitCode.refused;
  throw new CliError(exit, named, `the issuer answered ${named}${detail === undefined ? '' : `: ${detail}`}`);
}

function read<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const what = z.prettifyError(parsed.error);
  throw new CliError(
    ExitCode.refused,
    'ANSWER_INVALID',
    `the issuer sent a response that this version does not understand: ${what}`,
    'Check that --issuer is the address of the issuer itself, and that it has the same version as this command.',
  );
}

/** Posts a form to an endpoint of the issuer. @param path such as `/oauth2/revoke`. @param proof of a key, perhaps with a nonce. @throws {CliError} */
export async function post<Schema extends z.ZodType>(
  { url }: IssuerAddress,
  path: string,
  form: Readonly<Record<string, string>>,
  schema: Schema,
  proof?: (nonce?: string) => string,
): Promise<z.infer<Schema>> {
  const request = (nonce?: string): RequestInit => ({
    ...{ method: 'POST', body: new URLSearchParams(form) },
    headers: proof === undefined ? {} : { dpop: proof(nonce) },
  });
  return read(schema, await ask(url + path, request(), proof === undefined ? undefined : request));
}

/** Calls the token endpoint, with a proof of the key. @throws {CliError} */
export function tokensFor(
  address: IssuerAddress,
  form: Readonly<Record<string, string>>,
  key: PrivateJwk,
): Promise<Tokens> {
  const url = `${address.issuer.replace(/\/$/, '')}/oauth2/token`;
  const proof = (nonce?: string): string =>
    createDpopProof({ key, method: 'POST', url, ...(nonce === undefined ? {} : { nonce }) });
  return post(address, '/oauth2/token', form, tokensSchema, proof);
}
