import { type Revocation } from '@countersign/auth-core';

/** The statement of the whole list, as signed by the issuer. */
export interface SignedDigest {
  /** The last revocation that is counted. */
  readonly number: number;
  /** Seconds since 1970; entries that are valid until then or longer are counted. */
  readonly at: number;
  readonly entries: number;
  /** SHA-256 in base64url. */
  readonly digest: string;
}

/** `typ` of a Security Event Token (RFC 8417, section 2.3): no verifier of access tokens accepts it. */
export const TYPE = 'secevent+jwt';
export const EVENT = 'urn:countersign:event:';
export const LIST_EVENT = `${EVENT}revocation-list`;

/** Maximum seconds for which a revoked key is refused. */
export const KEY_REVOCATION_LIMIT_SECONDS = 30 * 24 * 3_600;
/** A revocation in the issuer's list. */
export interface ListedRevocation {
  readonly revocation: Revocation;
  /** Its place in the order of all revocations of the issuer. */
  readonly number: number;
  /** The client of a revoked token or transaction, if known. */
  readonly holder?: string | undefined;
  /** For a client: up to this number it has replaced the revocations of its tokens. */
  readonly replaces?: number | undefined;
}

/** One revocation as stated by the issuer. */
export interface Statement extends ListedRevocation {
  /** When it was made, in milliseconds since 1970. */
  readonly madeAt: number;
}
