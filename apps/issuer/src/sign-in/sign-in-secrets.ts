import { createHmac } from 'node:crypto';
import { type SignInSecrets } from '../providers/providers.service.js';

/**
 * The secrets of one sign-in, derived from its state and the browser's secret: a state that reaches another browser does not match there (login
 * CSRF), and the database contains nothing with which a stolen code could be redeemed.
 * @param browser the value of the cookie `sign-in`
 */
export function secretsOf(state: string, browser: string): SignInSecrets {
  const made = (purpose: string): string =>
    createHmac('sha256', browser).update(`countersign sign-in ${purpose} ${state}`).digest('base64url');
  return { state, nonce: made('nonce'), codeVerifier: made('code verifier') };
}
