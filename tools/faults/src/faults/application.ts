import { randomBytes } from 'node:crypto';
import {
  createDpopProof,
  createTokenClient,
  generateSigningKey,
  publicJwkOf,
  signClientAssertion,
  type PrivateJwk,
} from '@countersign/auth-core';
import { type Pkce } from '@countersign/people-provider';
import { type Stack } from '@countersign/stack';
import { z } from 'zod';
import { ask } from './http.js';

/** Why there was no answer: nobody listened, or the connection ended in the middle of the request. */
export type NoAnswer = 'refused' | 'cut';

/** What the token endpoint answered. */
export interface TokenAnswer {
  readonly status: number;
  readonly error: string | undefined;
  readonly accessToken: string;
  readonly refreshToken: string;
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** Where answers would go; nothing listens there, because the codes are taken from the redirect. */
export const REDIRECT = 'https://faults.example/signed-in';
/** What people allow. */
export const SCOPES = 'openid payments:create payments:read';

const answerSchema = z.object({
  error: z.string().optional(),
  access_token: z.string().default(''),
  refresh_token: z.string().default(''),
});

function isRefusal(error: unknown): boolean {
  const { cause } = z.object({ cause: z.object({ code: z.string() }) }).safeParse(error).data ?? {};
  return cause?.code === 'ECONNREFUSED';
}

/** An application that people use: a public one, bound by a key (DPoP), or a confidential one, with signed assertions. */
export class Application {
  private constructor(
    readonly clientId: string,
    private readonly issuer: string,
    private readonly key: PrivateJwk,
    private readonly isPublic: boolean,
  ) {}

  /** Registers one of either kind, as the operator does. @throws when it is refused */
  static async register({ identities, urls }: Stack, isPublic: boolean): Promise<Application> {
    const clientId = `faults-${isPublic ? 'public' : 'confidential'}-${randomBytes(4).toString('hex')}`;
    const key = await generateSigningKey();
    const operator = createTokenClient({
      issuer: urls.issuer,
      clientId: 'operator',
      key: identities.clients.operator,
    });
    const { token } = await operator.getToken({ audience: 'issuer', scopes: ['issuer:admin'] });
    const { status, body } = await ask('POST', `${urls.issuer}/admin/clients`, token, {
      client_id: clientId,
      client_name: 'Faults',
      trusted: true,
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [REDIRECT],
      ...(isPublic ? { token_endpoint_auth_method: 'none' } : { jwks: { keys: [publicJwkOf(key)] } }),
      policy: { people: { issuer: ['openid'], payments: ['payments:create', 'payments:read'] } },
    });
    if (status !== 201) throw new Error(`${clientId} was not registered: ${String(status)} ${JSON.stringify(body)}`);
    return new Application(clientId, urls.issuer, key, isPublic);
  }

  /** Redeems a code, once, at this replica. */
  redeem(at: string, code: string, { verifier }: Pkce): Promise<TokenAnswer | NoAnswer> {
    return this.#ask(at, { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: REDIRECT });
  }

  /** Uses a refresh token, once, at this replica. */
  refresh(at: string, refreshToken: string): Promise<TokenAnswer | NoAnswer> {
    return this.#ask(at, { grant_type: 'refresh_token', refresh_token: refreshToken });
  }

  async #ask(at: string, form: Readonly<Record<string, string>>): Promise<TokenAnswer | NoAnswer> {
    const { clientId, issuer, key } = this;
    const proof: Readonly<Record<string, string>> = this.isPublic
      ? { dpop: createDpopProof({ key, method: 'POST', url: `${issuer}/oauth2/token` }) }
      : {};
    const assertion = this.isPublic
      ? {}
      : {
          client_assertion_type: ASSERTION_TYPE,
          client_assertion: await signClientAssertion({ clientId, audience: issuer, key, lifetimeSeconds: 60 }),
        };
    const body = new URLSearchParams({ ...form, client_id: clientId, ...assertion });
    try {
      const signal = AbortSignal.timeout(20_000);
      const response = await fetch(`${at}/oauth2/token`, { method: 'POST', body, headers: proof, signal });
      const { error, access_token, refresh_token } = answerSchema.parse(await response.json());
      return { status: response.status, error, accessToken: access_token, refreshToken: refresh_token };
    } catch (error) {
      return isRefusal(error) ? 'refused' : 'cut';
    }
  }
}
