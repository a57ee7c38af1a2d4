import { OAuthError } from '@countersign/service-host';

const VALUE_LIMIT = 16_384;

/** The form sent to an OAuth endpoint. */
export type Form = Readonly<Record<string, string>>;

function isForm(body: unknown): body is Form {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return false;
  return Object.values(body).every((value) => typeof value === 'string' && value.length <= VALUE_LIMIT);
}

/**
 * The parameters of a request to an OAuth endpoint. One without a value counts as missing (RFC 6749, sections 3.1 and 3.2).
 * @param body the parsed body; nothing for a request without one
 * @throws {OAuthError} `invalid_request` for what is not a form, or has a value that is too long
 */
export function parseForm(body: unknown): Form {
  if (body === undefined || body === null) return {};
  if (!isForm(body)) {
    const limit = String(VALUE_LIMIT);
    throw new OAuthError(
      400,
      'invalid_request',
      `send a form (application/x-www-form-urlencoded) with values of at most ${limit} characters`,
    );
  }
  for (const name in body) {
    if (body[name] === '') return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== ''));
  }
  return body;
}
