import { jwtSigner, revokedName, type PrivateJwk, type Revoked, type TokenSigner } from '@countersign/auth-core';
import { EVENT, LIST_EVENT, TYPE, type ListedRevocation, type SignedDigest } from './statement.js';

/** Who signs a statement (a Security Event Token, RFC 8417), and when. */
export interface Signing<Key extends PrivateJwk | TokenSigner = PrivateJwk> {
  readonly issuer: string;
  /** The SET's `jti`. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** A key of the issuer's that is for revocations and nothing else, or who signs with it: a KMS that never exports it. */
  readonly key: Key;
}

const names = {
  token: 'jti',
  transaction: 'txn',
  client: 'client_id',
  subject: 'subject',
  'api-key': 'api_key_id',
  key: 'kid',
} as const satisfies Readonly<Record<Revoked['kind'], string>>;

type Statement = string | Promise<string>;
type AnyKey = PrivateJwk | TokenSigner;

const signers = new WeakMap<AnyKey, (claims: object) => Statement>();

function sign({ issuer, id, now, key }: Signing<AnyKey>, event: string, payload: object): Statement {
  let signer = signers.get(key);
  if (signer === undefined) signers.set(key, (signer = jwtSigner({ typ: TYPE, kid: key.kid }, key)));
  const times = { iat: Math.floor(now / 1_000), toe: now / 1_000 };
  return signer({ iss: issuer, jti: id, ...times, events: { [event]: payload } });
}

/**
 * States a revocation: a Security Event Token (RFC 8417) in compact serialisation.
 * @returns it at once from a private JWK
 */
export function signStatement(listed: ListedRevocation, signing: Signing): string;
export function signStatement(listed: ListedRevocation, signing: Signing<AnyKey>): Statement;
export function signStatement(
  { revocation, number, holder, replaces }: ListedRevocation,
  signing: Signing<AnyKey>,
): Statement {
  const before = 'issuedBefore' in revocation ? { issued_before: revocation.issuedBefore } : {};
  const named = { [names[revocation.kind]]: revokedName(revocation) };
  const room = {
    ...(holder === undefined ? {} : { holder }),
    ...(replaces === undefined ? {} : { replaces }),
  };
  const payload = { ...named, ...before, until: revocation.until, number, ...room };
  return sign(signing, `${EVENT}${revocation.kind}-revoked`, payload);
}

/** States the content of the whole list. @returns it at once from a private JWK */
export function signDigest(list: SignedDigest, signing: Signing): string;
export function signDigest(list: SignedDigest, signing: Signing<AnyKey>): Statement;
export function signDigest({ number, at, entries, digest }: SignedDigest, signing: Signing<AnyKey>): Statement {
  return sign(signing, LIST_EVENT, { number, at, entries, digest });
}
