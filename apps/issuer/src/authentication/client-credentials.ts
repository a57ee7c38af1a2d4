import { CLIENT_ASSERTION_TYPE } from '@countersign/auth-core';
import { OAuthError } from '@countersign/service-host';

/** Credentials that cannot be checked. */
export interface NoCredentials {
  readonly method: 'none';
  readonly reason:
    | 'CREDENTIALS_MISSING'
    | 'CREDENTIALS_MALFORMED'
    | 'CREDENTIALS_SEVERAL'
    | 'CREDENTIALS_CONTRADICT'
    | 'CREDENTIALS_TYPE_UNKNOWN';
  /** The response to the request; undefined for `invalid_client`. */
  readonly answer?: OAuthError;
}

/** How a client identifies itself. */
export type ClientCredentials =
  | { readonly method: 'private_key_jwt'; readonly assertion: string; readonly clientId: string | undefined }
  | { readonly method: 'client_secret_basic'; readonly clientId: string; readonly secret: string }
  /** Only a name, which a public client proves by other means: a code's verifier, or a token bound to its key. */
  | { readonly method: 'public'; readonly clientId: string }
  | NoCredentials;

const SECRET_LIMIT = 1_024;

/** One half of Basic credentials is form-urlencoded before base64 (RFC 6749, section 2.3.1). */
function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

const malformed = { method: 'none', reason: 'CREDENTIALS_MALFORMED' } as const;

function invalid(reason: NoCredentials['reason'], description: string): NoCredentials {
  return { method: 'none', reason, answer: new OAuthError(400, 'invalid_request', description) };
}

function basicOf(authorization: string, named: string | undefined): ClientCredentials {
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization)?.[1];
  if (encoded === undefined || encoded.length > 4 * SECRET_LIMIT) return malformed;
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  const clientId = formDecoded(pair.slice(0, Math.max(colon, 0)));
  const secret = formDecoded(pair.slice(colon + 1));
  if (colon < 1 || clientId === undefined || secret === undefined || secret.length > SECRET_LIMIT) return malformed;
  if (named !== undefined && named !== clientId) {
    return invalid(
      'CREDENTIALS_CONTRADICT',
      'client_id differs from the client in the Authorization header; leave client_id out',
    );
  }
  return { method: 'client_secret_basic', clientId, secret };
}

/**
 * The credentials of a request to an OAuth endpoint: `Authorization: Basic`, a client assertion in the form, or only the name of a public client.
 * More than one method (RFC 6749, section 2.3), two clients, or another assertion type are `invalid_request`.
 * @param form the parsed body
 * @param authorization the `Authorization` header; an empty one counts as missing
 */
export function clientCredentialsOf(
  form: Readonly<Record<string, string>>,
  authorization: string | undefined,
): ClientCredentials {
  const { client_assertion: assertion, client_assertion_type: type, client_id: clientId } = form;
  const header = authorization === undefined || authorization.trim() === '' ? undefined : authorization;
  const methods = [header, assertion, form['client_secret']].filter((value) => value !== undefined);
  if (methods.length > 1) return invalid('CREDENTIALS_SEVERAL', 'use only one method to authenticate');
  if (header !== undefined) return basicOf(header, clientId);
  if (assertion === undefined && form['client_secret'] === undefined && clientId !== undefined)
    return { method: 'public', clientId };
  if (assertion === undefined) return { method: 'none', reason: 'CREDENTIALS_MISSING' };
  if (type !== CLIENT_ASSERTION_TYPE) {
    return invalid('CREDENTIALS_TYPE_UNKNOWN', `client_assertion_type must be ${CLIENT_ASSERTION_TYPE}`);
  }
  return { method: 'private_key_jwt', assertion, clientId };
}
