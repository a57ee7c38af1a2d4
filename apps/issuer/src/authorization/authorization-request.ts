import { z } from 'zod';

export const prompts = ['none', 'login', 'consent', 'select_account'] as const;
export type Prompt = (typeof prompts)[number];

export const authorizationRequestSchema = z.strictObject({
  redirectUri: z.string(),
  state: z.string().optional(),
  audience: z.string(),
  scopes: z.array(z.string()).readonly(),
  /** RFC 7636, `S256`. */
  codeChallenge: z.string(),
  nonce: z.string().optional(),
  prompt: z.array(z.enum(prompts)).readonly(),
  /** Seconds since the person signed in (OpenID Connect Core, section 3.1.2.1). */
  maxAge: z.number().optional(),
  loginHint: z.string().optional(),
  /** Who must be signed in: the person of `id_token_hint` (OpenID Connect Core, section 3.1.2.2). */
  subject: z.string().optional(),
  /** Which ways to sign in are sufficient (RFC 9470, section 5). */
  acrValues: z.string().optional(),
  /** RFC 9449, section 10: the key that the code is for. */
  dpopKey: z.string().optional(),
});
/** What an application asks of a person (RFC 6749, section 4.1.1), read and checked against what the client declares. */
export type AuthorizationRequest = z.infer<typeof authorizationRequestSchema>;

/** Errors of the response (RFC 6749, section 4.1.2.1; RFC 8707; RFC 9101; OpenID Connect Core, section 3.1.2.6). */
export type AuthorizationError =
  | 'invalid_request'
  | 'unauthorized_client'
  | 'access_denied'
  | 'unsupported_response_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'login_required'
  | 'consent_required'
  | 'request_not_supported'
  | 'request_uri_not_supported'
  | 'registration_not_supported';

/** What is wrong with a request whose client and redirect URI are proven, so that the application may be shown it. */
export interface AuthorizationFault {
  readonly error: AuthorizationError;
  readonly description: string;
}
