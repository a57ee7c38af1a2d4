import { signClientAssertion } from '../client/client-assertion.js';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from '../keys/jwk.js';
import { LocalKeySet } from '../keys/local-key-set.js';
import { TokenError } from '../token-error.js';
import { signJwt } from './sign.js';
import { SignedJwt } from './signed-jwt.js';

const outcomeOf = (act: () => unknown): string => {
  try {
    act();
    return 'ACCEPTED';
  } catch (error) {
    return error instanceof TokenError ? error.code : String(error);
  }
};

describe('a client assertion, read and then verified', () => {
  let key: PrivateJwk;
  let other: PrivateJwk;
  beforeAll(async () => {
    key = await generateSigningKey();
    other = await generateSigningKey('EdDSA');
  });

  it('names its client before, and gives its claims after its signature verified', async () => {
    const assertion = new SignedJwt(
      await signClientAssertion({ clientId: 'shop', audience: 'https://issuer.test', key }),
    );
    expect(assertion.unverifiedClaims['sub']).toBe('shop');
    const claims = assertion.verify(new LocalKeySet([publicJwkOf(key)]), { types: ['JWT'] });
    expect(claims).toMatchObject({ iss: 'shop', aud: 'https://issuer.test' });
  });

  it('is refused for another key, algorithm, type, a critical header or a changed claim', () => {
    const keys = new LocalKeySet([publicJwkOf(key)]);
    const signed = (header: object, signer = key) =>
      signJwt({ kid: key.kid, typ: 'JWT', ...header }, { sub: 'shop' }, signer);
    const look = (jwt: string) =>
      outcomeOf(() => new SignedJwt(jwt).verify(keys, { algorithms: ['ES256', 'RS256'], types: ['JWT'] }));
    expect(look(signed({}))).toBe('ACCEPTED');
    expect(look(signed({ typ: 'jwt' }))).toBe('ACCEPTED');
    expect(look(signed({ kid: 'unknown' }))).toBe('KEY_UNKNOWN');
    expect(look(signed({ kid: 7 }))).toBe('TOKEN_MALFORMED');
    expect(look(signed({}, other))).toBe('ALG_NOT_ALLOWED');
    expect(look(signed({ typ: 'at+jwt' }))).toBe('TYP_NOT_ALLOWED');
    expect(look(signed({ crit: ['exp'] }))).toBe('CRIT_NOT_SUPPORTED');
    const [head = '', , signature = ''] = signed({}).split('.');
    const tampered = Buffer.from('{"sub":"bank"}').toString('base64url');
    expect(look(`${head}.${tampered}.${signature}`)).toBe('SIGNATURE_INVALID');
  });

  it('without kid goes by the only key that fits, and by none when two do', async () => {
    const jwt = signJwt({ typ: 'JWT' }, { sub: 'shop' }, key);
    expect(outcomeOf(() => new SignedJwt(jwt).verify(new LocalKeySet([key, other].map(publicJwkOf))))).toBe('ACCEPTED');
    const two = new LocalKeySet([key, await generateSigningKey()].map(publicJwkOf));
    expect(outcomeOf(() => new SignedJwt(jwt).verify(two))).toBe('KEY_UNKNOWN');
  });

  it('is verified by no private key, no key for encryption and no more than a hundred', () => {
    expect(new LocalKeySet([key, { ...publicJwkOf(key), use: 'enc' }, { kty: 'oct', k: 'AA' }]).size).toBe(0);
    expect(() => new LocalKeySet(Array.from({ length: 101 }, () => publicJwkOf(key)))).toThrow(RangeError);
  });
});
