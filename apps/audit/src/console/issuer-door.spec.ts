import { mayPass } from './issuer-door.js';

describe('the way to the issuer', () => {
  it('is open for what the screens use', () => {
    for (const [method, path] of [
      ['GET', 'admin/clients'],
      ['GET', 'admin/people/person:01a21a18-35df-760e-af25-8f39ee379204'],
      ['POST', `admin/people/${encodeURIComponent('person:01a21a18-35df-760e-af25-8f39ee379204')}/end-sessions`],
      ['POST', 'admin/people/person:1/sessions/01a21a18-35df-760e-af25-8f39ee379204/end'],
      ['GET', `admin/clients/${encodeURIComponent('https://shop.example/client.json')}`],
      ['POST', 'admin/keys/rotate'],
      ['POST', 'admin/api-keys/01a21a18-35df-760e-af25-8f39ee379204/revoke'],
      ['DELETE', 'admin/clients/storefront/secrets/1'],
    ] as const)
      expect([path, mayPass(method, path)]).toEqual([path, true]);
  });

  it.each([
    ['GET', 'oauth2/token'],
    ['POST', 'oauth2/token'],
    ['POST', 'admin/clients'],
    ['PUT', 'admin/clients/storefront'],
    ['POST', 'admin/restoration'],
    ['DELETE', 'admin/clients'],
    ['GET', 'admin/clients/../../oauth2/token'],
    ['GET', 'admin/clients/..'],
    ['GET', 'admin/clients/%2e%2e'],
    ['GET', 'admin/clients/%2E%2E'],
    ['GET', 'admin/clients/.%2E'],
    ['GET', 'admin/clients/%FF'],
    ['GET', 'admin/clients/%2'],
    ['GET', 'admin/clients/a/b'],
    ['GET', '/admin/clients'],
    ['GET', 'admin/clients\\x'],
    ['GET', 'xadmin/clients'],
    ['constructor', 'admin/clients'],
    ['OPTIONS', 'admin/clients'],
  ])('is closed for %s %s', (method, path) => {
    expect(mayPass(method, path)).toBe(false);
  });
});
