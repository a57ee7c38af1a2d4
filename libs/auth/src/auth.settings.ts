import { type ExecutionContext } from '@nestjs/common';
import { type SeveralIssuersOptions, type VerifierOptions } from '@countersign/auth-core';
import { type ApiKeySettings } from './api-keys.js';
import { type SessionSettings } from './credentials/session.js';
import { type RefusalListener } from './refusal.js';
import { type AccessTokenVerifier, type BearerVerification, type ClientCertificate } from './verification.js';

/** Injection token of the {@link AccessTokenVerifier} that the guard uses. */
export const TOKEN_VERIFIER = Symbol.for('countersign.token-verifier');
export const AUTH_SETTINGS = Symbol.for('countersign.auth-settings');
export const REFUSAL_ERRORS = Symbol.for('countersign.refusal-errors');

interface GuardOptions {
  /** The `realm` of `WWW-Authenticate`; the audience by default. */
  readonly realm?: string;
  /**
   * The URL under which callers reach this service, its resource identifier (RFC 9728). With it the service serves
   * `/.well-known/oauth-protected-resource`, and each challenge names that document; and DPoP proofs
   * are compared with it (RFC 9449, section 4.3): without it a token that is bound to a key is refused.
   */
  readonly resource?: string;
  /**
   * The certificate that a request's client showed, in DER, for tokens that are bound to one (RFC 8705): `peerCertificate` where this service itself
   * ends TLS, or a function that reads the header of a proxy which nobody else can set. Without it such tokens are refused.
   */
  readonly clientCertificate?: ClientCertificate;
  /** Verifies a bearer token that an HTTP request brings for the first time; the verifier itself by default, or `passportBearer()` of `@countersign/auth/passport`. */
  readonly bearer?: BearerVerification;
  /** Takes API keys on routes that say `@AllowApiKey()`; without it nobody is let in by one. */
  readonly apiKeys?: ApiKeySettings;
  /** Lets the service's own pages call it by a session's cookie; without it no cookie is looked at. */
  readonly sessions?: SessionSettings;
  /** Awaited before a refusal is answered. */
  readonly onRefused?: RefusalListener;
  /**
   * Further members of the problem document that an API key beyond its limit is answered with on Fastify, before Nest sees the request: what the
   * application's exception filter adds to the document.
   */
  readonly problemMembers?: (context: ExecutionContext) => Readonly<Record<string, unknown>>;
  /** A ready verifier, for tests or to share one; made from the options by default. */
  readonly verifier?: AccessTokenVerifier;
  /** Takes the lines of the route report once at start; Nest's logger by default. */
  readonly onRoutes?: (lines: readonly string[]) => void;
  /** Adds to a route's line what other declarations say of its handler (that it leaves no audit event, say). */
  readonly routeNote?: (handler: object, controller: object) => string | undefined;
}

/** The options of `AuthModule`: the verifier's, for one issuer or several, and how refusals are reported. */
export type AuthSettings = GuardOptions & (VerifierOptions | SeveralIssuersOptions);

/** The issuers whose tokens are accepted. */
export function issuersOf(settings: AuthSettings): readonly string[] {
  return 'issuers' in settings ? settings.issuers.map(({ issuer }) => issuer) : [settings.issuer];
}

/** This service's name, the first where it has several. */
export function serviceNameOf({ audience }: AuthSettings): string {
  return typeof audience === 'string' ? audience : (audience[0] ?? '');
}
