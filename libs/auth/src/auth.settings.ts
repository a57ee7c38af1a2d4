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
  readonly realm?: string | undefined;
  /**
   * The URL that callers use for this service, its resource identifier (RFC 9728). With it the service serves
   * `/.well-known/oauth-protected-resource`, and each challenge names that document; and DPoP proofs are compared with it (RFC 9449, section 4.3):
   * without it a token that is bound to a key is refused.
   */
  readonly resource?: string | undefined;
  /**
   * Returns the client certificate of a request in DER, for tokens that are bound to one (RFC 8705): `peerCertificate` if this service terminates TLS
   * itself, or a function that reads a header which only the proxy can set. Without it such tokens are refused.
   */
  readonly clientCertificate?: ClientCertificate | undefined;
  /** Verifies a first-seen bearer token of an HTTP request; the verifier itself by default, or `passportBearer()` of `@countersign/auth/passport`. */
  readonly bearer?: BearerVerification | undefined;
  /** Accepts API keys on routes with `@AllowApiKey()`; without it none are accepted. */
  readonly apiKeys?: ApiKeySettings | undefined;
  /** Lets the service's own pages call it with a session cookie; without it cookies are ignored. */
  readonly sessions?: SessionSettings | undefined;
  /** Awaited before a refusal is answered. */
  readonly onRefused?: RefusalListener | undefined;
  /**
   * Further members of the problem document for an API key over its limit on Fastify, which is sent before Nest sees the request: whatever the
   * application's exception filter would add.
   */
  readonly problemMembers?: ((context: ExecutionContext) => Readonly<Record<string, unknown>>) | undefined;
  /** A ready verifier, for tests or to share one; created from the options by default. */
  readonly verifier?: AccessTokenVerifier | undefined;
  /** Receives the lines of the route report once at startup; Nest's logger by default. */
  readonly onRoutes?: ((lines: readonly string[]) => void) | undefined;
  /** Adds notes from other declarations to a route's line (for example that it leaves no audit event). */
  readonly routeNote?: (handler: object, controller: object) => string | undefined;
}

/** The options of `AuthModule`: the verifier's, for one issuer or several, and how refusals are reported. */
export type AuthSettings = GuardOptions & (VerifierOptions | SeveralIssuersOptions);

/** The issuers whose tokens are accepted. */
export function issuersOf(settings: AuthSettings): readonly string[] {
  return 'issuers' in settings ? settings.issuers.map(({ issuer }) => issuer) : [settings.issuer];
}

/** This service's name; the first if it has several. */
export function serviceNameOf({ audience }: AuthSettings): string {
  return typeof audience === 'string' ? audience : (audience[0] ?? '');
}
