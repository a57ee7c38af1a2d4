import { z } from 'zod';

/** The header's `typ` (OpenID Connect Back-Channel Logout 1.0, section 2.4). */
export const LOGOUT_TOKEN_TYPE = 'logout+jwt';
/** The member of `events` that makes a security event token a logout token. */
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Maximum age of a logout token in seconds. */
const LIFE_SECONDS = 120;
/** Seconds that clocks may differ. */
const TOLERANCE_SECONDS = 30;

const text = z.string().min(1).max(255);
const claimsSchema = z
  .looseObject({
    aud: z.union([text.transform((one) => [one]), z.array(text)]),
    sub: text.optional(),
    sid: text.optional(),
    iat: z.number(),
    exp: z.number().optional(),
    nonce: z.never().optional(),
    events: z.looseObject({ [LOGOUT_EVENT]: z.looseObject({}) }),
  })
  .refine(({ sub, sid }) => sub !== undefined || sid !== undefined);

/** Which sessions the issuer has ended: one, or all of a person. */
export interface EndedAtIssuer {
  readonly person: string | undefined;
  readonly issuerSession: string | undefined;
  /** Sessions that started later are not affected by the same token. */
  readonly before: Date;
}

/**
 * The content of a logout token whose type, signature and issuer are valid (section 2.6).
 * @param clientId its required audience
 * @returns undefined for any other token, or one that is too old
 */
export function endedAtIssuer(claims: unknown, clientId: string, now: Date): EndedAtIssuer | undefined {
  const { success, data } = claimsSchema.safeParse(claims);
  if (!success) return undefined;
  const { aud, sub, sid, iat, exp = Infinity } = data;
  const seconds = now.getTime() / 1_000;
  const isOfNow = iat <= seconds + TOLERANCE_SECONDS && seconds <= iat + LIFE_SECONDS + TOLERANCE_SECONDS;
  if (!aud.includes(clientId) || !isOfNow || seconds > exp + TOLERANCE_SECONDS) return undefined;
  // The time is in whole seconds; a session that started in the same second is included.
  return { person: sub, issuerSession: sid, before: new Date((Math.floor(iat) + 1) * 1_000) };
}
