import fc from 'fast-check';
import { isDeclaredRedirect, redirectUriFault } from './redirect-uri.js';

describe('a declared redirect URI', () => {
  it.each([
    ['https://app.example/signed-in', 'web'],
    ['https://app.example/', 'web'],
    ['http://127.0.0.1:4011/callback', 'web'],
    ['http://localhost:4011/callback', 'web'],
    ['http://shop.localhost:4011/callback', 'web'],
    ['http://127.0.0.1/callback', 'native'],
    ['http://[::1]/callback', 'native'],
    ['com.example.app:/signed-in', 'native'],
    ['https://app.example/claimed', 'native'],
  ] as const)('may be %s (%s)', (text, type) => {
    expect(redirectUriFault(text, type)).toBeUndefined();
  });

  it.each([
    ['http://app.example/signed-in', 'web', 'https'],
    ['http://localhost.app.example/', 'web', 'https'],
    ['http://evillocalhost/', 'web', 'https'],
    ['https://app.example', 'web', 'normal form: https://app.example/'],
    ['https://APP.example/', 'web', 'normal form'],
    ['https://app.example:443/', 'web', 'normal form'],
    ['https://app.example/a/../b', 'web', 'normal form'],
    ['https://app.example/#part', 'web', 'without fragment'],
    ['https://*.app.example/', 'web', 'wildcard'],
    ['https://app.example/a\\b', 'web', 'backslash'],
    ['https://аpp.example/', 'web', 'absolute URI'],
    ['https://user@app.example/', 'web', 'credentials'],
    ['https://app.example/a%2Fb', 'web', 'encoded slash'],
    ['https://app.example/?code=1', 'web', 'parameter code'],
    ['https://app.example/?iss=1', 'web', 'parameter iss'],
    ['com.example.app:/signed-in', 'web', 'https'],
    ['javascript:alert(1)', 'native', 'private-use'],
    ['data:text/html,x', 'native', 'private-use'],
    ['myapp:/signed-in', 'native', 'private-use'],
    ['com.example.app://host/path', 'native', 'private-use'],
    ['http://localhost/callback', 'native', 'http://127.0.0.1'],
    ['http://app.localhost/callback', 'native', 'http://127.0.0.1'],
    ['http://10.0.0.1/callback', 'native', 'http://127.0.0.1'],
    ['/callback', 'web', 'absolute URI'],
  ] as const)('is not %s (%s)', (text, type, fault) => {
    expect(redirectUriFault(text, type)).toContain(fault);
  });
});

describe('a requested redirect URI', () => {
  const declared = ['https://app.example/cb', 'http://127.0.0.1/cb', 'http://[::1]:8000/cb', 'com.example.app:/cb'];
  const native = (asked: string): boolean => isDeclaredRedirect(declared, 'native', asked);

  it.each([...declared, 'http://127.0.0.1:1/cb', 'http://127.0.0.1:65535/cb', 'http://[::1]/cb'])(
    'is declared: %s',
    (asked) => {
      expect(native(asked)).toBe(true);
    },
  );

  it.each([
    'https://app.example/cb/',
    'https://app.example/cb/more',
    'https://app.example/cb?x=1',
    'https://app.example/cb#x',
    'https://app.example/CB',
    'https://APP.example/cb',
    'https://app.example:443/cb',
    'https://app.example:8443/cb',
    'https://app.example/%63b',
    'https://app.example%2Fcb',
    'https://app.example@evil.example/cb',
    'https://evil.example/https://app.example/cb',
    'https://app.example.evil.example/cb',
    'https://app.example\\@evil.example/cb',
    'http://app.example/cb',
    'http://localhost/cb',
    'http://localhost:8000/cb',
    'http://127.0.0.1:0/cb',
    'http://127.0.0.1:65536/cb',
    'http://127.0.0.1:80:90/cb',
    'http://127.0.0.1:80@evil.example/cb',
    'http://127.0.0.1.evil.example/cb',
    'http://127.0.0.2/cb',
    'http://127.1/cb',
    'http://2130706433/cb',
    'http://127.0.0.1:8000/cb/',
    'http://127.0.0.1:8000/cb?x',
    'http://127.0.0.1:8000/cb\n',
    'https://127.0.0.1:8000/cb',
    'com.example.app:/cb/x',
    'com.example.app://cb',
    'com.example.evil:/cb',
    '',
  ])('is not declared: %j', (asked) => {
    expect(native(asked)).toBe(false);
  });

  it('has a free port on loopback for native applications only', () => {
    expect(isDeclaredRedirect(['http://127.0.0.1:4011/cb'], 'web', 'http://127.0.0.1:4012/cb')).toBe(false);
  });

  it('leads to no host, path or scheme other than a declared one, whatever is added before, after or in between', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '/',
        '\\',
        '@',
        ':',
        '.',
        '..',
        '//',
        '%2f',
        '%00',
        '?',
        '#',
        ' ',
        '[',
        ']',
        '1',
        'a',
        '\n',
        '\t',
      ),
      fc.string({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...declared), piece, fc.nat(40), fc.nat(3), (base, text, at, drop) => {
        const asked = base.slice(0, at) + text + base.slice(at + drop);
        if (!native(asked) || declared.includes(asked)) return;
        const { protocol, hostname, pathname, search, hash, username, password } = new URL(asked);
        expect({ protocol, pathname, search, hash, username, password }).toEqual({
          protocol: 'http:',
          pathname: '/cb',
          search: '',
          hash: '',
          username: '',
          password: '',
        });
        expect(['127.0.0.1', '[::1]']).toContain(hostname);
      }),
      { numRuns: 2_000 },
    );
  });
});
