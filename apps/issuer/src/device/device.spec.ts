import fc from 'fast-check';
import { pollAnswer, type Waiting } from './polling.js';
import { digestOfUserCode, newUserCode, shownUserCode, typedUserCode } from './user-code.js';

describe('a user code', () => {
  it('is recognised however a person types it, and its letters spell no word', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(19), { minLength: 8, maxLength: 8 }), (numbers) => {
        let next = 0;
        const code = newUserCode(() => numbers[next++] ?? 0);
        expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{8}$/);
        for (const typed of [code, shownUserCode(code), code.toLowerCase(), ` ${code.slice(0, 3)} ${code.slice(3)} `]) {
          expect(typedUserCode(typed)).toBe(code);
        }
      }),
    );
  });

  it.each(['', 'WDJB', 'WDJB-MJH', 'WDJB-MJHTT', 'AEIO-UAEI', 'WDJB_MJH1', 'W'.repeat(65)])('is not %j', (text) => {
    expect(typedUserCode(text)).toBeUndefined();
  });

  it('is stored under a key', () => {
    const [one, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    expect(digestOfUserCode('WDJBMJHT', one)).not.toBe(digestOfUserCode('WDJBMJHT', other));
  });
});

describe('the response to a device', () => {
  const waiting: Waiting = { expiresAt: 600_000, every: 5, askedAt: undefined, decision: 'none', redeemed: false };

  it("follows the person's decision, once, and in time", () => {
    expect(pollAnswer(waiting, 0)).toBe('authorization_pending');
    expect(pollAnswer({ ...waiting, decision: 'allowed' }, 0)).toBe('allowed');
    expect(pollAnswer({ ...waiting, decision: 'refused' }, 0)).toBe('access_denied');
    expect(pollAnswer({ ...waiting, decision: 'allowed' }, 600_000)).toBe('expired_token');
    expect(pollAnswer({ ...waiting, decision: 'allowed', redeemed: true }, 0)).toBe('used');
  });

  it('is slow_down when it polls too often, even after the person has decided', () => {
    for (const decision of ['none', 'allowed', 'refused'] as const) {
      expect(pollAnswer({ ...waiting, decision, askedAt: 1_000 }, 5_000)).toBe('slow_down');
      expect(pollAnswer({ ...waiting, decision, askedAt: 1_000 }, 6_000)).not.toBe('slow_down');
    }
  });
});
