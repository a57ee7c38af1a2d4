import { SCOPE_LENGTH_LIMIT } from '@countersign/auth-core';
import { OAuthError } from '@countersign/service-host';
import { audiencePattern, scopePattern, SCOPES_LIMIT } from '../clients/client.js';
import { type Form } from '../clients/oauth-form.js';

export const CLIENT_CREDENTIALS = 'client_credentials';
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
export const grantTypes = [CLIENT_CREDENTIALS, TOKEN_EXCHANGE] as const;

/** What a token is asked for; who asks is read apart ({@link clientCredentialsOf}). */
export interface TokenRequest {
  readonly grantType: (typeof grantTypes)[number];
  readonly audience: string;
  readonly scopes: readonly string[];
  /** Token exchange only. */
  readonly subjectToken: string | undefined;
}

const invalid = (description: string): OAuthError => new OAuthError(400, 'invalid_request', description);

function grantOf(value: string | undefined): TokenRequest['grantType'] {
  if (value === undefined) throw invalid('grant_type is missing');
  const grant = grantTypes.find((known) => known === value);
  if (grant === undefined) throw new OAuthError(400, 'unsupported_grant_type', `use one of: ${grantTypes.join(', ')}`);
  return grant;
}

/** One audience, always; `resource` (RFC 8707) and `audience` (RFC 8693) are synonyms here. */
function audienceOf({ audience, resource }: Form): string {
  if (audience !== undefined && resource !== undefined && audience !== resource) {
    throw new OAuthError(400, 'invalid_target', 'audience and resource name different services');
  }
  const named = audience ?? resource ?? '';
  if (!audiencePattern.test(named)) throw new OAuthError(400, 'invalid_target', 'name one audience');
  return named;
}

function scopesOf(scope: string | undefined): readonly string[] {
  const scopes = [...new Set((scope ?? '').split(' ').filter((part) => part !== ''))];
  const length = scopes.reduce((sum, part) => sum + part.length + 1, -1);
  if (scopes.length > SCOPES_LIMIT || length > SCOPE_LENGTH_LIMIT || !scopes.every((part) => scopePattern.test(part))) {
    const [count, characters] = [String(SCOPES_LIMIT), String(SCOPE_LENGTH_LIMIT)];
    const description = `scope is a list of at most ${count} scopes and ${characters} characters, separated by spaces`;
    throw new OAuthError(400, 'invalid_scope', description);
  }
  return scopes;
}

function subjectTokenOf(form: Form, grantType: string): string | undefined {
  if (grantType !== TOKEN_EXCHANGE) return undefined;
  if (form['subject_token'] === undefined) throw invalid('subject_token is missing');
  if (form['subject_token_type'] !== ACCESS_TOKEN_TYPE)
    throw invalid(`subject_token_type must be ${ACCESS_TOKEN_TYPE}`);
  if ((form['requested_token_type'] ?? ACCESS_TOKEN_TYPE) !== ACCESS_TOKEN_TYPE) {
    throw invalid(`requested_token_type, if given, must be ${ACCESS_TOKEN_TYPE}`);
  }
  if (form['actor_token'] !== undefined)
    throw invalid('actor_token is not taken: the authenticated client is the actor');
  return form['subject_token'];
}

/** Reads what a token is asked for (RFC 6749, section 4.4.2; RFC 8693, section 2.1; RFC 8707, section 2). @throws {OAuthError} */
export function tokenRequestOf(form: Form): TokenRequest {
  const grantType = grantOf(form['grant_type']);
  return {
    grantType,
    audience: audienceOf(form),
    scopes: scopesOf(form['scope']),
    subjectToken: subjectTokenOf(form, grantType),
  };
}
