import { isIP } from 'node:net';
import fc from 'fast-check';
import { addressOf, networkOf } from './peer-address.js';

describe('the network by which requests are counted', () => {
  it.each([
    ['an IPv4 address', '203.0.113.9', '203.0.113.9'],
    ['an IPv4 address with a port', '203.0.113.9:51234', '203.0.113.9'],
    ['an IPv4-mapped address', '::ffff:203.0.113.9', '203.0.113.9'],
    ['an IPv4-mapped address in hexadecimal', '::FFFF:cb00:7109', '203.0.113.9'],
    ['an IPv4-mapped address with a port', '[::ffff:203.0.113.9]:443', '203.0.113.9'],
    ['an IPv4 address behind NAT64', '64:ff9b::cb00:7109', '203.0.113.9'],
    ['an IPv6 address', '2001:db8:0:7:1:2:3:4', '2001:db8:0:7::/64'],
    ['an IPv6 address in upper case and short', '2001:DB8::7', '2001:db8:0:0::/64'],
    ['an IPv6 address in brackets', '[2001:db8:0:7::9]', '2001:db8:0:7::/64'],
    ['an IPv6 address with a port', '[2001:db8:0:7::9]:51234', '2001:db8:0:7::/64'],
    ['an IPv6 address with a zone', 'fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['an IPv6 address that ends in zeros', '2001:db8:0:7::', '2001:db8:0:7::/64'],
  ])('of %s is its own', (_what, address, network) => {
    expect(networkOf(address, '10.0.0.1')).toBe(network);
  });

  it.each([
    '',
    'unknown',
    '_hidden',
    '203.0.113.9:',
    '203.0.113.9:port',
    '[203.0.113.9]:80',
    '203.0.113.999',
    '[::1',
    ' ',
  ])("of the odd %p is the proxy's", (address) => {
    expect(networkOf(address, '10.0.0.1')).toBe('10.0.0.1');
    expect(networkOf(address)).toBe('unknown');
  });

  it('is one for all addresses of a /64, however they are written, and another for the next /64', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(
        fc.tuple(group, group, group, group),
        fc.array(group, { minLength: 4, maxLength: 4 }),
        (prefix, host) => {
          fc.pre(prefix[0] !== 0 && prefix[0] !== 0x64);
          const hex = (groups: readonly number[]): string => groups.map((part) => part.toString(16)).join(':');
          const long = hex([...prefix, ...host]);
          const network = networkOf(`${hex(prefix)}::`);
          expect(networkOf(long.toUpperCase())).toBe(network);
          expect(networkOf(`[${long}]:8443`)).toBe(network);
          expect(networkOf(hex([...prefix.slice(0, 3), prefix[3] ^ 1, ...host]))).not.toBe(network);
        },
      ),
    );
  });

  it('takes any text without an error, and answers an address or the proxy', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.ipV4(),
          fc.ipV6(),
          fc.ipV6().map((ip) => `[${ip}]:1`),
        ),
        (text) => {
          const address = addressOf(text);
          if (address !== undefined) expect(isIP(address)).not.toBe(0);
          expect(isIP(networkOf(text, '10.0.0.1').replace('/64', ''))).not.toBe(0);
        },
      ),
    );
  });
});
