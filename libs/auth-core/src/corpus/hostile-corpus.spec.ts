import { createServer, type Server } from 'node:http';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from '../keys/jwk.js';
import { signJwt } from '../jws/sign.js';
import { TokenError } from '../token-error.js';
import { createVerifier, type TokenVerifier } from '../token-verifier.js';
import { hostileCases } from './hostile-case.js';
import { goodClaims, hostileToken, type HostileContext } from './hostile-token.js';

describe('the hostile corpus', () => {
  let key: PrivateJwk;
  let context: HostileContext;
  let verifier: TokenVerifier;
  let server: Server;
  let requests = 0;

  beforeAll(async () => {
    key = await generateSigningKey();
    server = createServer((_request, response) => {
      requests += 1;
      response.end('{"keys":[]}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const now = 1_800_000_000;
    context = {
      issuer: 'https://issuer.test',
      audience: 'orders',
      key,
      now,
      listener: `http://127.0.0.1:${String(port)}`,
    };
    verifier = await createVerifier({
      issuer: context.issuer,
      audience: context.audience,
      now: () => now * 1_000,
      fetch: () => Promise.resolve(Response.json({ keys: [publicJwkOf(key)] })),
    });
  });
  afterAll(() => {
    verifier.close();
    server.close();
  });

  it('starts from a token that is accepted', () => {
    const good = signJwt({ typ: 'at+jwt', kid: key.kid }, goodClaims(context), key);
    expect(verifier.verify(good).subject).toBe('ada');
  });

  const cases = hostileCases();
  it.each(cases.map((one) => [one.file, one] as const))(
    '%s is refused, even when it is sent again',
    async (_file, one) => {
      const token = hostileToken(one, context);
      for (const look of [
        () => verifier.verify(token),
        () => verifier.verify(token),
        () => verifier.verifyWithRefresh(token),
      ]) {
        const error: unknown = await Promise.resolve()
          .then(look)
          .catch((caught: unknown) => caught);
        expect(error).toBeInstanceOf(TokenError);
        expect(error).toMatchObject({ code: one.expect, status: 401 });
      }
    },
  );

  it.each(cases.map((one) => [one.file, one] as const))(
    '%s is also refused by jose, or documents why we are stricter',
    async (_file, one) => {
      const verdict = await jwtVerify(hostileToken(one, context), createLocalJWKSet({ keys: [publicJwkOf(key)] }), {
        issuer: context.issuer,
        audience: context.audience,
        typ: 'at+jwt',
        algorithms: ['ES256', 'EdDSA', 'RS256', 'PS256'],
        requiredClaims: ['sub', 'exp', 'iat', 'jti', 'client_id', 'scope'],
        clockTolerance: 5,
        currentDate: new Date(context.now * 1_000),
      }).then(
        () => 'accepted',
        () => 'refused',
      );
      expect({ verdict, stricter: one.stricter !== undefined }).toEqual(
        one.stricter === undefined ? { verdict: 'refused', stricter: false } : { verdict: 'accepted', stricter: true },
      );
    },
  );

  it('causes no request to a URL in a token', () => {
    expect(requests).toBe(0);
  });

  it('reveals nothing of the token in the error', () => {
    for (const one of cases) {
      const error = new TokenError(one.expect, 'detail', { expected: 'a', actual: 'secret\r\nx: y' });
      expect(error.wwwAuthenticate('orders')).not.toMatch(/detail|secret|[^\x20-\x7e]/);
      expect(error.actual).toBe('secret??x: y');
    }
  });
});
