import { endedAtIssuer } from './logout-token.js';

const event = { 'http://schemas.openid.net/event/backchannel-logout': {} };
const claims = { sub: 'person:a', sid: 's', iat: 1_700_000_000, jti: 'j', events: event };

describe('what the issuer says of a session that it ended', () => {
  it('names the session or the person, and nothing that began later', () => {
    const before = new Date(1_700_000_001_000);
    expect(endedAtIssuer(claims)).toEqual({ person: 'person:a', issuerSession: 's', before });
    expect(endedAtIssuer({ ...claims, sid: undefined })).toEqual({
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
    ['is no object', 'person:a'],
  ])('is not believed when it %s', (_, odd) => {
    expect(endedAtIssuer(odd)).toBeUndefined();
  });
});
