import { z } from 'zod';

/** The member of `events` that makes a security event token a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.4). */
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Seconds that a logout token may be old. */
export const LOGOUT_TOKEN_SECONDS = 120;

const text = z.string().min(1).max(255);
const claimsSchema = z
  .looseObject({
    sub: text.optional(),
    sid: text.optional(),
    iat: z.number(),
    nonce: z.never().optional(),
    events: z.looseObject({ [LOGOUT_EVENT]: z.looseObject({}) }),
  })
  .refine(({ sub, sid }) => sub !== undefined || sid !== undefined);

/** Whose sessions the issuer has ended: of one session, or all of a person. */
export interface EndedAtIssuer {
  readonly person: string | undefined;
  readonly issuerSession: string | undefined;
  /** Sessions that began later are others: the same token ends none of them. */
  readonly before: Date;
}

/** What a logout token says whose signature, issuer, audience and times hold (section 2.6). @returns undefined for any other token */
export function endedAtIssuer(claims: unknown): EndedAtIssuer | undefined {
  const { success, data } = claimsSchema.safeParse(claims);
  if (!success) return undefined;
  // The time is of whole seconds; a session that began in the same one is meant.
  return { person: data.sub, issuerSession: data.sid, before: new Date((Math.floor(data.iat) + 1) * 1_000) };
}
