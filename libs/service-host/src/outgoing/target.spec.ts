import { anyWebUrl } from '@countersign/arbitraries';
import fc from 'fast-check';
import { isPublicAddress, pinnedLookup, readTarget, refusalOfUrl, TargetRefused, URL_LIMIT } from './target.js';

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
    '168.63.129.16',
    '100.100.100.200',
    '192.0.0.192',
    '199.36.153.5',
    '199.36.153.10',
    '35.199.192.1',
    '161.26.0.7',
    '166.9.1.2',
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
    'fd00:ec2::254',
    'fd20:ce::254',
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
    ['https://168.63.129.16/machine?comp=goalstate', 'ADDRESS_NOT_PUBLIC'],
    ['merchant.example', 'URL_INVALID'],
  ])('with the URL %s is answered %s', (url, refusal) => {
    expect(refusalOfUrl(url, 'public')).toBe(refusal);
  });

  it.each([
    [' \n https://merchant.example/hook\t', 'https://merchant.example/hook'],
    ['HTTPS://Merchant.EXAMPLE:443', 'https://merchant.example/'],
    ['https://merchant.example/a\nb c?d=é', 'https://merchant.example/ab%20c?d=%C3%A9'],
    ['https://merchant.example/x/../hook#part', 'https://merchant.example/hook'],
    ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
  ])('that is registered as %j is kept as %s', (text, url) => {
    expect(readTarget(text, 'public')).toEqual({ ok: true, url });
  });

  it('is kept in a form that does not change when it is read again, and is never longer than the limit', () => {
    fc.assert(
      fc.property(anyWebUrl(), fc.string(), (url, more) => {
        const target = readTarget(`${url}${more}`, 'any');
        if (target.ok) expect(readTarget(target.url, 'any')).toEqual(target);
      }),
    );
    expect(readTarget(`https://merchant.example/${'é'.repeat(URL_LIMIT / 4)}`, 'public')).toEqual({
      ok: false,
      refusal: 'URL_INVALID',
    });
  });

  it('may be private, and http, only where the configuration says so', () => {
    expect(refusalOfUrl('http://127.0.0.1:9/', 'any')).toBeUndefined();
    expect(refusalOfUrl('file:///etc/passwd', 'any')).toBe('URL_NOT_HTTPS');
  });

  const resolved = (addresses: readonly string[], rule: 'public' | 'any'): Promise<unknown> =>
    new Promise((resolve) => {
      const answer = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      pinnedLookup(rule, () => Promise.resolve(answer))('merchant.example', { all: true }, (error, found) => {
        resolve(error ?? found);
      });
    });

  it('is contacted only at the addresses that were checked, and not at all if one of them is private', async () => {
    expect(await resolved(['1.1.1.1'], 'public')).toEqual([{ address: '1.1.1.1', family: 4 }]);
    expect(await resolved(['1.1.1.1', '10.0.0.1'], 'public')).toBeInstanceOf(TargetRefused);
    expect(await resolved([], 'public')).toBeInstanceOf(TargetRefused);
    expect(await resolved(['10.0.0.1'], 'any')).toEqual([{ address: '10.0.0.1', family: 4 }]);
  });
});
