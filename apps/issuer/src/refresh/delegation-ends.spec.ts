import { endsOf, type DelegationTimes } from './delegation-ends.js';

const DAY = 86_400_000;
const refresh = { idle: 14 * DAY, life: 90 * DAY, again: 30_000 };
const sessions = { idle: 3_600, life: 8 * 3_600 };
const at = (days: number): Date => new Date(Date.UTC(2026, 10, 1) + days * DAY);

const times: DelegationTimes = {
  createdAt: at(0),
  offline: true,
  family: { begunAt: at(0), usedAt: at(20) },
  session: { createdAt: at(20), seenAt: at(20) },
};

describe('a delegation that nobody ends', () => {
  it('ends when its refresh tokens expire, or earlier when they are not used', () => {
    expect(endsOf(times, refresh, sessions)).toEqual({ at: at(90), unusedAt: at(34) });
    const late = { ...times, family: { begunAt: at(0), usedAt: at(85) } };
    expect(endsOf(late, refresh, sessions)).toEqual({ at: at(90), unusedAt: at(90) });
  });

  it('ends with its session if it was allowed only while the person is present', () => {
    const online = { ...times, offline: false };
    expect(endsOf(online, refresh, sessions)).toEqual({ at: at(20 + 8 / 24), unusedAt: at(20 + 1 / 24) });
    expect(endsOf({ ...online, session: undefined }, refresh, sessions)).toEqual({ at: at(90), unusedAt: at(34) });
  });

  it('ends with its access token if it has no refresh token', () => {
    const end = new Date(at(0).getTime() + 900_000);
    expect(endsOf({ ...times, family: undefined }, refresh, sessions)).toEqual({ at: end, unusedAt: end });
  });
});
