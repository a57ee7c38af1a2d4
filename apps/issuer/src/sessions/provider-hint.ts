import { hkdfSync } from 'node:crypto';
import { openText, sealText } from '@countersign/service-host';

/** Maximum characters of a stored ID token: it is sent in a URL, and few servers accept longer ones. */
export const HINT_LIMIT = 4_096;

const keyOf = (secret: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', 'countersign session provider-hint', 32));

/**
 * Encrypts a provider's ID token, which says who somebody is, under the cookie's secret, so that the database by itself cannot decrypt it.
 * @returns undefined if it is too long to be useful
 */
export function sealHint(idToken: string, secret: string): string | undefined {
  return idToken.length > HINT_LIMIT ? undefined : sealText(idToken, keyOf(secret)).toString('base64url');
}

/** @returns undefined if it was not sealed under this secret */
export function openHint(sealed: string, secret: string): string | undefined {
  return openText(Buffer.from(sealed, 'base64url'), keyOf(secret));
}
