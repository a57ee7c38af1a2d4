import { z } from 'zod';
import { delegationIdSchema } from '../delegations/delegation.js';

/** Seconds that a code is valid (RFC 6749, section 4.1.2, allows 600). */
export const CODE_LIFE_SECONDS = 60;

/** What a person allowed, until the code is redeemed and becomes a delegation. */
export const allowedSchema = z.strictObject({
  id: delegationIdSchema,
  personId: z.string(),
  audience: z.string(),
  scopes: z.array(z.string()).readonly(),
  sessionId: z.string(),
  authTime: z.coerce.date(),
  acr: z.string().optional(),
  amr: z.array(z.string()).readonly(),
  roles: z.array(z.string()).readonly(),
  nonce: z.string().optional(),
});
export type Allowed = z.infer<typeof allowedSchema>;

/** An authorization code, with everything it is bound to. */
export interface Code {
  readonly digest: string;
  readonly clientId: string;
  readonly redirectUri: string;
  /** RFC 7636, `S256`. */
  readonly codeChallenge: string;
  /** RFC 9449, section 10. */
  readonly dpopKey: string | undefined;
  readonly allowed: Allowed;
  readonly expiresAt: Date;
}

export interface KeptCode extends Code {
  readonly redeemedAt: Date | undefined;
  /** When the person, or an administrator, withdrew what had been allowed. */
  readonly withdrawnAt: Date | undefined;
}
