import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose';
import { signJwt } from '../jws/sign.js';
import { dpopJwkOf, generateSigningKey, publicJwkOf, thumbprintOf, type PrivateJwk } from '../keys/jwk.js';
import { MemoryRevocationList } from '../revocation-list.js';
import { TokenError } from '../token-error.js';
import { createVerifier, type TokenVerifier } from '../token-verifier.js';
import { createDpopProof } from './create-dpop-proof.js';
import { MemoryDpopReplayStore } from './dpop-replay-store.js';
import { targetUri } from './target-uri.js';
import { verifyDpopProof, type DpopExpectation } from './verify-dpop-proof.js';

const start = 1_800_000_000;
const url = 'https://orders.test/orders/7';
const token = 'a.b.c';
const expected: DpopExpectation = { method: 'POST', url, accessToken: token, now: start };

async function outcomeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'ACCEPTED';
  } catch (error) {
    return error instanceof TokenError ? `${error.code} ${error.detail ?? ''}`.trim() : String(error);
  }
}

describe('a DPoP proof', () => {
  let key: PrivateJwk;
  const proofOf = (claims: object = {}, header: object = {}, signer = key): string =>
    signJwt(
      { typ: 'dpop+jwt', jwk: dpopJwkOf(signer), ...header },
      {
        jti: 'one',
        htm: 'POST',
        htu: url,
        iat: start,
        ath: createHash('sha256').update(token).digest('base64url'),
        ...claims,
      },
      signer,
    );
  const fresh = (): string =>
    createDpopProof({ key, method: 'POST', url, accessToken: token, now: () => start * 1_000 });

  beforeAll(async () => {
    key = await generateSigningKey();
  });

  it.each(['ES256', 'EdDSA', 'RS256', 'PS256'])('made with %s verifies, here and by jose', async (alg) => {
    const signer = await generateSigningKey(alg);
    const made = createDpopProof({
      key: signer,
      method: 'POST',
      url: `${url}?page=2#top`,
      accessToken: token,
      now: () => start * 1_000,
    });
    const proof = verifyDpopProof(made, { ...expected, thumbprint: thumbprintOf(signer) });
    expect(proof).toMatchObject({
      thumbprint: await calculateJwkThumbprint(publicJwkOf(signer)),
      expiresAt: start + 65,
    });
    const { payload } = await jwtVerify(made, await importJWK(publicJwkOf(signer), alg), { typ: 'dpop+jwt' });
    expect(payload).toMatchObject({ htm: 'POST', htu: url, iat: start });
  });

  it('made by jose verifies here', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const made = await new SignJWT({ jti: 'x', htm: 'GET', htu: url, iat: start })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(publicKey) })
      .sign(privateKey);
    expect(verifyDpopProof(made, { method: 'GET', url, now: start }).thumbprint).toBe(
      await calculateJwkThumbprint(await exportJWK(publicKey)),
    );
  });

  it('is refused for each fault, by name', async () => {
    const stranger = await generateSigningKey();
    const cases: readonly (readonly [string, string, Partial<DpopExpectation>?])[] = [
      ['typ', proofOf({}, { typ: 'JWT' })],
      ['typ', proofOf({}, { typ: undefined })],
      ['crit', proofOf({}, { crit: ['b64'] })],
      ['jwk', proofOf({}, { jwk: undefined })],
      ['jwk', proofOf({}, { jwk: { ...dpopJwkOf(key), d: key.d } })],
      ['jwk', proofOf({}, { jwk: { ...dpopJwkOf(key), key_ops: ['deriveKey'] } })],
      ['jwk', proofOf({}, { jwk: { ...dpopJwkOf(key), use: 'enc' } })],
      ['jwk', proofOf({}, { jwk: { kty: 'oct', k: 'c2VjcmV0' } })],
      ['jwk', proofOf({}, { jwk: { kty: '__proto__' } })],
      ['alg does not match jwk', proofOf({}, { jwk: dpopJwkOf(await generateSigningKey('EdDSA')) })],
      ['signature', proofOf({}, { jwk: dpopJwkOf(stranger) })],
      ['alg', proofOf(), { algorithms: ['EdDSA'] }],
      ['jti', proofOf({ jti: undefined })],
      ['jti', proofOf({ jti: 'x'.repeat(257) })],
      ['htm', proofOf({ htm: 'GET' })],
      ['htm', proofOf({ htm: 'post' })],
      ['htu', proofOf({ htu: 'https://orders.test/orders/8' })],
      ['htu', proofOf({ htu: 'http://orders.test/orders/7' })],
      ['htu', proofOf({ htu: '/orders/7' })],
      ['iat', proofOf({ iat: start - 65 })],
      ['iat', proofOf({ iat: start + 6 })],
      ['iat', proofOf({ iat: String(start) })],
      ['iat', proofOf({ iat: start + 5.5 })],
      ['iat', proofOf({ iat: -0.5 })],
      ['exp', proofOf({ exp: start - 6 })],
      ['nbf', proofOf({ nbf: start + 6 })],
      ['ath', proofOf({ ath: undefined })],
      ['ath', proofOf(), { accessToken: 'another.token.x' }],
      ['thumbprint', proofOf(), { thumbprint: thumbprintOf(stranger) }],
      ['nonce', proofOf(), { nonce: 'asked-for' }],
      ['not three segments', `${fresh()}, ${fresh()}`],
    ];
    for (const [detail, proof, requested] of cases) {
      const outcome = await outcomeOf(() => verifyDpopProof(proof, { ...expected, ...requested }));
      expect({ detail, outcome }).toEqual({ detail, outcome: `DPOP_PROOF_INVALID ${detail}` });
    }
    expect(await outcomeOf(() => verifyDpopProof(proofOf(), expected))).toBe('ACCEPTED');
    expect(await outcomeOf(() => verifyDpopProof(proofOf({ nonce: 'n' }), { ...expected, nonce: 'n' }))).toBe(
      'ACCEPTED',
    );
  });

  it('may give its time in fractions of a second (RFC 7519, section 2)', () => {
    const made = proofOf({ iat: start + 0.25 });
    expect(verifyDpopProof(made, expected)).toMatchObject({ expiresAt: start + 65.25 });
    expect(verifyDpopProof(made, { ...expected, now: start + 65.2 })).toMatchObject({ expiresAt: start + 65.25 });
  });

  it('made with the alg Ed25519 of RFC 9864 verifies', async () => {
    const signer = { ...(await generateSigningKey('EdDSA')), alg: 'Ed25519' };
    const made = createDpopProof({ key: signer, method: 'POST', url, now: () => start * 1_000 });
    expect(verifyDpopProof(made, { method: 'POST', url, now: start }).thumbprint).toBe(thumbprintOf(signer));
  });

  it('is valid for 60 seconds and the clock tolerance, and no longer', async () => {
    const at = (now: number) => outcomeOf(() => verifyDpopProof(proofOf(), { ...expected, now }));
    expect(await at(start + 64.9)).toBe('ACCEPTED');
    expect(await at(start + 65)).toBe('DPOP_PROOF_INVALID iat');
    expect(await at(start - 5)).toBe('ACCEPTED');
    expect(await at(start - 5.1)).toBe('DPOP_PROOF_INVALID iat');
  });

  it('is never accepted when any character is changed', () => {
    const made = fresh();
    fc.assert(
      fc.property(fc.nat(made.length - 1), fc.constantFrom(...'Aaz09-_.=,'), (index, character) => {
        const mutated = made.slice(0, index) + character + made.slice(index + 1);
        if (mutated === made) return;
        expect(() => verifyDpopProof(mutated, expected)).toThrow(TokenError);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the address in a proof', () => {
  it.each([
    ['HTTPS://Orders.Test:443/a/../orders/7?x=1#y', 'https://orders.test/orders/7'],
    ['https://orders.test', 'https://orders.test/'],
    ['https://orders.test/%7ename/%c3%a9', 'https://orders.test/~name/%C3%A9'],
    ['https://orders.test/a%2fb', 'https://orders.test/a%2Fb'],
    ['http://[::1]:4000/x', 'http://[::1]:4000/x'],
  ])('%s is compared as %s', (address, compared) => {
    expect(targetUri(address)).toBe(compared);
  });

  it.each(['', 'orders', 'file:///etc/passwd', 'https://user@orders.test/', 'javascript:1'])(
    '%s is refused',
    (address) => {
      expect(targetUri(address)).toBeUndefined();
    },
  );
});

describe('the store of used proofs', () => {
  it('accepts each proof once, forgets it when it is too old, and never exceeds its limit', async () => {
    let now = start;
    const store = new MemoryDpopReplayStore(3, () => now * 1_000);
    expect(await store.useOnce('a', start + 65)).toBe(true);
    expect(await store.useOnce('a', start + 65)).toBe(false);
    expect(await store.useOnce('b', start + 65)).toBe(true);
    expect(await store.useOnce('c', start + 65)).toBe(true);
    expect(await store.useOnce('d', start + 65)).toBe(false);
    now += 65;
    expect(await store.useOnce('d', start + 130)).toBe(true);
    expect(store.size).toBe(1);
  });
});

describe('a token that is bound to a key', () => {
  let issuerKey: PrivateJwk;
  let clientKey: PrivateJwk;
  let verifier: TokenVerifier;
  let bound: string;
  let now: number;
  const revocations = new MemoryRevocationList();
  const claims = { iss: 'https://issuer.test', sub: 'ada', aud: 'orders', client_id: 'shop', scope: '' };
  const mint = (more: object): string =>
    signJwt(
      { typ: 'at+jwt', kid: issuerKey.kid },
      { ...claims, jti: 'bound', iat: start, exp: start + 300, ...more },
      issuerKey,
    );
  const proofFor = (accessToken: string, signer = clientKey): string =>
    createDpopProof({ key: signer, method: 'POST', url, accessToken, now: () => now });
  const present = (proof: string, of = bound) =>
    outcomeOf(() => verifier.verifyWithProof(of, { proof, method: 'POST', url }));

  beforeEach(async () => {
    now = start * 1_000;
    issuerKey = await generateSigningKey();
    clientKey = await generateSigningKey();
    verifier = await createVerifier({
      issuer: 'https://issuer.test',
      audience: 'orders',
      now: () => now,
      revocations,
      fetch: () => Promise.resolve(Response.json({ keys: [publicJwkOf(issuerKey)] })),
    });
    bound = mint({ cnf: { jkt: thumbprintOf(clientKey) } });
  });
  afterEach(() => {
    verifier.close();
  });

  it('is accepted with a fresh proof of that key, and its principal says so', async () => {
    const principal = await verifier.verifyWithProof(bound, { proof: proofFor(bound), method: 'POST', url });
    expect(principal.confirmation).toEqual({ jkt: thumbprintOf(clientKey) });
  });

  it('is refused without a proof, both first seen and cached', async () => {
    expect(await outcomeOf(() => verifier.verify(bound))).toBe('DPOP_PROOF_MISSING');
    expect(await present(proofFor(bound))).toBe('ACCEPTED');
    expect(await outcomeOf(() => verifier.verify(bound))).toBe('DPOP_PROOF_MISSING');
    expect(await outcomeOf(() => verifier.cached(bound))).toBe('DPOP_PROOF_MISSING');
    expect(await outcomeOf(() => verifier.verifyWithRefresh(bound))).toBe('DPOP_PROOF_MISSING');
  });

  it('accepts each proof once, even when the token is cached', async () => {
    const proof = proofFor(bound);
    expect(await present(proof)).toBe('ACCEPTED');
    expect(await present(proof)).toBe('DPOP_PROOF_REPLAYED');
    expect(await present(proofFor(bound))).toBe('ACCEPTED');
    now += 70_000;
    expect(await present(proof)).toBe('DPOP_PROOF_INVALID iat');
  });

  it('is refused with the proof of another key, or for another token', async () => {
    expect(await present(proofFor(bound, await generateSigningKey()))).toBe('DPOP_PROOF_INVALID thumbprint');
    const other = mint({ jti: 'other', cnf: { jkt: thumbprintOf(clientKey) } });
    expect(await present(proofFor(other))).toBe('DPOP_PROOF_INVALID ath');
  });

  it('is refused once it is revoked, whatever the proof', async () => {
    expect(await present(proofFor(bound))).toBe('ACCEPTED');
    revocations.add({ kind: 'token', tokenId: 'bound', until: start + 300 });
    expect(await present(proofFor(bound))).toBe('TOKEN_REVOKED');
  });

  it('bound in an unknown way is refused, and so is an unbound one with a proof', async () => {
    const certificate = mint({ jti: 'c', cnf: { 'x5t#S256': 'x'.repeat(43) } });
    expect(await outcomeOf(() => verifier.verify(certificate))).toBe('CERTIFICATE_MISMATCH');
    expect(await present(proofFor(certificate), certificate)).toBe('DPOP_PROOF_INVALID the token is not bound');
    const unknown = mint({ jti: 'u', cnf: { other: 'x'.repeat(43) } });
    expect(await outcomeOf(() => verifier.verify(unknown))).toBe('CLAIM_INVALID cnf');
    const twice = mint({ jti: 't', cnf: { jkt: thumbprintOf(clientKey), 'x5t#S256': 'x'.repeat(43) } });
    expect(await present(proofFor(twice), twice)).toBe('CLAIM_INVALID cnf');
    const plain = mint({ jti: 'p' });
    expect(await present(proofFor(plain), plain)).toBe('DPOP_PROOF_INVALID the token is not bound');
  });

  it('is challenged by the DPoP scheme (RFC 9449, section 7.1)', () => {
    expect(new TokenError('DPOP_PROOF_REPLAYED').wwwAuthenticate('orders')).toMatch(
      /^DPoP realm="orders", error="invalid_dpop_proof", .*algs="ES256 /,
    );
    expect(new TokenError('DPOP_PROOF_MISSING').wwwAuthenticate('orders')).toMatch(/^DPoP .*error="invalid_token"/);
  });
});
