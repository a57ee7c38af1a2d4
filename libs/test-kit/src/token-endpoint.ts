import { randomUUID } from 'node:crypto';
import { verifyDpopProof, TOKEN_EXCHANGE } from '@countersign/auth-core';
import { type JsonObject } from '@countersign/auth-core/jws';
import { claimsOfOwn, claimsSaid } from './own-token.js';

/** A request to the test issuer's token endpoint. */
export interface TokenRequestSeen {
  readonly grantType: string;
  readonly clientId: string;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly traceparent: string | undefined;
}

export interface TokenEndpointOptions {
  readonly keys: readonly JsonObject[];
  readonly issuer: string;
  readonly mint: (requested: {
    readonly subject: string;
    readonly clientId: string;
    readonly audience: string;
    readonly scopes: readonly string[];
    readonly claims: Readonly<Record<string, unknown>>;
  }) => Promise<string>;
  readonly onRequest: (request: TokenRequestSeen) => void;
  /** Seconds since 1970. */
  readonly now: number;
}

/** The headers of a token request. */
export interface TokenRequestHeaders {
  readonly traceparent: string | undefined;
  readonly dpop: string | undefined;
}

export interface TokenEndpointAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function clientOf(form: URLSearchParams): string {
  const assertion = form.get('client_assertion');
  if (assertion === null) return form.get('client_id') ?? 'test-client';
  const { iss } = claimsSaid(assertion);
  return textOf(iss) ?? 'test-client';
}

/** What a token says about its subject, which an exchange preserves. */
const subjectClaims: ReadonlySet<string> = new Set(['kind', 'roles', 'auth_time', 'acr', 'amr']);
const aboutSubject = (claims: JsonObject): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => subjectClaims.has(name)));

/** The key whose possession the client proves (RFC 9449, section 5). @throws {TokenError} for an invalid proof */
function confirmationOf(dpop: string | undefined, { issuer, now }: TokenEndpointOptions): object | undefined {
  if (dpop === undefined) return undefined;
  return { jkt: verifyDpopProof(dpop, { method: 'POST', url: `${issuer}/oauth2/token`, now }).thumbprint };
}

/**
 * A token endpoint for tests: `client_credentials` and token exchange (RFC 8693). It trusts the client's name and grants what
 * is requested, so that a test needs no registration; a subject token must be one of this issuer's own. With a DPoP proof the token is bound.
 */
export async function answerTokenRequest(
  form: URLSearchParams,
  { traceparent, dpop }: TokenRequestHeaders,
  options: TokenEndpointOptions,
): Promise<TokenEndpointAnswer> {
  const grantType = form.get('grant_type') ?? '';
  const clientId = clientOf(form);
  const audience = form.get('audience') ?? form.get('resource') ?? '';
  const scopes = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
  options.onRequest({ grantType, clientId, audience, scopes, traceparent });
  const refuse = (error: string): TokenEndpointAnswer => ({ status: 400, body: { error } });
  if (audience === '') return refuse('invalid_target');
  let subject = clientId;
  let claims: Readonly<Record<string, unknown>> = { txn: randomUUID() };
  if (grantType === TOKEN_EXCHANGE) {
    try {
      const payload = claimsOfOwn(form.get('subject_token') ?? '', options);
      subject = textOf(payload['sub']) ?? clientId;
      const before = payload['act'];
      claims = {
        ...aboutSubject(payload),
        txn: payload['txn'] ?? payload['jti'],
        act: { sub: clientId, client_id: clientId, ...(before === undefined ? {} : { act: before }) },
      };
    } catch {
      return refuse('invalid_grant');
    }
  } else if (grantType !== 'client_credentials') return refuse('unsupported_grant_type');
  let cnf: object | undefined;
  try {
    cnf = confirmationOf(dpop, options);
  } catch {
    return refuse('invalid_dpop_proof');
  }
  const bound = cnf === undefined ? claims : { ...claims, cnf };
  const token = await options.mint({ subject, clientId, audience, scopes, claims: bound });
  return {
    status: 200,
    body: {
      access_token: token,
      token_type: cnf === undefined ? 'Bearer' : 'DPoP',
      expires_in: 300,
      scope: scopes.join(' '),
    },
  };
}
