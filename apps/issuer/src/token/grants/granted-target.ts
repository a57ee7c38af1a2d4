import { OAuthError } from '@countersign/service-host';
import { type Form } from '../../authentication/oauth-form.js';

/**
 * A client that names a service for its token gets one for that service or none (RFC 8707, section 2.2): what a person allowed is for one service,
 * and a token for it that the client takes for another's would be sent to that other.
 * @throws {OAuthError} `invalid_target`
 */
export function checkTarget({ audience, resource }: Form, allowed: string): void {
  for (const named of [audience, resource]) {
    if (named !== undefined && named !== allowed)
      throw new OAuthError(400, 'invalid_target', 'the person consented to another audience');
  }
}
