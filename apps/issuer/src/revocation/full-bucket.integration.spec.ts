import { setTimeout as delay } from 'node:timers/promises';
import { createVerifier, TokenError, type TokenVerifier } from '@countersign/auth-core';
import { byItself, unattended } from '@countersign/service-host';
import { startRevocationFeed, type RevocationFeed } from '@countersign/revocation-feed';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { ENTRY_BYTES, tokenCapacity } from './capacity.js';
import { RevocationService } from './revocation.service.js';

/** Room for some 60 entries, and so for some 40 of tokens. */
const BUCKET_BYTES = 64 * 1_024;
/** Several times as many as have room. */
const REVOKED = 150;

describe('a bucket that fills', () => {
  let issuer: IssuerUnderTest;
  let feed: RevocationFeed;
  let verifier: TokenVerifier;
  let asIssuer: NatsConnection;

  beforeAll(async () => {
    issuer = await startIssuer({ REVOCATION_BUCKET_BYTES: String(BUCKET_BYTES) });
    const { nats, passwords } = issuer.backing;
    const as = (user: 'issuer' | 'payments') =>
      connect({ servers: nats.url, user, pass: passwords[user], inboxPrefix: `_INBOX_${user}` });
    feed = startRevocationFeed({ issuer: issuer.url, connect: () => as('payments'), checkIntervalMs: 500 });
    await feed.loaded;
    verifier = await createVerifier({ issuer: issuer.url, audience: 'payments', revocations: feed });
    asIssuer = await as('issuer');
  }, 180_000);
  afterAll(async () => {
    verifier.close();
    await feed.close();
    await asIssuer.close();
    await issuer.stop();
  }, 60_000);

  const newToken = async () =>
    String((await issuer.token({ audience: 'payments', scope: 'payments:create' })).body['access_token']);
  function codeOf(token: string): string {
    try {
      verifier.verify(token);
      return 'accepted';
    } catch (error) {
      return error instanceof TokenError ? error.code : String(error);
    }
  }
  async function eventually(holds: () => boolean | Promise<boolean>): Promise<boolean> {
    for (let attempt = 0; attempt < 400; attempt += 1) {
      if (await holds()) return true;
      await delay(50);
    }
    return false;
  }
  const readiness = async (at = issuer.url) => fetch(`${at}/health/ready`);

  it('keeps every revocation: one of the client replaces those of its tokens, and space remains for the rest', async () => {
    const revoked: string[] = [];
    for (let count = 0; count < REVOKED; count += 1) {
      const token = await newToken();
      const body = new URLSearchParams({ token, ...(await issuer.credentials()) });
      expect((await fetch(`${issuer.url}/oauth2/revoke`, { method: 'POST', body })).status).toBe(200);
      revoked.push(token);
    }
    expect(await eventually(() => revoked.every((token) => codeOf(token) === 'TOKEN_REVOKED'))).toBe(true);
    const { rows } = await issuer.database.query<{ kind: string; entries: string }>(
      `select case when kind = 'client' then revoked_by else 'of tokens' end as kind, count(*) as entries
       from revocation group by 1 order by 1`,
    );
    expect(rows.map(({ kind }) => kind)).toEqual(['configuration REVOCATION_BUCKET_BYTES', 'of tokens']);
    expect(Number(rows[1]?.entries)).toBeLessThanOrEqual(tokenCapacity(BUCKET_BYTES));
    // What took no part is valid, and what is revoked in an emergency has room.
    expect(await eventually(async () => codeOf(await newToken()) === 'accepted')).toBe(true);
    for (const requested of [
      { kind: 'key', kid: 'stolen' },
      { kind: 'subject', subject: 'ada' },
    ]) {
      expect((await issuer.admin('POST', '/admin/revocations', requested)).body['pushed']).toBe(true);
    }
    expect(await eventually(() => feed.state().state === 'current')).toBe(true);
    const manager = await jetstreamManager(asIssuer, { checkAPI: false });
    const held = await eventually(async () => {
      const { messages, bytes } = (await manager.streams.info('KV_revocations')).state;
      return bytes < BUCKET_BYTES && messages * ENTRY_BYTES <= BUCKET_BYTES;
    });
    expect(held).toBe(true);
    expect((await readiness()).status).toBe(200);
    const fresh = startRevocationFeed({
      issuer: issuer.url,
      connect: () =>
        connect({
          servers: issuer.backing.nats.url,
          user: 'payments',
          pass: issuer.backing.passwords.payments,
          inboxPrefix: '_INBOX_payments',
        }),
      checkIntervalMs: 500,
    });
    await fresh.loaded;
    expect(fresh.state().state).toBe('current');
    await fresh.close();
  }, 120_000);

  it('reports that it is full if nothing can be replaced, and continues once there is space', async () => {
    const revoke = () => issuer.admin('POST', '/admin/revocations', { kind: 'token', jti: crypto.randomUUID() });
    await issuer.database.query(`delete from revocation where client_id is not null`);
    const statuses: number[] = [];
    for (let count = 0; count <= tokenCapacity(BUCKET_BYTES); count += 1) statuses.push((await revoke()).status);
    expect([new Set(statuses.slice(0, -1)), statuses.at(-1)]).toEqual([new Set([201]), 503]);
    expect((await revoke()).body['code']).toBe('REVOCATIONS_FULL');
    expect((await issuer.admin('POST', '/admin/revocations', { kind: 'client', client_id: 'shop' })).status).toBe(201);
  }, 120_000);

  it('stays within its limit even if one transaction revokes more than that', async () => {
    await issuer.database.query('delete from revocation');
    const all = Array.from({ length: tokenCapacity(BUCKET_BYTES) + 5 }, () => {
      return { kind: 'transaction', txn: crypto.randomUUID(), holder: 'shop' } as const;
    });
    await issuer.app.get(RevocationService).revoke(all, byItself(unattended()));
    const { rows } = await issuer.database.query(
      'select kind, count(*)::int as entries from revocation group by kind order by kind',
    );
    expect(rows).toEqual([
      { kind: 'client', entries: 1 },
      { kind: 'transaction', entries: 5 },
    ]);
  });

  it('that cannot be synchronised with the database ends readiness, as long as NATS is available', async () => {
    // The issuer's account on NATS has less room.
    const stuck = await issuer.join({ REVOCATION_BUCKET_BYTES: String(1_024 ** 3) });
    expect(await eventually(async () => (await readiness(stuck)).status === 503)).toBe(true);
    const report: unknown = await (await readiness(stuck)).json();
    expect(report).toMatchObject({
      checks: { revocation_bucket: expect.stringMatching(/^validators receive no revocations: /) as unknown },
    });
    await issuer.backing.nats.stop();
    expect(await eventually(async () => (await readiness(stuck)).status === 200)).toBe(true);
  }, 120_000);

  it('leaves a record of each token that was revoked', async () => {
    expect(await issuer.recorded()).toEqual(expect.arrayContaining(['token.revoked allowed']));
  });
});
