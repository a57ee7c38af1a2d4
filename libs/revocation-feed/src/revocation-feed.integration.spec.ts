import { setTimeout as delay } from 'node:timers/promises';
import { TokenError, type Principal, type Revocation } from '@countersign/auth-core';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { jetstreamManager } from '@nats-io/jetstream';
import { type KV } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { createRevocationBucket } from './revocation-bucket.js';
import { startRevocationFeed, type RevocationFeed, type RevocationFeedOptions } from './revocation-feed.js';
import { bucketKeyOf, bucketValueOf } from './revocation.js';

const now = (): number => Math.floor(Date.now() / 1_000);

function principal(changes: Partial<Principal> = {}): Principal {
  return {
    subject: 'ada',
    clientId: 'shop',
    actors: [],
    scopes: new Set(),
    audience: 'orders',
    issuer: 'https://issuer.test',
    tokenId: 'one',
    txn: 'one',
    roles: [],
    issuedAt: now() - 10,
    expiresAt: now() + 290,
    ...changes,
  };
}

async function eventually(holds: () => boolean): Promise<boolean> {
  for (let attempt = 0; attempt < 400 && !holds(); attempt += 1) await delay(25);
  return holds();
}

describe('the revocation feed', () => {
  let backing: BackingServices;
  let writer: NatsConnection;
  let bucket: KV;
  const feeds: RevocationFeed[] = [];

  const connectAs = (user: 'issuer' | 'payments'): Promise<NatsConnection> =>
    connect({
      servers: backing.nats.url,
      user,
      pass: backing.passwords[user],
      inboxPrefix: `_INBOX_${user}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
    });
  /** The writer may still be on its way back to a server that has just started again. */
  async function put(revocation: Revocation): Promise<number> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await bucket.put(bucketKeyOf(revocation), bucketValueOf(revocation));
      } catch (error) {
        if (tries >= 10) throw error;
        await delay(200);
      }
    }
  }
  function follow(options: Partial<RevocationFeedOptions> = {}): RevocationFeed {
    const feed = startRevocationFeed({ connect: () => connectAs('payments'), checkIntervalMs: 300, ...options });
    feeds.push(feed);
    return feed;
  }
  function outcome(feed: RevocationFeed): string {
    try {
      return feed.isRevoked(principal({ tokenId: 'none' }), 'k') ? 'revoked' : 'accepted';
    } catch (error) {
      return error instanceof TokenError ? error.code : 'UNEXPECTED';
    }
  }

  beforeEach(async () => {
    backing = await startBackingServices();
    writer = await connectAs('issuer');
    bucket = await createRevocationBucket(writer);
  }, 120_000);
  afterEach(async () => {
    await Promise.all(feeds.splice(0).map((feed) => feed.close()));
    await writer.close();
    await backing.stop();
  }, 60_000);

  it('holds what was in the bucket before, and what is put into it, of every kind', async () => {
    await put({ kind: 'token', tokenId: 'one', until: now() + 300 });
    const pushed: number[] = [];
    const feed = follow({ onPushed: (seconds) => pushed.push(seconds) });
    await feed.loaded;
    expect(feed.isRevoked(principal(), 'k')).toBe(true);
    const other = principal({ tokenId: 'two' });
    expect(feed.isRevoked(other, 'k')).toBe(false);

    await put({ kind: 'key', keyId: 'k', until: now() + 300 });
    expect(await eventually(() => feed.isRevoked(other, 'k'))).toBe(true);
    await put({ kind: 'client', clientId: 'a:b c', issuedBefore: now(), until: now() + 900 });
    const ofClient = principal({ tokenId: 'three', clientId: 'a:b c' });
    expect(await eventually(() => feed.isRevoked(ofClient, 'l'))).toBe(true);
    expect(feed.isRevoked({ ...ofClient, issuedAt: now() + 1 }, 'l')).toBe(false);
    await put({ kind: 'subject', subject: 'ümlaut@example.org', issuedBefore: now(), until: now() + 900 });
    const ofSubject = principal({ tokenId: 'four', subject: 'ümlaut@example.org' });
    expect(await eventually(() => feed.isRevoked(ofSubject, 'l'))).toBe(true);
    expect([feed.state().state, feed.state().entries, pushed.length]).toEqual(['current', 4, 3]);
  }, 60_000);

  it('misses nothing that is revoked while it is disconnected, and keeps what it held', async () => {
    await put({ kind: 'token', tokenId: 'one', until: now() + 300 });
    const feed = follow();
    await feed.loaded;
    await backing.nats.stop();
    expect(await eventually(() => feed.state().state === 'lost')).toBe(true);
    expect([feed.isRevoked(principal(), 'k'), outcome(feed)]).toEqual([true, 'accepted']);
    await backing.nats.start();
    await put({ kind: 'token', tokenId: 'meanwhile', until: now() + 300 });
    expect(await eventually(() => feed.isRevoked(principal({ tokenId: 'meanwhile' }), 'k'))).toBe(true);
    expect(await eventually(() => feed.state().state === 'current')).toBe(true);
  }, 90_000);

  it('says that it is lost while the bucket is, and follows the one that is made anew', async () => {
    const feed = follow();
    await feed.loaded;
    await put({ kind: 'token', tokenId: 'one', until: now() + 300 });
    expect(await eventually(() => feed.isRevoked(principal(), 'k'))).toBe(true);
    // No service may delete the bucket: the store is lost as by a wiped disk.
    await expect(
      (await jetstreamManager(writer, { checkAPI: false })).streams.delete('KV_revocations'),
    ).rejects.toThrow();
    await backing.nats.stop();
    backing.nats.wipe();
    await backing.nats.start();
    expect(await eventually(() => feed.state().lastError?.includes('not found') === true)).toBe(true);
    expect([feed.state().state, feed.isRevoked(principal(), 'k')]).toEqual(['lost', true]);
    bucket = await createRevocationBucket(writer);
    await put({ kind: 'token', tokenId: 'anew', until: now() + 300 });
    expect(await eventually(() => feed.isRevoked(principal({ tokenId: 'anew' }), 'k'))).toBe(true);
    expect(feed.state()).toMatchObject({ state: 'current', lostSince: null });
  }, 90_000);

  it('told to refuse, refuses from the loss on; told to accept, only after the grace', async () => {
    let later = 0;
    const strict = follow({ whenLost: 'refuse' });
    const patient = follow({ graceSeconds: 60, now: () => Date.now() + later });
    expect(outcome(strict)).toBe('REVOCATIONS_UNAVAILABLE');
    await Promise.all([strict.loaded, patient.loaded]);
    expect([outcome(strict), outcome(patient)]).toEqual(['accepted', 'accepted']);
    await backing.nats.stop();
    expect(await eventually(() => outcome(strict) === 'REVOCATIONS_UNAVAILABLE')).toBe(true);
    expect(await eventually(() => patient.state().state === 'lost')).toBe(true);
    expect(outcome(patient)).toBe('accepted');
    later = 61_000;
    expect([outcome(patient), patient.state().refusing]).toEqual(['REVOCATIONS_UNAVAILABLE', true]);
    await backing.nats.start();
    expect(await eventually(() => outcome(strict) === 'accepted' && outcome(patient) === 'accepted')).toBe(true);
  }, 90_000);

  it('drops nothing when it is full: it keeps what it holds, says so, refuses by its policy, and goes on once there is room', async () => {
    let later = 0;
    const feed = follow({ entryLimit: 2, whenLost: 'refuse', now: () => Date.now() + later });
    await feed.loaded;
    const tokens = ['one', 'two', 'three'];
    for (const tokenId of tokens)
      await put({ kind: 'token', tokenId, until: now() + (tokenId === 'three' ? 900 : 300) });
    expect(await eventually(() => feed.state().lastError?.includes('the revocation list is full') === true)).toBe(true);
    expect(feed.state()).toMatchObject({ state: 'lost', entries: 2, refusing: true });
    expect([feed.isRevoked(principal({ tokenId: 'one' }), 'k'), outcome(feed)]).toEqual([
      true,
      'REVOCATIONS_UNAVAILABLE',
    ]);
    later = 400_000;
    expect(await eventually(() => feed.state().state === 'current')).toBe(true);
    expect([feed.isRevoked(principal({ tokenId: 'three' }), 'k'), outcome(feed)]).toEqual([true, 'accepted']);
  }, 60_000);

  it('passes over what is no entry', async () => {
    const feed = follow();
    await feed.loaded;
    await bucket.put('token.bad', 'not json');
    await bucket.put('other.thing', '{"until":1}');
    await put({ kind: 'token', tokenId: 'one', until: now() + 300 });
    expect(await eventually(() => feed.isRevoked(principal(), 'k'))).toBe(true);
    expect(feed.state().entries).toBe(1);
  }, 60_000);
});
