import { bearerTokenOf, createVerifier, requireScopes, TokenError } from '@countersign/auth-core';

/** For an HTTP API of API Gateway (payload format 2.0), or a function URL. */
interface HttpEvent {
  readonly headers: Readonly<Record<string, string | undefined>>;
}
interface Answer {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

// Kept for the lifetime of this instance; after a pause the next request fetches the keys again.
const verifier = await createVerifier({ issuer: process.env['ISSUER'] ?? 'http://127.0.0.1:4000', audience: 'orders' });

export async function handler({ headers }: HttpEvent): Promise<Answer> {
  try {
    const caller = await verifier.verifyWithRefresh(bearerTokenOf(headers['authorization']));
    requireScopes(caller, 'orders:read');
    return { statusCode: 200, body: JSON.stringify({ readBy: caller.subject }) };
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    return { statusCode: error.status, headers: error.headers('orders'), body: error.message };
  }
}
