/** What a 401 asks for. */
export interface Challenge {
  /** `error` of `WWW-Authenticate` (RFC 6750, section 3; RFC 9449, section 7.1). */
  readonly error: string | undefined;
  /** `DPoP-Nonce`, which any answer may bring (RFC 9449, section 8.2). */
  readonly nonce: string | undefined;
}

/** Reads an answer's challenge; of several, the first that names an error. */
export function challengeOf(headers: Headers): Challenge {
  const [, error] = /(?:^|[\s,])error="?([a-z_]{1,40})"?/i.exec(headers.get('www-authenticate') ?? '') ?? [];
  const nonce = headers.get('dpop-nonce') ?? undefined;
  return { error, nonce: nonce !== undefined && /^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/.test(nonce) ? nonce : undefined };
}
