import { type JsonObject, type ProfileName } from '@countersign/auth-core';
import { outsideIssuersFileSchema } from './outside-issuer.js';
import { subjectTokenProfile } from './outside-profiles.js';

describe('an access token of another issuer', () => {
  it.each<[ProfileName, string, JsonObject, string]>([
    ['rfc9068', 'of a client, whatever its subject is called', { sub: 'shop@clients', client_id: 'shop' }, 'service'],
    ['rfc9068', 'of somebody who does not say more', { sub: 'ada', client_id: 'shop' }, 'service'],
    ['rfc9068', 'of somebody who signed in', { sub: 'ada', client_id: 'shop', auth_time: 1 }, 'person'],
    ['rfc9068', 'of a person by its own words', { sub: 'ada', client_id: 'shop', kind: 'person' }, 'person'],
    ['rfc9068', 'of a service by its own words', { sub: 'ada', kind: 'service', auth_time: 1 }, 'service'],
    ['spring', 'of a client', { sub: 'shop', aud: 'shop' }, 'service'],
    ['spring', 'of somebody, without a client', { sub: 'ada', aud: 'shop' }, 'service'],
    ['spring', 'of a named client', { sub: 'shop', client_id: 'shop', aud: ['orders'] }, 'service'],
    ['spring', 'of a person by a named client', { sub: 'ada', client_id: 'shop', aud: ['orders'] }, 'person'],
    ['zitadel', 'of somebody', { sub: '77776025198584418', client_id: '69234@acme' }, 'service'],
    [
      'zitadel',
      'of somebody with a session',
      { sub: '77776025198584418', client_id: '69234@acme', sid: 's' },
      'person',
    ],
    ['keycloak', 'of a service account', { sub: 'f1', preferred_username: 'service-account-shop' }, 'service'],
    ['keycloak', 'of a person', { sub: 'f1', sid: 's', preferred_username: 'ada' }, 'person'],
    ['okta', 'of a client', { sub: '0oab', cid: '0oab' }, 'service'],
    ['entra', 'of an application', { sub: '690222be', azp: '72f988bf', roles: ['Orders.Read.All'] }, 'service'],
    ['cognito', 'of a client', { sub: 'shop', client_id: 'shop' }, 'service'],
  ])('by the profile %s, %s', (profile, _what, claims, kind) => {
    const [issuer] = outsideIssuersFileSchema.parse({
      issuers: [{ name: 'acme', issuer: 'https://idp.test', profile, accepts: ['access_token'] }],
    }).issuers;
    if (issuer === undefined) throw new Error('no issuer');
    expect(subjectTokenProfile(issuer, 'access_token').kind?.(claims, String(claims['sub']))).toBe(kind);
    expect(subjectTokenProfile(issuer, 'id_token').kind?.(claims, String(claims['sub']))).toBe('person');
  });
});
