import { MemoryRevocationList, type Principal } from '@countersign/auth-core';
import { principalOfClaims } from '@countersign/auth-core/jws';
import { uuidv7 } from '@countersign/audit-event';
import fc from 'fast-check';
import { type AccessTokenClaims } from '../token/grants/access-token.js';
import { claimsForExchange } from '../token/grants/exchanged-claims.js';
import { claimsForClient } from '../token/grants/token-parameters.js';
import { revocationFor, withDerived, type Moment, type RevocationRequest } from './revocation.js';

const BEGUN = 1_800_000_000;
const issuer = 'https://issuer.test';
const clients = ['shop', 'app', 'payments', 'accounts', 'stock'];
const client = fc.constantFrom(...clients);

/** A token of a chain, in the order in which they were issued; each but the first was exchanged for one before it. */
const hop = fc.record({ client, from: fc.nat(7), afterMs: fc.integer({ min: 1, max: 4_000 }) });
const chain = fc.record({ first: client, hops: fc.array(hop, { maxLength: 7 }) });

interface Issued {
  readonly principal: Principal;
  readonly atMs: number;
  /** The tokens that it was exchanged for, the first of the transaction at the end. */
  readonly ancestors: readonly Issued[];
}

function principalOf(claims: AccessTokenClaims): Principal {
  return principalOfClaims({ ...claims }, { issuer, audience: claims.aud, toleranceSeconds: 5 }, claims.iat);
}

function grantAt(atMs: number, clientId: string) {
  const issuedAt = Math.floor(atMs / 1_000);
  const common = { issuer, audience: 'stock', scopes: ['read'], lifetime: 300 };
  return { ...common, clientId, tokenId: uuidv7(atMs), issuedAt };
}

function issue({ first, hops }: { first: string; hops: readonly { client: string; from: number; afterMs: number }[] }) {
  let atMs = BEGUN * 1_000;
  const issued: Issued[] = [{ principal: principalOf(claimsForClient(grantAt(atMs, first))), atMs, ancestors: [] }];
  for (const { client: by, from, afterMs } of hops) {
    atMs += afterMs;
    const parent = issued[from % issued.length];
    if (parent === undefined) throw new Error('no parent');
    const principal = principalOf(claimsForExchange(grantAt(atMs, by), parent.principal));
    issued.push({ principal, atMs, ancestors: [parent, ...parent.ancestors] });
  }
  return issued;
}

/** The clients whose requests led to a token: who got it, and who got those that it was exchanged for. */
const involved = ({ principal, ancestors }: Issued): readonly string[] => [
  principal.clientId,
  ...ancestors.map((one) => one.principal.clientId),
];

function refusals(
  issued: readonly Issued[],
  requests: readonly RevocationRequest[],
  moment: Moment,
): readonly boolean[] {
  const list = new MemoryRevocationList();
  for (const requested of requests) list.add(revocationFor(requested, moment));
  return issued.map(({ principal }) => list.isRevoked(principal, 'k'));
}

describe('what is revoked in a chain of token exchanges', () => {
  const now: Moment = { now: BEGUN + 60, issuedUntil: BEGUN + 65 };

  it('by a client: every token that involves the client, however it was passed on, and no other', () => {
    fc.assert(
      fc.property(chain, client, (story, revoked) => {
        const issued = issue(story);
        const expected = issued.map((token) => involved(token).includes(revoked));
        expect(refusals(issued, [{ kind: 'client', clientId: revoked }], now)).toEqual(expected);
      }),
    );
  });

  it('by a client, up to a time: no token that was issued later, even in the same second', () => {
    fc.assert(
      fc.property(chain, client, fc.nat(28_000), (story, revoked, afterMs) => {
        const issued = issue(story);
        const untilMs = BEGUN * 1_000 + afterMs;
        const moment = { now: untilMs / 1_000, issuedUntil: untilMs / 1_000 };
        const expected = issued.map((token) => involved(token).includes(revoked) && token.atMs <= untilMs);
        expect(refusals(issued, [{ kind: 'client', clientId: revoked }], moment)).toEqual(expected);
      }),
    );
  });

  it('by a token and its derivatives: the token and everything exchanged for it, at any depth', () => {
    fc.assert(
      fc.property(chain, fc.nat(7), (story, chosen) => {
        const issued = issue(story);
        const leaked = issued[chosen % issued.length];
        if (leaked === undefined) throw new Error('no token');
        const { tokenId, txn, expiresAt } = leaked.principal;
        const refused = refusals(issued, withDerived(tokenId, txn, expiresAt, undefined), now);
        for (const [index, token] of issued.entries()) {
          if (token === leaked || token.ancestors.includes(leaked)) expect(refused[index]).toBe(true);
        }
        const others = issue(story);
        expect(refusals(others, withDerived(tokenId, txn, expiresAt, undefined), now).some(Boolean)).toBe(false);
      }),
    );
  });

  it('by a subject: everything about it, and everything that it acts in', () => {
    fc.assert(
      fc.property(chain, client, (story, revoked) => {
        const issued = issue(story);
        const expected = issued.map(({ principal: { subject, actors } }) =>
          [subject, ...actors.map((actor) => actor.subject)].includes(revoked),
        );
        expect(refusals(issued, [{ kind: 'subject', subject: revoked }], now)).toEqual(expected);
      }),
    );
  });

  it('by a token: only that token', () => {
    fc.assert(
      fc.property(chain, fc.nat(7), (story, chosen) => {
        const issued = issue(story);
        const index = chosen % issued.length;
        const tokenId = issued[index]?.principal.tokenId ?? '';
        expect(refusals(issued, [{ kind: 'token', tokenId }], now)).toEqual(issued.map((_, at) => at === index));
      }),
    );
  });
});
