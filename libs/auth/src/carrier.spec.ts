import { createServer } from 'node:http';
import { ExecutionContextHost } from '@nestjs/core/internal';
import fc from 'fast-check';
import { authorizedToken, bindPrincipal, carrierOf, principalOf } from './carrier.js';
import { CountersignGuard } from './auth.guard.js';

describe('the carrier of a token', () => {
  it('is undefined for an unknown kind of context', () => {
    const context = new ExecutionContextHost([{ headers: { authorization: 'Bearer a.b.c' } }]);
    context.setType('carrier-pigeon');
    expect(carrierOf(context)).toBeUndefined();
    expect(CountersignGuard.name).toBe('CountersignGuard');
  });

  it('never finds a token in anything but one well-formed header', () => {
    for (const header of ['Bearer', 'Bearer ', 'Bearer a b', 'Basic a', 'Bearera', ' Bearer a', 'Bearer  ', 'Token a'])
      expect([header, authorizedToken(header)]).toEqual([header, undefined]);
    for (const header of ['Bearer a', 'bearer a', 'BEARER  a ', 'Bearer  a', 'dpop a', 'DPoP a'])
      expect(authorizedToken(header)).toBe('a');
  });

  it('returns exactly the token that a header carries', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w.-]{1,80}$/), fc.constantFrom('Bearer', 'bearer', 'DPoP'), (token, scheme) => {
        expect(authorizedToken(`${scheme} ${token}`)).toBe(token);
      }),
    );
  });

  it('stores the principal where no body or query can put one', () => {
    const holder = { principal: { subject: 'forged' }, 'countersign.principal': { subject: 'forged' } };
    expect(principalOf(holder)).toBeUndefined();
    expect(() => {
      bindPrincipal(Object.freeze({}), principalStandIn);
    }).toThrow(/frozen/);
    createServer().close();
  });
});

const principalStandIn = {
  subject: 'ada',
  clientId: 'shop',
  actors: [],
  scopes: new Set<string>(),
  audience: 'orders',
  issuer: 'https://issuer.test',
  tokenId: '1',
  txn: '1',
  roles: [],
  amr: [],
  kind: 'service' as const,
  issuedAt: 0,
  expiresAt: 0,
};
