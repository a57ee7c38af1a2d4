import { generateSigningKey, localSigner, publicJwkOf } from '@countersign/auth-core';
import fc from 'fast-check';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { LOGOUT_EVENT, nextAttempt, signLogoutToken } from './logout-notice.js';

describe('a notice that a session ended', () => {
  it('is signed as a logout token and nothing else, for one client, for two minutes', async () => {
    const key = await generateSigningKey();
    const notice = { clientId: 'planner', personId: 'person:a', sessionId: 's' };
    const how = { issuer: 'https://issuer.example', id: 'j', now: Date.UTC(2026, 0, 1), signer: localSigner(key) };
    const token = await signLogoutToken(notice, how);
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys: [publicJwkOf(key)] }), {
      currentDate: new Date(how.now),
    });
    expect(protectedHeader).toMatchObject({ typ: 'logout+jwt', kid: key.kid });
    const iat = how.now / 1_000;
    const who = { iss: how.issuer, aud: 'planner', sub: 'person:a', sid: 's', jti: 'j' };
    expect(payload).toEqual({ ...who, iat, exp: iat + 120, events: { [LOGOUT_EVENT]: {} } });
  });

  it('is retried with growing pauses, and finally given up', () => {
    const now = new Date(0);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempts, random) => {
        const [next, after] = [nextAttempt(attempts, now, random), nextAttempt(attempts + 1, now, 0)];
        expect(next?.getTime()).toBeGreaterThan(0);
        expect(after?.getTime()).toBeGreaterThanOrEqual(nextAttempt(attempts, now, 0)?.getTime() ?? Infinity);
      }),
    );
    expect(nextAttempt(9, now, 0)).toBeUndefined();
  });
});
