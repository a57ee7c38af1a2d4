// Needs the compatibility flag `nodejs_compat`.
import { bearerTokenOf, createVerifier, requireScopes, TokenError, type TokenVerifier } from '@countersign/auth-core';

interface Environment {
  readonly ISSUER: string;
}
interface RequestContext {
  waitUntil(work: Promise<unknown>): void;
}

/** One for all requests. Created on first use: a Worker cannot fetch outside a request. */
let verifier: Promise<TokenVerifier> | undefined;

export default {
  async fetch(request: Request, { ISSUER }: Environment, context: RequestContext): Promise<Response> {
    verifier ??= createVerifier({ issuer: ISSUER, audience: 'orders' });
    context.waitUntil(verifier); // an aborted request would cancel its fetches
    try {
      const authorization = request.headers.get('authorization') ?? undefined;
      const caller = await (await verifier).verifyWithRefresh(bearerTokenOf(authorization));
      requireScopes(caller, 'orders:read');
      return Response.json({ readBy: caller.subject });
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      return new Response(error.message, { status: error.status, headers: error.headers('orders') });
    }
  },
};
