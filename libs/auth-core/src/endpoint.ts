/**
 * An address of an issuer: its identifier and a path, joined with one slash. The identifier itself stays as it is, with or without a slash
 * at its end: `iss` and `aud` are compared character by character (RFC 8414, section 3.3).
 */
export function endpointOf(issuer: string, path: `/${string}`): string {
  return `${issuer.endsWith('/') ? issuer.slice(0, -1) : issuer}${path}`;
}
