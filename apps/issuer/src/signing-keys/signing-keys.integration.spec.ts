import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createVerifier } from '@countersign/auth-core';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { KeyRotation } from './key-rotation.service.js';
import { RevocationKeyRotation } from './revocation-key-rotation.service.js';

interface KeyJson {
  readonly kid: string;
  readonly state: string;
  readonly revoked: boolean;
}

describe('signing keys at two replicas', () => {
  let issuer: IssuerUnderTest;
  let other: string;
  const requested = { audience: 'payments', scope: 'payments:create' };
  const keysOf = (body: Readonly<Record<string, unknown>>): readonly KeyJson[] => body['keys'] as readonly KeyJson[];
  const stateOf = (keys: readonly KeyJson[], state: string) => keys.filter((key) => key.state === state);
  const kidOf = (token: unknown): string => {
    const [header = ''] = String(token).split('.');
    return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid;
  };
  const published = async (at: string): Promise<readonly string[]> => {
    const jwks = (await (await fetch(`${at}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] };
    return jwks.keys.map(({ kid }) => kid);
  };

  beforeAll(async () => {
    issuer = await startIssuer({ JWKS_LIFETIME_SECONDS: '1' }, 2);
    other = issuer.urls[1] ?? '';
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  it('begins with one active key and one pending, the same at both replicas, also when they start at once', async () => {
    const keys = keysOf((await issuer.admin('GET', '/admin/keys')).body);
    expect(keys.map(({ state }) => state).sort()).toEqual(['active', 'pending']);
    expect(await published(issuer.url)).toEqual(await published(other));
  });

  it('keeps private keys encrypted', async () => {
    const { rows } = await issuer.database.query<{ private_key: object }>('select private_key from signing_key');
    for (const row of rows) expect(Object.keys(row.private_key).sort()).toEqual(['ciphertext', 'kek']);
  });

  it('re-encrypts everything under another key-encryption key, and no longer needs the old one', async () => {
    const policy = { audiences: { payments: ['payments:create'] } };
    const legacy = { client_id: 'legacy', token_endpoint_auth_method: 'client_secret_basic', policy };
    const secret = String((await issuer.admin('POST', '/admin/clients', legacy)).body['client_secret']);
    const next = `next:${randomBytes(32).toString('base64url')}`;
    await issuer.join({ KEY_ENCRYPTION_KEYS: `${next},${issuer.kek}` });
    const { rows } = await issuer.database.query<{ kek: string }>(
      `select private_key->>'kek' as kek from signing_key where private_key is not null
       union select sealed->>'kek' from issuer_secret`,
    );
    expect(rows).toEqual([{ kek: 'next' }]);
    const alone = await issuer.join({ KEY_ENCRYPTION_KEYS: next });
    const authorization = `Basic ${Buffer.from(`legacy:${secret}`).toString('base64')}`;
    expect((await issuer.token(requested, alone, { authorization })).status).toBe(200);
    await issuer.join({ KEY_ENCRYPTION_KEYS: `${issuer.kek},${next}` });
  });

  it('lets the pending key sign once validators know it, at every replica from the commit on', async () => {
    const before = keysOf((await issuer.admin('GET', '/admin/keys')).body);
    const [pending] = stateOf(before, 'pending');
    let rotated = await issuer.admin('POST', '/admin/keys/rotate');
    if (rotated.status === 409) {
      expect(rotated.body['code']).toBe('KEY_NOT_YET_PUBLISHED');
      expect(rotated.headers.get('retry-after')).not.toBeNull();
      await delay(2_100);
      rotated = await issuer.admin('POST', '/admin/keys/rotate');
    }
    expect(stateOf(keysOf(rotated.body), 'active').map(({ kid }) => kid)).toEqual([pending?.kid]);
    const tokens = await Promise.all([issuer.token(requested, other), issuer.token(requested)]);
    expect(tokens.map(({ body }) => kidOf(body['access_token']))).toEqual([pending?.kid, pending?.kid]);
    expect((await issuer.admin('POST', '/admin/keys/rotate')).body['code']).toBe('KEY_NOT_YET_PUBLISHED');
  });

  it('removes a revoked key from the JWKS immediately; the standby key signs, and validators already know it', async () => {
    const verifier = await createVerifier({ issuer: issuer.url, audience: 'payments' });
    const before = keysOf((await issuer.admin('GET', '/admin/keys')).body);
    const [active] = stateOf(before, 'active');
    const [pending] = stateOf(before, 'pending');
    const answer = await issuer.admin('POST', `/admin/keys/${active?.kid ?? ''}/revoke`);
    expect(keysOf(answer.body).find(({ kid }) => kid === active?.kid)).toMatchObject({
      state: 'removed',
      revoked: true,
    });
    expect(await published(issuer.url)).not.toContain(active?.kid);
    const { body } = await issuer.token(requested, other);
    expect(kidOf(body['access_token'])).toBe(pending?.kid);
    expect(verifier.verify(String(body['access_token'])).clientId).toBe('shop');
    verifier.close();
    await delay(1_500);
    expect(await published(other)).not.toContain(active?.kid);
    expect((await issuer.admin('POST', `/admin/keys/${'A'.repeat(43)}/revoke`)).status).toBe(404);
  });

  describe('that has expired', () => {
    /** Makes every retired key a day older, and does what is due then. */
    const later = async (table: string, rotation: typeof KeyRotation): Promise<void> => {
      await issuer.database.query(`update ${table} set retired_at = retired_at - interval '1 day'`);
      await issuer.app.get(rotation).run();
    };
    const removed = { outcome: 'allowed', changes: { state: { before: 'retired', after: 'removed' } } };

    it('leave the JWKS, and that is recorded', async () => {
      const [retired] = stateOf(keysOf((await issuer.admin('GET', '/admin/keys')).body), 'retired');
      await later('signing_key', KeyRotation);
      const now = keysOf((await issuer.admin('GET', '/admin/keys')).body);
      expect(stateOf(now, 'removed').map(({ kid }) => kid)).toContain(retired?.kid);
      expect(await issuer.dataOf('signing-key.removed')).toEqual([
        expect.objectContaining({ ...removed, resource: `signing-key/${retired?.kid ?? ''}` }),
      ]);
    });

    it('leave it too if they signed revocations, and everything an administrator does with these is recorded', async () => {
      await issuer.database.query(`update revocation_key set usable_from = now() - interval '1 minute'`);
      const { body } = await issuer.admin('POST', '/admin/revocation-keys/rotate');
      const [retired] = stateOf(keysOf(body), 'retired');
      const [active] = stateOf(keysOf(body), 'active');
      await later('revocation_key', RevocationKeyRotation);
      expect(await issuer.dataOf('revocation-key.removed')).toEqual([
        expect.objectContaining({ ...removed, resource: `revocation-key/${retired?.kid ?? ''}` }),
      ]);
      await issuer.database.query(
        `update revocation_key set usable_from = now() - interval '1 minute', activated_at = activated_at - interval '10 years'`,
      );
      await issuer.app.get(RevocationKeyRotation).run();
      await issuer.admin('GET', '/admin/revocation-keys');
      expect((await issuer.admin('POST', `/admin/revocation-keys/${active?.kid ?? ''}/revoke`)).status).toBe(200);
      expect(await issuer.recorded()).toEqual(
        expect.arrayContaining([
          'signing-key.looked-at allowed',
          'revocation-key.created allowed',
          'revocation-key.rotated allowed',
          'revocation-key.activated allowed',
          'revocation-key.looked-at allowed',
          'revocation-key.revoked allowed',
        ]),
      );
    });
  });
});
