import { OAuthError } from '@countersign/service-host';

/** RFC 7523, section 2.2. */
export const CLIENT_ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** How a client says who it is. */
export type ClientCredentials =
  | { readonly method: 'private_key_jwt'; readonly assertion: string; readonly clientId: string | undefined }
  | { readonly method: 'client_secret_basic'; readonly clientId: string; readonly secret: string }
  | { readonly method: 'none'; readonly reason: 'CREDENTIALS_MISSING' | 'CREDENTIALS_MALFORMED' };

const SECRET_LIMIT = 1_024;

/** One half of Basic credentials is form-urlencoded before base64 (RFC 6749, section 2.3.1). */
function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function basicOf(authorization: string): ClientCredentials {
  const malformed = { method: 'none', reason: 'CREDENTIALS_MALFORMED' } as const;
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization)?.[1];
  if (encoded === undefined || encoded.length > 4 * SECRET_LIMIT) return malformed;
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  const clientId = formDecoded(pair.slice(0, Math.max(colon, 0)));
  const secret = formDecoded(pair.slice(colon + 1));
  if (colon < 1 || clientId === undefined || secret === undefined || secret.length > SECRET_LIMIT) return malformed;
  return { method: 'client_secret_basic', clientId, secret };
}

/**
 * The credentials of a request to an OAuth endpoint: `Authorization: Basic`, or a client assertion in the form.
 * @param form the parsed body
 * @param authorization the `Authorization` header
 * @throws {OAuthError} `invalid_request` for more than one method (RFC 6749, section 2.3), or another assertion type
 */
export function clientCredentialsOf(
  form: Readonly<Record<string, string>>,
  authorization: string | undefined,
): ClientCredentials {
  const { client_assertion: assertion, client_assertion_type: type, client_id: clientId } = form;
  const methods = [authorization, assertion, form['client_secret']].filter((value) => value !== undefined);
  if (methods.length > 1) throw new OAuthError(400, 'invalid_request', 'authenticate by one method, not by several');
  if (authorization !== undefined) return basicOf(authorization);
  if (assertion === undefined) return { method: 'none', reason: 'CREDENTIALS_MISSING' };
  if (type !== CLIENT_ASSERTION_TYPE) {
    throw new OAuthError(400, 'invalid_request', `client_assertion_type must be ${CLIENT_ASSERTION_TYPE}`);
  }
  return { method: 'private_key_jwt', assertion, clientId };
}
