import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { thumbprintOf, type PrivateJwk } from '@countersign/auth-core';
import { CliError, ExitCode } from '../cli-error.js';
import { tokensFor, type IssuerAddress, type Tokens } from '../person/issuer-calls.js';

/** Milliseconds that a person may take in the browser; the issuer keeps a request that long. */
const PATIENCE_MS = 600_000;

/** The base of request URLs at the loopback server. */
const BASE = 'http://127.0.0.1';

/** What a login asks for. */
export interface LoginRequest {
  readonly clientId: string;
  readonly scope: string;
  readonly audience: string | undefined;
  /** Whether the person must sign in again, for operations that need a recent sign-in. */
  readonly again?: boolean;
}

/** The parameters of both flows. */
export function parametersOf({ clientId, scope, audience }: LoginRequest): Readonly<Record<string, string>> {
  return { client_id: clientId, scope, ...(audience === undefined ? {} : { resource: audience }) };
}

/** The response that a browser delivers, or undefined for any other request. @throws {CliError} for a refusal */
function codeOf(query: URLSearchParams, state: string, issuer: string): string | undefined {
  // Anybody on this machine can send requests here: only one with the state is accepted (RFC 9700, section 2.1), and only from this issuer (RFC 9207).
  if (query.get('state') !== state || query.get('iss') !== issuer) return undefined;
  const error = query.get('error');
  if (error === null) return query.get('code') ?? undefined;
  const words = query.get('error_description');
  throw new CliError(ExitCode.refused, error, `the issuer answered ${error}${words === null ? '' : `: ${words}`}`);
}

function answer(response: ServerResponse, status: number, text: string): void {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', connection: 'close' };
  response.writeHead(status, headers).end(`${text}\n`);
}

/**
 * Logs a person in through the browser of this machine: a code with PKCE, by a loopback address (RFC 8252, section 7.3).
 * @param show opens, or prints, the address that the person must visit
 * @throws {CliError}
 */
export async function byBrowser(
  address: IssuerAddress,
  request: LoginRequest,
  key: PrivateJwk,
  show: (url: string) => void,
): Promise<Tokens> {
  const [state, verifier] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')];
  // Node 20 has neither Promise.withResolvers nor URL.parse.
  let [resolve, reject]: [(code: string) => void, (error: Error) => void] = [() => undefined, () => undefined];
  const promise = new Promise<string>((onCode, onError) => {
    [resolve, reject] = [onCode, onError];
  });
  const server = createServer(({ method, url = '' }: IncomingMessage, response) => {
    // From anybody: it may not be a valid URL.
    const asked = URL.canParse(url, BASE) ? new URL(url, BASE) : undefined;
    if (method !== 'GET' || asked?.pathname !== '/callback') {
      answer(response, 404, 'This page does not exist.');
      return;
    }
    try {
      const code = codeOf(asked.searchParams, state, address.issuer);
      if (code === undefined) {
        answer(response, 400, 'This response does not belong to the login in your terminal.');
        return;
      }
      answer(response, 200, 'You can close this page and go back to your terminal.');
      resolve(code);
    } catch (error) {
      answer(response, 200, 'Nobody was logged in. You can close this page.');
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const timer = setTimeout(() => {
    reject(
      new CliError(ExitCode.refused, 'LOGIN_TIMEOUT', 'nobody finished signing in within ten minutes', 'Log in again.'),
    );
  }, PATIENCE_MS);
  try {
    const place = server.address();
    if (place === null || typeof place === 'string') throw new Error('a server on a port has an address');
    const redirectUri = `http://127.0.0.1:${String(place.port)}/callback`;
    const query = new URLSearchParams({
      ...parametersOf(request),
      ...{ response_type: 'code', redirect_uri: redirectUri, state, dpop_jkt: thumbprintOf(key) },
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...(request.again === true ? { prompt: 'login' } : {}),
    });
    show(`${address.issuer.replace(/\/$/, '')}/oauth2/authorize?${query.toString()}`);
    const code = await promise;
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirectUri };
    return await tokensFor(address, { ...form, client_id: request.clientId }, key);
  } finally {
    clearTimeout(timer);
    server.close();
    server.closeIdleConnections();
  }
}
