import { createRemoteJWKSet, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { type Issuer } from './issuer.js';
import { type Kept } from './kept.js';
import { type Session } from './session.js';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const logoutSchema = z
  .object({
    sub: z.string().optional(),
    sid: z.string().optional(),
    jti: z.string(),
    iat: z.number(),
    nonce: z.undefined(),
    events: z.looseObject({ [EVENT]: z.looseObject({}) }),
  })
  .refine(({ sub, sid }) => sub !== undefined || sid !== undefined, 'must name a subject or a session');

/** Seconds for which a logout token is accepted, and remembered so that it works once. */
const LIFE_SECONDS = 120;

/** Ends sessions at the issuer's request (OpenID Connect Back-Channel Logout 1.0, section 2.6). */
export class BackChannel {
  private keys: JWTVerifyGetKey | undefined;
  constructor(
    private readonly issuer: Issuer,
    private readonly clientId: string,
    private readonly sessions: Kept<Session>,
    private readonly seen: Kept<true>,
  ) {}

  /** @returns whether the token was genuine and new; if so, the sessions that it names have ended */
  async logout(token: string): Promise<boolean> {
    const { issuer, jwks_uri: uri } = (await this.issuer.configuration()).serverMetadata();
    this.keys ??= createRemoteJWKSet(new URL(uri ?? ''));
    try {
      const { payload } = await jwtVerify(token, this.keys, {
        issuer,
        audience: this.clientId,
        maxTokenAge: LIFE_SECONDS,
        clockTolerance: 5,
        typ: 'logout+jwt',
      });
      const { sub, sid, jti } = logoutSchema.parse(payload);
      if (this.seen.get(jti) !== undefined) return false;
      this.seen.put(jti, true);
      this.sessions.deleteWhere(
        (session) => (sid === undefined || session.sid === sid) && (sub === undefined || session.subject === sub),
      );
      return true;
    } catch {
      return false;
    }
  }
}
