import { anyWebUrl } from '@countersign/arbitraries';
import fc from 'fast-check';
import { returnPath } from './return-to.js';

describe('where a sign-in returns to', () => {
  it.each(['/account', '/device?user_code=ABCD-EFGH', '/oauth2/authorize?client_id=a&request_uri=urn%3Ax'])(
    'may be %s',
    (path) => {
      expect(returnPath(path)).toBe(path);
    },
  );

  it.each([
    '',
    'account',
    '//evil.example/account',
    '/\\evil.example',
    '\\\\evil.example/account',
    'https://evil.example/account',
    'javascript:alert(1)',
    '/account/../admin/clients',
    '/account%2f..%2fadmin',
    '/%2e%2e/account',
    '/account/',
    '/Account',
    '/account#x',
    '/account\r\nset-cookie: a=b',
    '/account\t',
    '/oauth2/authorize@evil.example',
    '/admin/clients',
    '/sign-in?return_to=/account',
    `/account?${'a'.repeat(5_000)}`,
  ])('is never %j', (path) => {
    expect(returnPath(path)).toBeUndefined();
  });

  it('is always one of the known paths on this host, whatever was requested', () => {
    const piece = fc.constantFrom(
      '/',
      '\\',
      '//',
      '..',
      '@',
      '%2f',
      '?',
      '#',
      'account',
      'device',
      'evil.example',
      ':',
      '\n',
      ' ',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join('')),
          fc.array(piece).map((pieces) => `/${pieces.join('')}`),
          fc.tuple(fc.constantFrom('/account', '/device'), fc.array(piece)).map(([at, more]) => at + more.join('')),
          anyWebUrl(),
        ),
        (asked) => {
          const path = returnPath(asked);
          if (path === undefined) return;
          const { origin, pathname } = new URL(path, 'https://issuer.example');
          expect(origin).toBe('https://issuer.example');
          expect(['/account', '/device', '/oauth2/authorize']).toContain(pathname);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
