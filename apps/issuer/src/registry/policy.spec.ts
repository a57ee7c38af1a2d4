import fc from 'fast-check';
import { claimsForExchange } from '../token/grants/exchanged-claims.js';
import { claimsForClient } from '../token/grants/token-parameters.js';
import { type Policy } from './client.js';
import { decideClientCredentials, decideExchange } from './policy.js';

const names = ['payments', 'accounts', 'audit'];
const scopes = ['a:read', 'a:write', 'b:read', 'b:write'];
const scopeList = fc.uniqueArray(fc.constantFrom(...scopes));
const policies: fc.Arbitrary<Policy> = fc.record({
  audiences: fc.dictionary(fc.constantFrom(...names), scopeList),
  exchange: fc.array(
    fc.record({
      subject_audience: fc.constantFrom(...names),
      subject_scope: fc.constantFrom(...scopes),
      audience: fc.constantFrom(...names),
      scopes: scopeList,
    }),
    { maxLength: 5 },
  ),
});

describe('the policy of a client', () => {
  it('grants exactly the requested scopes, and only those that it names for the audience', () => {
    fc.assert(
      fc.property(
        policies,
        fc.constantFrom(...names, '__proto__', 'constructor'),
        scopeList,
        (policy, audience, asked) => {
          const decision = decideClientCredentials(policy, audience, asked);
          const allowed = Object.hasOwn(policy.audiences, audience) ? policy.audiences[audience] : undefined;
          const may = allowed !== undefined && asked.length > 0 && asked.every((scope) => allowed.includes(scope));
          expect(decision.ok).toBe(may);
          if (decision.ok) expect(decision.scopes).toEqual(asked);
          else expect(decision.error).toBe(allowed === undefined ? 'invalid_target' : 'invalid_scope');
        },
      ),
    );
  });

  it('never widens by exchange: each scope is on an edge that the subject token opens', () => {
    fc.assert(
      fc.property(
        policies,
        fc.constantFrom(...names),
        scopeList,
        fc.constantFrom(...names),
        scopeList,
        (policy, held, with_, audience, asked) => {
          const decision = decideExchange(
            policy,
            { audience: held, scopes: new Set(with_), actors: [] },
            audience,
            asked,
          );
          if (!decision.ok) return;
          for (const scope of decision.scopes) {
            const edge = policy.exchange.find(
              (one) =>
                one.audience === audience &&
                one.subject_audience === held &&
                with_.includes(one.subject_scope) &&
                one.scopes.includes(scope),
            );
            expect(edge).toBeDefined();
          }
        },
      ),
    );
  });

  it('never lengthens by exchange, keeps subject, txn and roles, and puts the newest actor outermost', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.integer({ min: 10, max: 900 }),
        fc.array(fc.string({ minLength: 1 }), { maxLength: 4 }),
        (left, lifetime, chain) => {
          const grant = {
            issuer: 'i',
            clientId: 'payments',
            audience: 'accounts',
            scopes: ['a:read'],
            tokenId: 't',
            issuedAt: 1_000,
            lifetime,
          };
          const subject = {
            ...{
              subject: 'ada',
              clientId: 'shop',
              audience: 'payments',
              issuer: 'i',
              tokenId: 's',
              txn: 'first',
              roles: ['clerk'],
              amr: [],
              kind: 'service' as const,
            },
            ...{
              scopes: new Set(['x']),
              issuedAt: 900,
              expiresAt: 1_000 + left,
              actors: chain.map((name) => ({ subject: name })),
            },
          };
          const claims = claimsForExchange(grant, subject);
          expect(claims.exp).toBe(Math.min(1_000 + lifetime, 1_000 + left));
          expect([claims.sub, claims.txn, claims.roles, claims.act?.sub]).toEqual([
            'ada',
            'first',
            ['clerk'],
            'payments',
          ]);
          const actors: string[] = [];
          for (let act = claims.act; act !== undefined; act = act.act) actors.push(act.sub);
          expect(actors).toEqual(['payments', ...chain]);
        },
      ),
    );
    const own = claimsForClient({
      issuer: 'i',
      clientId: 'shop',
      audience: 'a',
      scopes: ['s'],
      tokenId: 't',
      issuedAt: 1,
      lifetime: 300,
    });
    expect([own.sub, own.txn, own.act]).toEqual(['shop', 't', undefined]);
  });
});
