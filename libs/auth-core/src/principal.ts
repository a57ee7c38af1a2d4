/** A party that acts for the subject (RFC 8693, section 4.1). */
export interface Actor {
  readonly subject: string;
  readonly clientId?: string;
}

/** The key that a sender-constrained token is bound to (RFC 7800). */
export type Confirmation =
  /** The client's DPoP key, by its RFC 7638 thumbprint (RFC 9449, section 6.1). */
  | { readonly jkt: string }
  /** The client's certificate, by its SHA-256 thumbprint in base64url (RFC 8705, section 3.1). */
  | { readonly certificate: string };

/**
 * Who a token is about: a `service` of the company, an `application` for itself (by key or credentials), or a `person`. Delegation does not change
 * it: a person's token stays a person's through every exchange.
 */
export type PrincipalKind = 'service' | 'application' | 'person';

/** How often a key may be used for one route class. Omitted limits do not apply. */
export interface ApiKeyLimit {
  /** Sustained requests per minute. */
  readonly perMinute?: number | undefined;
  /** Burst size after idle time; a minute's requests by default. */
  readonly burst?: number | undefined;
  /** Requests per day, UTC. */
  readonly perDay?: number | undefined;
  /** Requests per month, UTC. */
  readonly perMonth?: number | undefined;
}

/** The key that a token was exchanged for, as the trail and the limits know it. Never the key itself. */
export interface ApiKeyIdentity {
  /** A UUIDv7. */
  readonly id: string;
  readonly name: string;
  /** CIDR networks that it may be used from; any when empty. */
  readonly networks: readonly string[];
  /** By route class; `*` applies to classes that are not named. Undefined for a key without a plan. */
  readonly limits?: Readonly<Record<string, ApiKeyLimit>> | undefined;
}

/** The verified caller. */
export interface Principal {
  readonly kind: PrincipalKind;
  /** Who it is about: the client itself, or the subject that it acts for. */
  readonly subject: string;
  /** The client that requested the token. */
  readonly clientId: string;
  /** The actors for the subject, newest first; empty when nobody acts for it. */
  readonly actors: readonly Actor[];
  readonly scopes: ReadonlySet<string>;
  readonly audience: string;
  readonly issuer: string;
  /** `jti`. */
  readonly tokenId: string;
  /** One id for everything that the first request caused (RFC 8417); the `jti` when the token has none. */
  readonly txn: string;
  readonly roles: readonly string[];
  /** When the person signed in, in seconds since 1970 (OpenID Connect Core, section 2: `auth_time`); none for a service. */
  readonly authTime?: number | undefined;
  /** How well the person was authenticated (`acr`). */
  readonly acr?: string | undefined;
  /** By which methods (`amr`, RFC 8176). */
  readonly amr: readonly string[];
  /** Seconds since 1970. */
  readonly issuedAt: number;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  /** The key that the token is bound to (`cnf`); each request with it carries a fresh proof of that key. Undefined for a bearer token. */
  readonly confirmation?: Confirmation | undefined;
  /** The API key that the first token was issued for; kept through every exchange. Undefined for other callers. */
  readonly apiKey?: ApiKeyIdentity | undefined;
}
