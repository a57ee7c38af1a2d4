import {
  createVerifier,
  generateSigningKey,
  localSigner,
  publicJwkOf,
  type Principal,
  type PrivateJwk,
  type TokenVerifier,
} from '@countersign/auth-core';
import fc from 'fast-check';
import { type Policy } from '../registry/client.js';
import { ACTOR_LIMIT, decideClientCredentials, decideExchange } from '../registry/policy.js';
import { signAccessToken, type AccessTokenClaims } from './grants/access-token.js';
import { claimsForExchange } from './grants/exchanged-claims.js';
import { claimsForClient } from './grants/token-parameters.js';

const BEGUN = 1_800_000_000;
const services = ['payments', 'accounts', 'stock'];
const scopes = ['read', 'write', 'refund'];
const service = fc.constantFrom(...services);
const someScopes = fc.uniqueArray(fc.constantFrom(...scopes), { minLength: 1 });
const edge = fc.record({
  subject_audience: service,
  subject_scope: fc.constantFrom(...scopes),
  audience: service,
  scopes: someScopes,
});
const policy: fc.Arbitrary<Policy> = fc.record({
  audiences: fc.dictionary(service, someScopes),
  exchange: fc.array(edge, { maxLength: 12 }),
});
const hop = fc.record({
  /** Which of the client's open edges is tried; one time in four any audience and scopes at all. */
  edge: fc.nat(20),
  audience: service,
  scopes: someScopes,
  after: fc.nat(60),
  lifetime: fc.integer({ min: 10, max: 900 }),
});
const story = fc.record({
  first: policy,
  policies: fc.tuple(policy, policy, policy),
  begin: fc.record({ audience: service, scopes: someScopes, lifetime: fc.integer({ min: 10, max: 900 }) }),
  hops: fc.array(hop, { minLength: 1, maxLength: 8, size: 'max' }),
});

/** Every audience and scope that edges lead to from a token's own, no matter who exchanges and however often. */
function reachable(from: Principal, policies: readonly Policy[]): ReadonlySet<string> {
  const reached = new Set([...from.scopes].map((scope) => `${from.audience} ${scope}`));
  for (let before = -1; before !== reached.size;) {
    before = reached.size;
    for (const [index, { exchange }] of policies.entries()) {
      for (const { subject_audience: held, subject_scope: scope, audience, scopes: given } of exchange) {
        if (held !== services[index] || !reached.has(`${held} ${scope}`)) continue;
        for (const one of given) reached.add(`${audience} ${one}`);
      }
    }
  }
  return reached;
}

describe('a chain of token exchanges', () => {
  const verifiers = new Map<string, TokenVerifier>();
  let key: PrivateJwk;
  let now = BEGUN;

  beforeAll(async () => {
    key = await generateSigningKey();
    const jwks = JSON.stringify({ keys: [publicJwkOf(key)] });
    for (const audience of services) {
      const fetch = () => Promise.resolve(new Response(jwks));
      verifiers.set(
        audience,
        await createVerifier({ issuer: 'https://i.test', audience, now: () => now * 1_000, fetch }),
      );
    }
  });
  afterAll(() => {
    for (const verifier of verifiers.values()) verifier.close();
  });

  const verified = (claims: AccessTokenClaims): Principal | undefined =>
    verifiers.get(claims.aud)?.verifySubjectToken(signAccessToken(claims, localSigner(key)));

  it('widens nothing, however long it is: scopes, audiences, lifetime and actors stay within the first token and the declared edges', () => {
    let longest = 0;
    let tooLong = 0;
    fc.assert(
      fc.property(story, ({ first, policies, begin, hops }) => {
        now = BEGUN;
        const common = { issuer: 'https://i.test', clientId: 'shop', tokenId: 'first', issuedAt: now };
        const decision = decideClientCredentials(first, begin.audience, begin.scopes);
        fc.pre(decision.ok);
        const origin = verified(claimsForClient({ ...common, ...begin, scopes: decision.ok ? decision.scopes : [] }));
        expect(origin).toBeDefined();
        if (origin === undefined) return;
        const within = reachable(origin, policies);
        let held = origin;
        for (const [index, { edge: tried, after, lifetime, ...asked }] of hops.entries()) {
          now += after;
          if (now >= held.expiresAt) return;
          const clientId = held.audience;
          const { exchange } = policies[services.indexOf(clientId)] ?? first;
          const open = exchange.filter(
            (one) => one.subject_audience === clientId && held.scopes.has(one.subject_scope),
          );
          const requested = (tried < 15 ? open[tried % Math.max(open.length, 1)] : undefined) ?? asked;
          const exchanged = decideExchange({ audiences: {}, exchange }, held, requested.audience, requested.scopes);
          if (!exchanged.ok) {
            if (held.actors.length === ACTOR_LIMIT) tooLong += 1;
            continue;
          }
          const grant = {
            ...common,
            clientId,
            audience: requested.audience,
            tokenId: `hop-${String(index)}`,
            lifetime,
          };
          const claims = claimsForExchange({ ...grant, scopes: exchanged.scopes, issuedAt: now }, held);
          const next = verified(claims);
          expect(next).toBeDefined();
          if (next === undefined) return;
          for (const scope of next.scopes) expect(within).toContain(`${next.audience} ${scope}`);
          expect(next.expiresAt).toBeLessThanOrEqual(Math.min(held.expiresAt, now + lifetime));
          expect([next.subject, next.txn, next.roles]).toEqual([origin.subject, origin.txn, origin.roles]);
          expect(next.actors.map(({ subject }) => subject)).toEqual([
            clientId,
            ...held.actors.map(({ subject }) => subject),
          ]);
          expect(next.actors.length).toBeLessThanOrEqual(ACTOR_LIMIT);
          held = next;
          longest = Math.max(longest, held.actors.length);
        }
      }),
      { numRuns: 400 },
    );
    // Otherwise nothing was tried.
    expect([longest, tooLong > 0]).toEqual([ACTOR_LIMIT, true]);
  });
});
