import {
  KeySet,
  parseCompactJws,
  parseJsonObject,
  signatureVerifies,
  verificationKeyOf,
  type JsonObject,
} from '@countersign/auth-core/jws';

/** A JWT's content, unverified. @throws {TokenError} for anything that is not one */
export function claimsSaid(token: string): JsonObject {
  return parseJsonObject(parseCompactJws(token).payload);
}

interface Expected {
  readonly keys: readonly JsonObject[];
  readonly issuer: string;
  /** Seconds since 1970. */
  readonly now: number;
}

/** The claims of a token that this issuer signed, for any audience. @throws {Error} for any other, and for one that has expired */
export function claimsOfOwn(token: string, { keys, issuer, now }: Expected): JsonObject {
  const { header, signingInput, payload, signature } = parseCompactJws(token);
  const { algorithm, kid } = header;
  const known = new KeySet(keys.map((key) => verificationKeyOf(key)).filter((key) => key !== undefined));
  const isSigned =
    algorithm !== undefined &&
    known
      .candidates(algorithm, typeof kid === 'string' ? kid : undefined)
      .some(({ key }) => signatureVerifies(algorithm, key, signingInput, signature));
  const claims = parseJsonObject(payload);
  const { iss, exp } = claims;
  if (!isSigned || iss !== issuer || typeof exp !== 'number' || exp <= now) throw new Error('no token of this issuer');
  return claims;
}
