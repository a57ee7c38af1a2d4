import { idSchema } from '@countersign/service-host';
import { type z } from 'zod';

export const delegationIdSchema = idSchema.brand<'DelegationId'>();
/** A UUIDv7. */
export type DelegationId = z.infer<typeof delegationIdSchema>;

/** What a person allowed an application: one for each code that was redeemed, or device that was approved. */
export interface Delegation {
  /** Also the `txn` of all its access tokens: one revocation refuses them and everything exchanged for them. */
  readonly id: DelegationId;
  /** `person:<UUIDv7>`: the tokens' `sub`. */
  readonly personId: string;
  readonly clientId: string;
  /** The service that its access tokens are for; `issuer` if they only identify the person. */
  readonly audience: string;
  readonly scopes: readonly string[];
  /** The session in which the person allowed it. */
  readonly sessionId: string;
  /** When the person last signed in. */
  readonly authTime: Date;
  readonly acr: string | undefined;
  readonly amr: readonly string[];
  /** As they were at that time. */
  readonly roles: readonly string[];
  /** OpenID Connect Core, section 3.1.2.1: of the request, for the ID token. */
  readonly nonce: string | undefined;
  /** Thumbprint (RFC 7638) of the key that its tokens are bound to; undefined for bearer tokens. */
  readonly dpopKey: string | undefined;
  readonly createdAt: Date;
  readonly endedAt: Date | undefined;
}

/** A delegation that begins. */
export type NewDelegation = Omit<Delegation, 'endedAt'>;

/** Why a delegation ended. */
export type DelegationEnd =
  /** The person ended it, or it ended with its session. */
  | 'BY_PERSON'
  | 'SESSION_ENDED'
  /** Its application revoked a token of it (RFC 7009). */
  | 'BY_CLIENT'
  | 'BY_ADMIN'
  /** A code or a refresh token was used twice: somebody else may have it. */
  | 'CODE_REPLAYED'
  | 'REFRESH_REPLAYED'
  /** Nothing of it could yield a token any more. */
  | 'EXPIRED';
