import { createTokenClient } from './client/token-client.js';
import { generateSigningKey, type PrivateJwk } from './keys/jwk.js';
import { createVerifier } from './token-verifier.js';
import { type VerifierOptions } from './verifier-options.js';

/** As plain JavaScript passes options: from the environment, where a variable may be missing and is a text. */
const untyped = <Options>(options: object): Options => options as Options;

describe('options that a type could not check', () => {
  let key: PrivateJwk;
  beforeAll(async () => {
    key = await generateSigningKey();
  });

  it.each([
    [{ issuer: undefined }, /issuer must be an http or https URL, not undefined/],
    [{ issuer: 'issuer.internal' }, /issuer must be .*"issuer\.internal"/],
    [{ issuer: 'https://issuer.test ' }, /issuer must be/],
    [{ issuer: undefined, jwksUrl: 'https://issuer.test/keys' }, /issuer must be a string/],
    [{ jwksUrl: '/keys' }, /jwksUrl must be/],
    [{ audience: undefined }, /audience must name this service/],
    [{ audience: '' }, /audience must name this service/],
    [{ audience: ['orders', ''] }, /audience must name this service/],
    [{ profile: 'keycloack' }, /profile "keycloack" is unknown; known profiles: rfc9068, keycloak,/],
    [{ algorithms: [] }, /algorithms must be a list/],
    [{ algorithms: ['HS256'] }, /algorithms must be a list .*HS256/],
    [{ clockToleranceSeconds: '5' }, /clockToleranceSeconds must be 0 to 5 seconds/],
    [{ refreshIntervalSeconds: Number.NaN }, /refreshIntervalSeconds must be a number/],
    [{ maxStaleSeconds: '86400' }, /maxStaleSeconds must be a number .*"86400"/],
    [{ timeoutMs: '300' }, /timeoutMs must be a number/],
    [{ cacheSize: -1 }, /cacheSize must be a number of at least 0/],
  ])('of a verifier are refused by name: %j', async (wrong, words) => {
    const right = { issuer: 'https://issuer.test', audience: 'orders', fetch: () => Promise.reject(new Error('away')) };
    const made = createVerifier(untyped<VerifierOptions>({ ...right, onKeys: () => undefined, ...wrong })).then(
      (verifier) => {
        verifier.close?.();
      },
    );
    await expect(made).rejects.toThrow(words);
  });

  it.each([
    [{ issuer: undefined }, /issuer must be an http or https URL, not undefined/],
    [{ tokenEndpoint: 'token' }, /tokenEndpoint must be/],
    [{ clientId: '' }, /clientId must be a string/],
    [{ key: undefined }, /key must be a private JWK, as an object/],
    [{ key: '{"kty":"EC"}' }, /key must be a private JWK, as an object/],
    [{ key: { kty: 'EC' } }, /key must be a private JWK/],
    [{ timeoutMs: Number.NaN }, /timeoutMs must be a number/],
  ])('of a token client are refused by name, and never with the key: %j', (wrong, words) => {
    const right = { issuer: 'https://issuer.test', clientId: 'shop', key };
    expect(() => createTokenClient(untyped({ ...right, ...wrong }))).toThrow(words);
    expect(() => createTokenClient(untyped({ ...right, ...wrong }))).not.toThrow(key.d);
  });
});
