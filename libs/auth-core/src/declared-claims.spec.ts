import { z } from 'zod';
import { signJwt } from './jws/sign.js';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from './keys/jwk.js';
import { TokenError } from './token-error.js';
import { createVerifier, type TokenVerifier } from './token-verifier.js';
import { type VerifierOptions } from './verifier-options.js';

const now = 1_800_000_000;

describe('further claims', () => {
  let key: PrivateJwk;
  const open: TokenVerifier[] = [];
  beforeAll(async () => {
    key = await generateSigningKey();
  });
  afterEach(() => {
    for (const verifier of open.splice(0)) verifier.close();
  });
  const base = (): VerifierOptions => ({
    issuer: 'https://issuer.test',
    audience: 'orders',
    now: () => now * 1_000,
    fetch: () => Promise.resolve(Response.json({ keys: [publicJwkOf(key)] })),
  });
  const tokenWith = (more: object): string => {
    const claims = { iss: 'https://issuer.test', aud: 'orders', sub: 'ada', client_id: 'web', scope: 'a', jti: '1' };
    return signJwt({ typ: 'at+jwt', kid: key.kid }, { ...claims, iat: now, exp: now + 60, ...more }, key);
  };
  const refusal = (verifier: TokenVerifier, token: string): unknown => {
    try {
      return verifier.verify(token);
    } catch (error) {
      if (error instanceof TokenError) return [error.code, error.detail];
      throw error;
    }
  };

  it('are in the principal as declared, typed and immutable, for first-seen and repeated tokens', async () => {
    const claims = z.object({ tenant: z.string(), groups: z.array(z.object({ id: z.number() })).default([]) });
    const verifier = await createVerifier({ ...base(), claims });
    open.push(verifier);
    const token = tokenWith({ tenant: 'acme', groups: [{ id: 7 }], other: 'x' });
    for (let look = 0; look < 2; look += 1) {
      const caller = verifier.verify(token);
      const tenant: string = caller.claims.tenant;
      expect([tenant, caller.claims]).toEqual(['acme', { tenant: 'acme', groups: [{ id: 7 }] }]);
      expect(Object.isFrozen(caller.claims.groups[0])).toBe(true);
    }
    expect(refusal(verifier, tokenWith({}))).toEqual(['CLAIM_MISSING', 'tenant']);
    expect(refusal(verifier, tokenWith({ tenant: 7 }))).toEqual(['CLAIM_INVALID', 'tenant']);
    expect(refusal(verifier, tokenWith({ tenant: 'a', groups: [{}] }))).toEqual(['CLAIM_INVALID', 'groups.0.id']);
  });

  it('are checked by custom functions, after all other checks have passed', async () => {
    const asked: string[] = [];
    const checks: VerifierOptions['checks'] = [
      ({ tenant }, { subject }) => {
        asked.push(subject);
        return tenant === 'acme' ? undefined : 'tenant';
      },
      ({ azp }, { clientId }) => (azp === clientId ? undefined : 'azp'),
    ];
    const verifier = await createVerifier({ ...base(), checks });
    open.push(verifier);
    expect(refusal(verifier, tokenWith({ tenant: 'acme', azp: 'web' }))).toMatchObject({ subject: 'ada' });
    expect(refusal(verifier, tokenWith({ tenant: 'other', azp: 'web' }))).toEqual(['CLAIM_INVALID', 'tenant']);
    expect(refusal(verifier, tokenWith({ tenant: 'acme', azp: 'other' }))).toEqual(['CLAIM_INVALID', 'azp']);
    expect(asked.length).toBe(3);
    expect(refusal(verifier, tokenWith({ tenant: 'acme', aud: 'others' }))).toEqual(['AUDIENCE_MISMATCH', 'aud']);
    expect(asked.length).toBe(3);
  });

  it('can be declared for several issuers at once', async () => {
    const { issuer, audience, ...common } = base();
    const claims = z.object({ tenant: z.string() });
    const verifier = await createVerifier({ ...common, audience, claims, issuers: [{ issuer }] });
    open.push(verifier);
    expect(verifier.verify(tokenWith({ tenant: 'acme' })).claims.tenant).toBe('acme');
  });

  it('with an asynchronous schema are an error of the service, not of the token', async () => {
    const claims = z.object({ tenant: z.string() }).refine(() => Promise.resolve(true));
    const verifier = await createVerifier({ ...base(), claims });
    open.push(verifier);
    expect(() => verifier.verify(tokenWith({ tenant: 'a' }))).toThrow(/promise|async/i);
  });
});
