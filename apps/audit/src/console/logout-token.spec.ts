import { endedAtIssuer } from './logout-token.js';

const event = { 'http://schemas.openid.net/event/backchannel-logout': {} };
const IAT = 1_700_000_000;
const claims = { aud: 'console', sub: 'person:a', sid: 's', iat: IAT, jti: 'j', events: event };
const read = (odd: unknown, after = 1) => endedAtIssuer(odd, 'console', new Date((IAT + after) * 1_000));

describe('what the issuer says of a session that it ended', () => {
  it('names the session or the person, and nothing that started later', () => {
    const before = new Date(1_700_000_001_000);
    expect(read(claims)).toEqual({ person: 'person:a', issuerSession: 's', before });
    expect(read({ ...claims, aud: ['other', 'console'], sid: undefined })).toEqual({
      person: 'person:a',
      issuerSession: undefined,
      before,
    });
  });

  it.each([
    ['names nobody', { ...claims, sub: undefined, sid: undefined }],
    ['is an ID token', { ...claims, nonce: 'n' }],
    ['is of another kind of event', { ...claims, events: { other: {} } }],
    ['has no events', { ...claims, events: undefined }],
    ['has no time', { ...claims, iat: undefined }],
    ['is for another client', { ...claims, aud: 'corner-shop' }],
    ['is for nobody', { ...claims, aud: undefined }],
    ['is over', { ...claims, exp: IAT - 60 }],
    ['is no object', 'person:a'],
  ])('is rejected when it %s', (_, odd) => {
    expect(read(odd)).toBeUndefined();
  });

  it('is accepted for two minutes, plus half a minute for clock differences', () => {
    expect([-31, -30, 0, 150, 151].map((after) => read(claims, after) !== undefined)).toEqual([
      false,
      true,
      true,
      true,
      false,
    ]);
  });
});
