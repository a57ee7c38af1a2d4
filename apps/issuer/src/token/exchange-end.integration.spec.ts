import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey, localSigner, type PrivateJwk } from '@countersign/auth-core';
import fc from 'fast-check';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { signAccessToken } from './grants/access-token.js';
import { claimsForExchange } from './grants/exchanged-claims.js';
import { decideTokenExchange } from './grants/token-exchange.grant.js';
import { claimsForClient } from './grants/token-parameters.js';

const grant = {
  issuer: 'https://issuer.test',
  clientId: 'shop',
  audience: 'payments',
  scopes: ['payments:create'],
  tokenId: '01a21031-6897-71c1-8114-42669a3f0602',
};

const edge = { subject_audience: 'payments', subject_scope: 'payments:create', audience: 'accounts' };
const policy = { audiences: {}, exchange: [{ ...edge, scopes: ['transfers:create'] }] };

describe('an exchange near the end of its subject token', () => {
  const folder = mkdtempSync(join(tmpdir(), 'exchange-'));
  let issuer: IssuerUnderTest;
  let signing: PrivateJwk;

  beforeAll(async () => {
    signing = await generateSigningKey();
    writeFileSync(join(folder, 'key.json'), JSON.stringify(signing));
    issuer = await startIssuer({ SIGNING_KEY_IMPORT: join(folder, 'key.json') });
  }, 120_000);
  afterAll(async () => {
    await issuer.stop();
    rmSync(folder, { recursive: true });
  }, 60_000);

  async function exchange(secondsLeft: number) {
    const issuedAt = Math.floor(Date.now() / 1_000) - 300;
    const claims = claimsForClient({ ...grant, issuer: issuer.url, issuedAt, lifetime: 300 + secondsLeft });
    return issuer.token({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: signAccessToken(claims, localSigner(signing)),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'accounts',
      scope: 'transfers:create',
      ...(await issuer.credentials('payments')),
    });
  }

  it.each([4, 1, 0, -1])('is refused with %p seconds left, and says why', async (left) => {
    const { status, body } = await exchange(left);
    expect([status, body['error']]).toEqual([400, 'invalid_grant']);
    expect(body['error_description']).toContain('expires in less than 5 seconds');
  });

  it('is granted while something useful is left, for no longer than that', async () => {
    const { status, body } = await exchange(60);
    expect(status).toBe(200);
    expect(body['expires_in']).toBeGreaterThan(0);
    expect(body['expires_in']).toBeLessThanOrEqual(60);
  });

  it('never issues a token that expires before it starts, whatever the clocks say', () => {
    const story = fc.record({
      now: fc.nat(10_000_000),
      left: fc.integer({ min: -10_000, max: 900_000 }),
      lifetime: fc.integer({ min: 10, max: 900 }),
    });
    fc.assert(
      fc.property(story, ({ now, left, lifetime }) => {
        const subject = {
          issuer: 'https://issuer.test',
          subject: 'shop',
          clientId: 'shop',
          audience: 'payments',
          scopes: new Set(['payments:create']),
          actors: [],
          roles: [],
          amr: [],
          kind: 'service' as const,
          tokenId: 'subject',
          txn: 'txn',
          issuedAt: 0,
          expiresAt: Math.floor((now + left) / 1_000),
        };
        const decision = decideTokenExchange(
          policy,
          subject,
          { audience: 'accounts', scopes: ['transfers:create'] },
          now,
        );
        if (!decision.ok) {
          expect([decision.error, left < 6_000]).toEqual(['invalid_grant', true]);
          return;
        }
        const claims = claimsForExchange({ ...grant, issuedAt: Math.floor(now / 1_000), lifetime }, subject);
        expect(claims.exp - claims.iat).toBeGreaterThanOrEqual(5);
      }),
    );
  });
});
