import fc from 'fast-check';
import { verifyDpopProof } from '../dpop/verify-dpop-proof.js';
import { signJwt } from '../jws/sign.js';
import { dpopJwkOf, generateSigningKey, publicJwkOf, type PrivateJwk } from '../keys/jwk.js';
import { keysOfDocument } from '../keys/jwks-document.js';
import { TokenError } from '../token-error.js';
import { createVerifier, type TokenVerifier } from '../token-verifier.js';

const now = 1_800_000_000;

/** Any input is refused with a code, and in no other way. */
function refused(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (error instanceof TokenError) return;
    throw error;
  }
}

describe('arbitrary input', () => {
  let key: PrivateJwk;
  let verifier: TokenVerifier;
  beforeAll(async () => {
    key = await generateSigningKey();
    verifier = await createVerifier({
      issuer: 'https://issuer.test',
      audience: 'orders',
      now: () => now * 1_000,
      fetch: () => Promise.resolve(Response.json({ keys: [publicJwkOf(key)] })),
    });
  });
  afterAll(() => {
    verifier.close();
  });
  const base64url = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('base64url'));
  const json = fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url'));
  const segment = fc.oneof(base64url, json, fc.string());

  it('as a token, is accepted or refused with a code', () => {
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 6 }), (segments) => {
        refused(() => verifier.verify(segments.join('.')));
      }),
      { numRuns: 3_000 },
    );
  });

  it('as claims with a valid signature, never yields a principal that breaks its types', () => {
    const claims = fc.record(
      {
        ...Object.fromEntries(
          ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'client_id', 'scope', 'txn', 'act', 'roles', 'cnf']
            .concat(['kind', 'auth_time', 'acr', 'amr'])
            .map((name) => [name, fc.jsonValue({ maxDepth: 3 })]),
        ),
      },
      { requiredKeys: [] },
    );
    const good = {
      iss: 'https://issuer.test',
      aud: 'orders',
      exp: now + 60,
      iat: now,
      jti: 'j',
      client_id: 'c',
      sub: 's',
      scope: '',
    };
    fc.assert(
      fc.property(claims, (odd) => {
        const token = signJwt({ typ: 'at+jwt', kid: key.kid }, { ...good, ...odd, iss: good.iss, aud: good.aud }, key);
        refused(() => {
          const principal = verifier.verify(token);
          const { subject, clientId, tokenId, txn, acr = '', kind, authTime = 0, expiresAt } = principal;
          const texts = [subject, clientId, tokenId, txn, acr, ...principal.roles, ...principal.amr];
          const actors = principal.actors.map((actor) => actor.subject);
          expect({
            types: new Set([...texts, ...actors].map((text) => typeof text)),
            isKind: ['service', 'application', 'person'].includes(kind),
            whole: [authTime, expiresAt].map(Number.isInteger),
          }).toEqual({ types: new Set(['string']), isKind: true, whole: [true, true] });
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it('as a DPoP proof or its key, is accepted or refused with a code', () => {
    const expected = { method: 'GET', url: 'https://orders.test/', now };
    const jwk = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom('kty', 'crv', 'x', 'y', 'n', 'e', 'd', 'alg'), fc.string()),
    );
    fc.assert(
      fc.property(jwk, fc.jsonValue(), (brought, claims) => {
        refused(() => verifyDpopProof(signJwt({ typ: 'dpop+jwt', jwk: brought }, Object(claims), key), expected));
        refused(() =>
          verifyDpopProof(signJwt({ typ: 'dpop+jwt', jwk: dpopJwkOf(key) }, Object(claims), key), expected),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('as a key set, is parsed or refused with an error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.array(fc.jsonValue()).map((keys) => JSON.stringify({ keys })),
        ),
        (text) => {
          try {
            expect(keysOfDocument(Buffer.from(text)).all.length).toBeGreaterThan(0);
          } catch (error) {
            if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) throw error;
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
