import { generateSigningKey } from './keys/jwk.js';
import { createTokenClient } from './client/token-client.js';
import { createVerifier } from './token-verifier.js';

describe('clients of the issuer', () => {
  const answer = (): Promise<Response> => Promise.resolve(Response.json({ keys: [] }));
  const away = 'http://issuer.internal:4000';

  it('fetch no keys over plain http from another machine, unless allowed to', async () => {
    const verifier = (options: object) =>
      createVerifier({ issuer: away, audience: 'orders', fetch: answer, ...options });
    await expect(verifier({})).rejects.toThrow('http://issuer.internal:4000 is plain http to another machine');
    await expect(verifier({ issuer: 'https://issuer.internal', jwksUrl: `${away}/jwks` })).rejects.toThrow(TypeError);
    for (const options of [{ allowPlainHttp: true }, { jwksUrl: 'http://127.0.0.1/jwks' }, { issuer: 'http://[::1]' }])
      (await verifier(options)).close();
  });

  it('send no assertion over plain http to another machine, unless allowed to', async () => {
    const key = await generateSigningKey();
    const client = (options: object) => createTokenClient({ issuer: away, clientId: 'shop', key, ...options });
    expect(() => client({})).toThrow(/use https, or pass allowPlainHttp/);
    expect(() => client({ issuer: 'https://issuer.internal', tokenEndpoint: `${away}/token` })).toThrow(TypeError);
    for (const options of [{ allowPlainHttp: true }, { issuer: 'http://localhost:4000' }]) client(options);
  });
});
