/** The demands of a 401. */
export interface Challenge {
  /** `error` of `WWW-Authenticate` (RFC 6750, section 3; RFC 9449, section 7.1). */
  readonly error: string | undefined;
  /** `DPoP-Nonce`, which any response may carry (RFC 9449, section 8.2). */
  readonly nonce: string | undefined;
}

/** Reads a response's challenge; of several, the first with an error. */
export function challengeOf(headers: Headers): Challenge {
  const [, error] = /(?:^|[\s,])error="?([a-z_]{1,40})"?/i.exec(headers.get('www-authenticate') ?? '') ?? [];
  const nonce = headers.get('dpop-nonce') ?? undefined;
  return { error, nonce: nonce !== undefined && /^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/.test(nonce) ? nonce : undefined };
}
