import { createVerifier, MemoryRevocationList } from '@countersign/auth-core';
import { createTestIssuer } from '@countersign/test-kit';
import { TokenWatch } from './token-watch.service.js';

describe('the watch on a reader’s token', () => {
  const jkt = 'A'.repeat(43);

  it.each([
    ['a bearer token', {}],
    ['a token that is bound to a key', { claims: { cnf: { jkt } } }],
  ])('sees that %s was revoked, and that it has expired', async (_, requested) => {
    let now = Date.now();
    const revocations = new MemoryRevocationList();
    const issuer = await createTestIssuer({ audience: 'audit' });
    const { issuer: name, fetch } = issuer;
    const verifier = await createVerifier({ issuer: name, audience: 'audit', fetch, revocations, now: () => now });
    const watch = new TokenWatch(verifier);
    const token = await issuer.mint(requested);
    const other = await issuer.mint(requested);
    expect([token, other].map((one) => watch.isGood(one))).toEqual([true, true]);
    const { tokenId } = verifier.verifySubjectToken(token);
    revocations.add({ kind: 'token', tokenId, until: now / 1_000 + 300 });
    expect([token, other].map((one) => watch.isGood(one))).toEqual([false, true]);
    now += 306_000;
    expect(watch.isGood(other)).toBe(false);
    verifier.close();
  });
});
