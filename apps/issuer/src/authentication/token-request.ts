import { SCOPE_LENGTH_LIMIT } from '@countersign/auth-core';
import { OAuthError } from '@countersign/service-host';
import { type Form } from './oauth-form.js';
import { audiencePattern, scopePattern, SCOPES_LIMIT } from '../registry/client.js';

/** What is requested, whatever the grant; {@link clientCredentialsOf} reads who requests it. */
export interface TokenRequest {
  readonly audience: string;
  readonly scopes: readonly string[];
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
    const description = `scope must be a space-separated list of at most ${count} scopes and ${characters} characters`;
    throw new OAuthError(400, 'invalid_scope', description);
  }
  return scopes;
}

/** Reads what is requested (RFC 6749, section 4.4.2; RFC 8693, section 2.1; RFC 8707, section 2). @throws {OAuthError} */
export function tokenRequestOf(form: Form): TokenRequest {
  return { audience: audienceOf(form), scopes: scopesOf(form['scope']) };
}
