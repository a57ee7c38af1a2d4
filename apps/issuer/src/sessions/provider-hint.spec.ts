import { HINT_LIMIT, openHint, sealHint } from './provider-hint.js';
import { newSecret } from './session.js';

describe("a provider's ID token that is kept", () => {
  it('opens only with the cookie secret that it was sealed under', () => {
    const [secret, another] = [newSecret(), newSecret()];
    const sealed = sealHint('header.claims.signature', secret) ?? '';
    expect(sealed).not.toContain('claims');
    expect(openHint(sealed, secret)).toBe('header.claims.signature');
    expect(openHint(sealed, another)).toBeUndefined();
    expect(sealHint('header.claims.signature', secret)).not.toBe(sealed);
  });

  it.each(['', 'short', 'A'.repeat(80)])('opens nothing of %j', (sealed) => {
    expect(openHint(sealed, newSecret())).toBeUndefined();
  });

  it('is omitted if it is too long for a URL', () => {
    const secret = newSecret();
    expect(sealHint('a'.repeat(HINT_LIMIT + 1), secret)).toBeUndefined();
    expect(openHint(sealHint('a'.repeat(HINT_LIMIT), secret) ?? '', secret)).toHaveLength(HINT_LIMIT);
  });
});
