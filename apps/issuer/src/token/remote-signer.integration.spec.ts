import { type TokenSigner } from '@countersign/auth-core';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { Replica } from '../registry/replica.service.js';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

const requested = { audience: 'payments', scope: 'payments:create' };

describe('the token endpoint with a signer that answers later', () => {
  let issuer: IssuerUnderTest;
  let replica: Replica;

  /** Signs as the local key does, after something else: as a KMS would. */
  function signAfter(before: () => Promise<unknown>): void {
    const { signer } = replica;
    const later: TokenSigner = {
      kid: signer.kid,
      alg: signer.alg,
      sign: async (input) => {
        await before();
        return signer.sign(input);
      },
    };
    // Once: what is signed again is signed by the replica's own.
    Object.defineProperty(replica, 'signer', {
      configurable: true,
      get: () => (Reflect.deleteProperty(replica, 'signer'), later),
    });
  }
  const kidOf = async (token: unknown): Promise<string | undefined> => {
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer.url));
    return (await jwtVerify(String(token), keys, { issuer: issuer.url })).protectedHeader.kid;
  };

  beforeAll(async () => {
    issuer = await startIssuer();
    replica = issuer.app.get(Replica);
  }, 120_000);
  afterAll(async () => {
    await issuer.stop();
  }, 60_000);

  it('hands out the token that was signed', async () => {
    const { kid } = replica.signer;
    signAfter(() => new Promise((resolve) => setImmediate(resolve)));
    const { status, body } = await issuer.token(requested);
    expect([status, await kidOf(body['access_token'])]).toEqual([200, kid]);
  });

  it('signs again with the new key when the keys were rotated in the meantime', async () => {
    const { kid } = replica.signer;
    signAfter(async () => {
      expect((await issuer.admin('POST', `/admin/keys/${kid}/revoke`, {})).status).toBeLessThan(300);
    });
    const { status, body } = await issuer.token(requested);
    expect([status, replica.signer.kid === kid]).toEqual([200, false]);
    expect(await kidOf(body['access_token'])).toBe(replica.signer.kid);
  });

  it('hands out and records nothing when it did not sign', async () => {
    const issued = `select count(*)::int as n from audit_outbox_event where event->>'type' like '%token.issued%'`;
    const before: unknown = (await issuer.database.query(issued)).rows;
    expect(before).not.toEqual([{ n: 0 }]);
    signAfter(() => Promise.reject(new Error('the KMS is unavailable')));
    const { status, body } = await issuer.token(requested);
    expect([status, 'access_token' in body]).toEqual([500, false]);
    expect((await issuer.database.query(issued)).rows).toEqual(before);
  });
});
