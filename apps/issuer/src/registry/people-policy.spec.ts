import fc from 'fast-check';
import { decideForApplication, decideForPerson, peoplePolicySchema } from './people-policy.js';

const policy = peoplePolicySchema.parse({
  issuer: ['openid', { scope: 'email', roles: ['staff'] }],
  payments: ['payments:create', { scope: 'payments:refund', roles: ['treasurer', 'chief'] }],
});

describe('what an application may ask a person for', () => {
  it('is what its policy declares for the audience, with who the person is', () => {
    expect(decideForApplication(policy, 'payments', ['openid', 'payments:create'])).toEqual({
      ok: true,
      audience: 'payments',
      scopes: ['openid', 'payments:create'],
    });
  });

  it.each([
    [undefined, 'payments', ['payments:create'], 'invalid_target'],
    [policy, 'accounts', ['payments:create'], 'invalid_target'],
    [policy, '__proto__', ['payments:create'], 'invalid_target'],
    [policy, 'payments', ['payments:read'], 'invalid_scope'],
    [policy, 'payments', ['payments:create', 'profile'], 'invalid_scope'],
    [policy, 'issuer', ['payments:create'], 'invalid_scope'],
    [policy, 'payments', [], 'invalid_scope'],
  ] as const)('is nothing else (case %#)', (of, audience, scopes, error) => {
    expect(decideForApplication(of, audience, scopes)).toMatchObject({ ok: false, error });
  });

  it('without a resource is the issuer for who the person is, else the only service of the policy', () => {
    expect(decideForApplication(policy, undefined, ['openid'])).toMatchObject({ audience: 'issuer' });
    expect(decideForApplication(policy, undefined, ['payments:create'])).toMatchObject({ audience: 'payments' });
    expect(decideForApplication(policy, undefined, [])).toEqual({ ok: true, audience: 'issuer', scopes: ['openid'] });
    expect(decideForApplication({ payments: ['payments:create'] }, undefined, [])).toMatchObject({ ok: false });
    const two = { ...policy, accounts: ['accounts:read'] };
    expect(decideForApplication(two, undefined, ['payments:create'])).toMatchObject({ error: 'invalid_target' });
  });
});

describe('what a person can give an application', () => {
  const asked = (...scopes: string[]) => ({ audience: 'payments', scopes });

  it('omits scopes for other roles', () => {
    const both = asked('payments:create', 'payments:refund', 'email');
    expect(decideForPerson(policy, both, [])).toMatchObject({ scopes: ['payments:create'] });
    expect(decideForPerson(policy, both, ['chief', 'staff'])).toMatchObject({ scopes: both.scopes });
  });

  it("is refused if nothing remains, or only the person's identity", () => {
    expect(decideForPerson(policy, asked('payments:refund'), [])).toMatchObject({ error: 'access_denied' });
    expect(decideForPerson(policy, asked('openid', 'payments:refund'), [])).toMatchObject({ error: 'access_denied' });
  });

  it("is never more than was requested, and never beyond the application's policy", () => {
    const scope = fc.constantFrom('openid', 'email', 'profile', 'payments:create', 'payments:refund', 'payments:read');
    const roles = fc.subarray(['treasurer', 'chief', 'staff']);
    fc.assert(
      fc.property(fc.uniqueArray(scope), roles, (scopes, held) => {
        const given = decideForPerson(policy, asked(...scopes), held);
        if (!given.ok) return;
        expect(scopes).toEqual(expect.arrayContaining([...given.scopes]));
        expect(decideForApplication(policy, 'payments', given.scopes).ok).toBe(true);
        if (!held.includes('treasurer') && !held.includes('chief')) {
          expect(given.scopes).not.toContain('payments:refund');
        }
      }),
    );
  });
});
