import { deviceOf, digestOf, isSecret, newSecret } from './session.js';

describe('a session', () => {
  it('has a secret of 256 bits, of which only a digest is kept', () => {
    const secret = newSecret((size) => Buffer.alloc(size, 7));
    expect(secret).toHaveLength(43);
    expect(digestOf(secret)).toHaveLength(43);
    expect(digestOf(secret)).not.toBe(secret);
    expect(newSecret()).not.toBe(newSecret());
  });

  it.each([undefined, '', 'short', 'a'.repeat(44), `${'a'.repeat(42)}=`])('is not found by %j', (text) => {
    expect(isSecret(text)).toBe(false);
  });

  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1',
      'Safari on iPhone',
    ],
    ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/140.0 Safari/537 Edg/140.0', 'Edge on Windows'],
    ['curl/8', 'Another device'],
    ['<script>alert(1)</script>', 'Another device'],
    [undefined, 'Another device'],
  ])('is recognised by its kind of device only: %s', (userAgent, device) => {
    expect(deviceOf(userAgent)).toBe(device);
  });
});
