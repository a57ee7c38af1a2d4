import { OAuthError } from '@countersign/service-host';
import { z } from 'zod';
import { clientCredentialsOf, type ClientCredentials } from '../clients/client-credentials.js';

const formSchema = z.record(z.string(), z.string().max(16_384)).default({});

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
  const parsed = formSchema.safeParse(body);
  if (!parsed.success) {
    throw new OAuthError(400, 'invalid_request', 'send a form: application/x-www-form-urlencoded');
  }
  const { token } = parsed.data;
  if (token === undefined || token === '') throw new OAuthError(400, 'invalid_request', 'token is missing');
  return { credentials: clientCredentialsOf(parsed.data, authorization), token };
}
