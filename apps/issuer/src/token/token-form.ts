import { OAuthError } from '@countersign/service-host';
import { clientCredentialsOf, type ClientCredentials } from '../authentication/client-credentials.js';
import { parseForm } from '../authentication/oauth-form.js';

/** What the revocation and the introspection endpoint take: a token, and who asks. */
export interface TokenForm {
  readonly credentials: ClientCredentials;
  readonly token: string;
}

/**
 * Parses the form of RFC 7009, section 2.1, and RFC 7662, section 2.1. A `token_type_hint` is taken and not needed: there is one type.
 * @throws {OAuthError} `invalid_request`
 */
export function parseTokenForm(body: unknown, authorization: string | undefined): TokenForm {
  const form = parseForm(body);
  const { token } = form;
  if (token === undefined) throw new OAuthError(400, 'invalid_request', 'token is missing');
  return { credentials: clientCredentialsOf(form, authorization), token };
}
