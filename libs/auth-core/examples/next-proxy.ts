// `proxy.ts` of Next 16, which runs in Node. In Next 15.5: `middleware.ts`, the function called `middleware`, with `runtime: 'nodejs'` in `config`.
import { bearerTokenOf, createVerifier, requireScopes, TokenError, type TokenVerifier } from '@countersign/auth-core';

export const config = { matcher: '/api/:path*' };

let verifier: Promise<TokenVerifier> | undefined;

/** @returns undefined for a caller who may continue */
export async function proxy(request: Request): Promise<Response | undefined> {
  verifier ??= createVerifier({ issuer: process.env['ISSUER'] ?? 'http://127.0.0.1:4000', audience: 'orders' });
  try {
    const authorization = request.headers.get('authorization') ?? undefined;
    requireScopes(await (await verifier).verifyWithRefresh(bearerTokenOf(authorization)), 'orders:read');
    return undefined;
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    return new Response(error.message, { status: error.status, headers: error.headers('orders') });
  }
}
