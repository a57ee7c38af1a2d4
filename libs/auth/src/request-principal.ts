import { type Principal } from '@countersign/auth-core';

const principals = new WeakMap<object, Principal>();

/** Binds the verified caller to its request; held beside the request, so that nothing a body or query carries can pose as it. */
export function bindPrincipal(request: object, principal: Principal): void {
  principals.set(request, principal);
}

export function principalOfRequest(request: object): Principal | undefined {
  return principals.get(request);
}

function authorizationOf(request: object): unknown {
  if (!('headers' in request) || typeof request.headers !== 'object' || request.headers === null) return undefined;
  return 'authorization' in request.headers ? request.headers.authorization : undefined;
}

/** The token of `Authorization: Bearer` (RFC 6750, section 2.1), and of nowhere else: no query string, no body. */
export function bearerTokenOf(request: object): string | undefined {
  const header = authorizationOf(request);
  if (typeof header !== 'string') return undefined;
  const match = /^Bearer +([^ ]+) *$/i.exec(header);
  return match?.[1];
}
