import { isPublicAddress, pinnedLookup, refusalOfUrl, TargetRefused } from './target.js';

describe('a webhook target', () => {
  it.each(['93.184.216.34', '1.1.1.1', '2606:4700:4700::1111', '2a00:1450:4001:80b::200e'])(
    '%s is public',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.31.255.255',
    '192.168.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:93.184.216.34',
    '64:ff9b::a00:1',
    '64:ff9b:1::a00:1',
    '2001:0:0:1::1',
    '2001:db8::1',
    '2002:7f00:1::1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'ff02::1',
    'localhost',
    '',
  ])('%j is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each([
    ['https://merchant.example/hook', undefined],
    ['http://merchant.example/hook', 'URL_NOT_HTTPS'],
    ['ftp://merchant.example/hook', 'URL_NOT_HTTPS'],
    ['https://user:secret@merchant.example/', 'URL_HAS_CREDENTIALS'],
    ['https://127.0.0.1/', 'ADDRESS_NOT_PUBLIC'],
    ['https://2130706433/', 'ADDRESS_NOT_PUBLIC'],
    ['https://0x7f.1/', 'ADDRESS_NOT_PUBLIC'],
    ['https://[::1]/', 'ADDRESS_NOT_PUBLIC'],
    ['https://[::ffff:10.0.0.1]/', 'ADDRESS_NOT_PUBLIC'],
    ['https://169.254.169.254/latest/meta-data', 'ADDRESS_NOT_PUBLIC'],
    ['merchant.example', 'URL_INVALID'],
  ])('with the URL %s is answered %s', (url, refusal) => {
    expect(refusalOfUrl(url, 'public')).toBe(refusal);
  });

  it('may be private, and http, only where the configuration says so', () => {
    expect(refusalOfUrl('http://127.0.0.1:9/', 'any')).toBeUndefined();
    expect(refusalOfUrl('file:///etc/passwd', 'any')).toBe('URL_NOT_HTTPS');
  });

  const resolved = (addresses: readonly string[], rule: 'public' | 'any'): Promise<unknown> =>
    new Promise((resolve) => {
      const answer = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      const lookup = Object.assign(
        (_name: string, _options: object, callback: (error: null, found: typeof answer) => void) => {
          callback(null, answer);
        },
        { __promisify__: () => Promise.reject(new Error('not used')) },
      );
      pinnedLookup(rule, lookup as never)('merchant.example', { all: true }, (error, found) => {
        resolve(error ?? found);
      });
    });

  it('is connected to at the very addresses that were checked, and not at all when one of them is private', async () => {
    expect(await resolved(['1.1.1.1'], 'public')).toEqual([{ address: '1.1.1.1', family: 4 }]);
    expect(await resolved(['1.1.1.1', '10.0.0.1'], 'public')).toBeInstanceOf(TargetRefused);
    expect(await resolved([], 'public')).toBeInstanceOf(TargetRefused);
    expect(await resolved(['10.0.0.1'], 'any')).toEqual([{ address: '10.0.0.1', family: 4 }]);
  });
});
