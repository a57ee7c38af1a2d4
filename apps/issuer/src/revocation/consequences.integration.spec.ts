import { createVerifier, TokenError } from '@countersign/auth-core';
import { startRevocationFeed, type RevocationFeed } from '@countersign/revocation-feed';
import { connect } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

describe('what an administrator revokes is refused by a validator that never asks the issuer', () => {
  let issuer: IssuerUnderTest;
  let feed: RevocationFeed;
  const requested = { audience: 'payments', scope: 'payments:create' };

  beforeAll(async () => {
    issuer = await startIssuer();
    const { nats, passwords } = issuer.backing;
    feed = startRevocationFeed({
      issuer: issuer.url,
      connect: () =>
        connect({ servers: nats.url, user: 'payments', pass: passwords.payments, inboxPrefix: '_INBOX_payments' }),
    });
    await feed.loaded;
  }, 180_000);
  afterAll(async () => {
    await feed.close();
    await issuer.stop();
  }, 60_000);

  async function refusedAfter(act: () => Promise<unknown>): Promise<string> {
    const token = String((await issuer.token(requested)).body['access_token']);
    const verifier = await createVerifier({ issuer: issuer.url, audience: 'payments', revocations: feed });
    try {
      verifier.verify(token);
      await act();
      for (let attempt = 0; attempt < 200; attempt += 1) {
        verifier.verify(token);
        await delay(25);
      }
      return 'still accepted';
    } catch (error) {
      return error instanceof TokenError ? error.code : String(error);
    } finally {
      verifier.close();
    }
  }

  it('a disabled client: its tokens, even after it is enabled again', async () => {
    const act = async () => {
      expect((await issuer.admin('POST', '/admin/clients/shop/disable')).status).toBeLessThan(300);
      expect((await issuer.admin('POST', '/admin/clients/shop/enable')).status).toBeLessThan(300);
    };
    expect(await refusedAfter(act)).toBe('TOKEN_REVOKED');
    expect(await refusedAfter(() => Promise.resolve())).toBe('still accepted');
  }, 60_000);

  it('a client that is no longer declared: its tokens, whether an administrator applies the declaration or a start does', async () => {
    const declared = async (clientId: string): Promise<object> => {
      const { client_id, jwks, policy } = (await issuer.admin('GET', `/admin/clients/${clientId}`)).body;
      return { client_id, jwks, policy };
    };
    const [operator, shop] = [await declared('operator'), await declared('shop')];
    const apply = (clients: readonly object[]) => issuer.admin('POST', '/admin/clients/apply', { clients });
    expect(await refusedAfter(() => apply([operator]))).toBe('TOKEN_REVOKED');
    await apply([operator, shop]);
    const file = { CLIENTS_FILE: issuer.fileOf('fewer.json', { clients: [operator] }) };
    expect(await refusedAfter(() => issuer.join(file))).toBe('TOKEN_REVOKED');
    const { rows } = await issuer.database.query<{ revoked_by: string }>(
      `select revoked_by from revocation where name = 'shop'`,
    );
    expect(rows).toEqual([{ revoked_by: 'configuration CLIENTS_FILE' }]);
    await apply([operator, shop]);
  }, 60_000);

  it('a revoked key: what it signed, also with the keys that the validator fetched before', async () => {
    const keys = (await (await fetch(`${issuer.url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] };
    const act = async () => {
      for (const { kid } of keys.keys) {
        const answer = await issuer.admin('POST', `/admin/keys/${kid}/revoke`);
        expect(answer.status).toBeLessThan(300);
      }
    };
    expect(await refusedAfter(act)).toBe('TOKEN_REVOKED');
  }, 60_000);
});
