import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { generateSigningKey, TokenError, type Principal, type Revocation } from '@countersign/auth-core';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { BUCKET_PREFIX, DIGEST_KEY } from './bucket-reader.js';
import { type RevocationFeed, type RevocationFeedOptions } from './feed-options.js';
import { startRevocationFeed } from './revocation-feed.js';
import { signStatement } from './sign-statement.js';
import { StatedBucket, StatingIssuer } from './testing/stating-issuer.js';

const now = (): number => Math.floor(Date.now() / 1_000);
const token = (tokenId: string): Revocation => ({ kind: 'token', tokenId, until: now() + 300 });

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
    amr: [],
    kind: 'service',
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
  let issuer: StatingIssuer;
  let writer: NatsConnection;
  let stated: StatedBucket;
  let folder: string;
  const feeds: RevocationFeed[] = [];

  const connectAs = (user: 'issuer' | 'payments'): Promise<NatsConnection> =>
    connect({
      servers: backing.nats.url,
      user,
      pass: backing.passwords[user],
      inboxPrefix: `_INBOX_${user}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      ignoreAuthErrorAbort: true,
    });
  function follow(options: Partial<RevocationFeedOptions> = {}): RevocationFeed {
    const feed = startRevocationFeed({
      issuer: issuer.issuer,
      connect: () => connectAs('payments'),
      checkIntervalMs: 300,
      logger: { info: () => undefined, warn: () => undefined },
      ...options,
    });
    feeds.push(feed);
    return feed;
  }
  function outcome(feed: RevocationFeed, tokenId = 'none'): string {
    try {
      return feed.isRevoked(principal({ tokenId }), 'k') ? 'revoked' : 'accepted';
    } catch (error) {
      return error instanceof TokenError ? error.code : 'UNEXPECTED';
    }
  }
  const isCurrent = (feed: RevocationFeed) => eventually(() => feed.state().state === 'current');
  /** The writer may still be on its way back to a server that has just started again. */
  async function open(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        stated = await StatedBucket.open(issuer, writer);
        return await stated.stateList();
      } catch (error) {
        if (tries >= 20) throw error;
        await delay(200);
      }
    }
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'feed-'));
    [backing, issuer] = await Promise.all([startBackingServices(), StatingIssuer.start()]);
    writer = await connectAs('issuer');
    await open();
  }, 120_000);
  afterEach(async () => {
    await Promise.all(feeds.splice(0).map((feed) => feed.close()));
    await writer.close();
    await Promise.all([backing.stop(), issuer.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('has what was in the bucket before, and what is added, of every kind', async () => {
    await stated.revoke(token('one'));
    const pushed: number[] = [];
    const feed = follow({ onPushed: (seconds) => pushed.push(seconds) });
    await feed.loaded;
    expect(outcome(feed, 'one')).toBe('revoked');
    const until = now() + 900;
    const rest: readonly (readonly [Revocation, Partial<Principal>])[] = [
      [
        { kind: 'transaction', txn: 'first', until: now() + 300 },
        { tokenId: 'two', txn: 'first' },
      ],
      [
        { kind: 'client', clientId: 'a:b c', issuedBefore: now(), until },
        { tokenId: 'three', clientId: 'a:b c' },
      ],
      [
        { kind: 'subject', subject: 'ümlaut@example.org', issuedBefore: now(), until },
        { subject: 'ümlaut@example.org' },
      ],
      [{ kind: 'key', keyId: 'k', until }, { tokenId: 'five' }],
    ];
    for (const [revocation, changes] of rest) {
      const refused = () => feed.isRevoked(principal({ tokenId: 'other', ...changes }), 'k');
      expect(refused()).toBe(false);
      await stated.revoke(revocation);
      expect(await eventually(refused)).toBe(true);
    }
    // The last statement of the whole list may still be on its way.
    expect(await eventually(() => feed.state().number === 5)).toBe(true);
    expect(await isCurrent(feed)).toBe(true);
    expect([feed.state().entries, pushed.length]).toEqual([5, 4]);
  }, 60_000);

  it('reads a list of thousands, in parts at the same time, and knows that it has all of it', async () => {
    await stated.revoke(...Array.from({ length: 3_000 }, (_, index) => token(`many-${String(index)}`)));
    const feed = follow();
    await feed.loaded;
    expect(feed.state()).toMatchObject({ state: 'current', entries: 3_000, number: 3_000 });
  }, 60_000);

  it('misses nothing that is revoked while it is disconnected, and keeps its entries', async () => {
    await stated.revoke(token('one'));
    const feed = follow();
    await feed.loaded;
    await backing.nats.stop();
    expect(await eventually(() => feed.state().state === 'lost')).toBe(true);
    expect([outcome(feed, 'one'), outcome(feed)]).toEqual(['revoked', 'accepted']);
    await backing.nats.start();
    await open();
    await stated.revoke(token('meanwhile'));
    expect(await eventually(() => outcome(feed, 'meanwhile') === 'revoked')).toBe(true);
    expect(await isCurrent(feed)).toBe(true);
  }, 90_000);

  it('reports itself lost while the bucket is, and follows a recreated one', async () => {
    const feed = follow();
    await feed.loaded;
    await stated.revoke(token('one'));
    expect(await eventually(() => outcome(feed, 'one') === 'revoked')).toBe(true);
    await backing.nats.stop();
    backing.nats.wipe();
    await backing.nats.start();
    expect(await eventually(() => feed.state().lastError?.includes('does not answer') === true)).toBe(true);
    expect([feed.state().state, outcome(feed, 'one')]).toEqual(['lost', 'revoked']);
    await open();
    const { key, text } = issuer.state(token('later'));
    await stated.bucket.put(key, text);
    await stated.stateList();
    expect(await eventually(() => outcome(feed, 'later') === 'revoked')).toBe(true);
    expect(await isCurrent(feed)).toBe(true);
  }, 90_000);

  it('configured to refuse, refuses from the loss on; configured to accept, only after the grace period', async () => {
    let later = 0;
    const strict = follow({ whenLost: 'refuse' });
    const patient = follow({ graceSeconds: 60, now: () => Date.now() + later });
    await Promise.all([strict.loaded, patient.loaded]);
    expect([outcome(strict), outcome(patient)]).toEqual(['accepted', 'accepted']);
    await backing.nats.stop();
    expect(await eventually(() => outcome(strict) === 'REVOCATIONS_UNAVAILABLE')).toBe(true);
    expect(await eventually(() => patient.state().state === 'lost')).toBe(true);
    expect(outcome(patient)).toBe('accepted');
    later = 71_000;
    expect([outcome(patient), patient.state().refusing]).toEqual(['REVOCATIONS_UNAVAILABLE', true]);
    later = 0;
    await backing.nats.start();
    expect(await eventually(() => outcome(strict) === 'accepted' && outcome(patient) === 'accepted')).toBe(true);
  }, 90_000);

  it('that starts while NATS is unavailable refuses until it has loaded the list, unless it is configured to accept', async () => {
    await stated.revoke(token('one'));
    await backing.nats.stop();
    const feed = follow();
    const lenient = follow({ atStart: 'accept' });
    await delay(500);
    expect([outcome(feed), outcome(lenient)]).toEqual(['REVOCATIONS_UNAVAILABLE', 'accepted']);
    expect(feed.state()).toMatchObject({ state: 'loading', refusing: true });
    await backing.nats.start();
    await Promise.all([feed.loaded, lenient.loaded]);
    expect([outcome(feed), outcome(feed, 'one'), outcome(lenient, 'one')]).toEqual(['accepted', 'revoked', 'revoked']);
  }, 90_000);

  it('that starts while NATS and the issuer are unavailable continues from the stored list, if it is complete and not too old', async () => {
    const files = { listFile: join(folder, 'list.json'), keysFile: join(folder, 'keys.json') };
    await stated.revoke(token('one'), token('two'));
    const before = follow(files);
    await before.loaded;
    expect(await eventually(() => readIfThere(files.listFile).includes('token.two'))).toBe(true);
    const homeless = follow({ listFile: join(folder, 'missing', 'list.json') });
    expect(await eventually(() => homeless.state().keepError?.includes('ENOENT') ?? false)).toBe(true);
    // The same each time, so that it is logged once.
    expect(homeless.state().keepError).toMatch(/missing\/list\.json'$/);
    expect(before.state().keepError).toBeNull();
    const keyless = follow({ keysFile: join(folder, 'missing', 'keys.json') });
    expect(await eventually(() => keyless.state().keepError?.includes('ENOENT') ?? false)).toBe(true);
    await before.close();
    await backing.nats.stop();
    issuer.isAway = true;

    const feed = follow(files);
    await feed.loaded;
    expect([outcome(feed, 'one'), outcome(feed, 'two'), outcome(feed)]).toEqual(['revoked', 'revoked', 'accepted']);
    expect(feed.state()).toMatchObject({ state: 'lost', refusing: false });
    const strict = follow({ ...files, whenLost: 'refuse' });
    await strict.loaded;
    expect(outcome(strict)).toBe('REVOCATIONS_UNAVAILABLE');
    const late = follow({ ...files, now: () => Date.now() + 901_000 });
    const kept = readFileSync(files.listFile, 'utf8');
    const shortened = join(folder, 'shortened.json');
    writeFileSync(shortened, kept.replace(/"token\.one":"[^"]*",?/, '').replace(',}', '}'));
    const fooled = follow({ ...files, listFile: shortened });
    const forged = join(folder, 'forged.json');
    writeFileSync(forged, kept.replace('token.one', 'token.three'));
    const deceived = follow({ ...files, listFile: forged });
    await delay(1_000);
    expect([late, fooled, deceived].map((one) => outcome(one))).toEqual(new Array(3).fill('REVOCATIONS_UNAVAILABLE'));
  }, 90_000);

  it('drops nothing when it is full: it keeps its entries, reports it, refuses by its policy, and continues once there is space', async () => {
    let later = 0;
    const feed = follow({ entryLimit: 2, whenLost: 'refuse', silenceSeconds: 10_000, now: () => Date.now() + later });
    await feed.loaded;
    await stated.revoke(token('one'), token('two'));
    await stated.revoke({ kind: 'token', tokenId: 'three', until: now() + 900 });
    expect(await eventually(() => outcome(feed) === 'REVOCATIONS_UNAVAILABLE')).toBe(true);
    expect(feed.state()).toMatchObject({ state: 'lost', entries: 2, refusing: true });
    expect(outcome(feed, 'one')).toBe('revoked');
    later = 400_000;
    expect(await isCurrent(feed)).toBe(true);
    expect([outcome(feed, 'three'), outcome(feed)]).toEqual(['revoked', 'accepted']);
  }, 60_000);

  describe('in the hands of somebody who can write the bucket', () => {
    const put = (key: string, value: string) => writer.publish(`${BUCKET_PREFIX}${key}`, value);

    it('accepts nothing that the issuer did not sign for this name, counts it, and keeps what it has', async () => {
      await stated.revoke(token('one'));
      const feed = follow();
      await feed.loaded;
      const stranger = await generateSigningKey();
      const client: Revocation = { kind: 'client', clientId: 'shop', issuedBefore: now(), until: now() + 900 };
      const forged = signStatement(
        { revocation: client, number: 9 },
        issuer.signing({ ...stranger, kid: issuer.key.kid }),
      );
      const tooLong = { ...client, issuedBefore: 4_102_444_800, until: 4_102_445_700 };
      for (const [key, value] of [
        ['client.c2hvcA', '{"until":4102444800,"issued_before":4102444800}'],
        ['client.c2hvcA', forged],
        ['client.c2hvcA', signStatement({ revocation: client, number: 9 }, issuer.signing(stranger))],
        ['client.c2hvcA', signStatement({ revocation: tooLong, number: 9 }, issuer.signing())],
        ['token.other', signStatement({ revocation: token('two'), number: 9 }, issuer.signing())],
        ['token.one', 'not a statement'],
      ] as const)
        put(key, value);
      expect(await eventually(() => feed.state().unreadable >= 6)).toBe(true);
      expect([outcome(feed, 'one'), outcome(feed, 'two'), outcome(feed)]).toEqual(['revoked', 'accepted', 'accepted']);
      // Its content is what the issuer states, so the noise changes nothing.
      expect(await isCurrent(feed)).toBe(true);
    }, 60_000);

    it('never claims to be current after reading a bucket in which an entry was overwritten or removed', async () => {
      await stated.revoke(token('one'), token('two'));
      put('token.one', 'not a statement');
      await writer.flush();
      const overwritten = follow();
      expect(await eventually(() => overwritten.state().lastError?.includes('differs from the issuer') === true)).toBe(
        true,
      );
      expect([overwritten.state().state, outcome(overwritten)]).toEqual(['loading', 'REVOCATIONS_UNAVAILABLE']);
      await stated.bucket.purge('token.one');
      const robbed = follow();
      expect(await eventually(() => robbed.state().lastError?.includes('differs from the issuer') === true)).toBe(true);
      expect(robbed.state().state).toBe('loading');
    }, 60_000);

    it('notices promptly that pushes do not arrive, and reads the entries', async () => {
      const feed = follow();
      await feed.loaded;
      const { key, text } = issuer.state(token('one'));
      // As if the push had been lost: stored, and heard by nobody who is subscribed before.
      const lost = await connectAs('issuer');
      const manager = await jetstreamManager(lost, { checkAPI: false });
      await lost.request(`${BUCKET_PREFIX}${key}`, text);
      expect((await manager.streams.info('KV_revocations')).state.messages).toBe(2);
      await stated.stateList();
      await lost.close();
      expect(await eventually(() => outcome(feed, 'one') === 'revoked')).toBe(true);
      expect(await isCurrent(feed)).toBe(true);
    }, 60_000);

    it('does not accept an older list as the newest one', async () => {
      const before = issuer.stateList();
      await stated.revoke(token('one'));
      const feed = follow();
      await feed.loaded;
      put(DIGEST_KEY, before);
      await delay(1_000);
      expect([feed.state().number, outcome(feed, 'one')]).toEqual([1, 'revoked']);
      // A fresh validator cannot know of a newer one, but knows how old the statement is.
      await stated.bucket.purge('token.one');
      const fresh = follow({ now: () => Date.now() + 61_000, whenLost: 'refuse' });
      expect(await eventually(() => fresh.state().lastError?.includes('has published nothing') === true)).toBe(true);
      expect(outcome(fresh)).toBe('REVOCATIONS_UNAVAILABLE');
    }, 60_000);

    it('drops what only a stolen revocation key signed, once the issuer no longer publishes that key', async () => {
      const [stolen, next, third] = [issuer.key, await generateSigningKey(), await generateSigningKey()];
      issuer.publish([stolen, next]);
      await stated.revoke(token('one'));
      const feed = follow();
      await feed.loaded;
      put('token.forged', signStatement({ revocation: token('forged'), number: 99 }, issuer.signing(stolen)));
      expect(await eventually(() => outcome(feed, 'forged') === 'revoked')).toBe(true);
      // The issuer signs its list again with another key, whose first statement makes the feed fetch the keys.
      issuer.key = third;
      issuer.publish([next, third]);
      await stated.bucket.purge('token.forged');
      issuer.forget();
      await stated.revoke(token('one'), token('two'));
      expect(await eventually(() => outcome(feed, 'forged') === 'accepted')).toBe(true);
      expect([outcome(feed, 'one'), outcome(feed, 'two')]).toEqual(['revoked', 'revoked']);
    }, 60_000);

    it('accepts no token key as a revocation key, and switches to the next revocation key without a gap', async () => {
      await stated.revoke(token('one'));
      issuer.publish([issuer.key], 'sig');
      const misled = follow();
      expect(await eventually(() => misled.state().lastError?.includes('no usable key') === true)).toBe(true);
      const next = await generateSigningKey();
      issuer.publish([issuer.key, next]);
      const feed = follow();
      await feed.loaded;
      const old = issuer.key;
      issuer.key = next;
      await stated.revoke(token('two'));
      expect(await eventually(() => outcome(feed, 'two') === 'revoked')).toBe(true);
      expect(await isCurrent(feed)).toBe(true);
      expect(old.kid).not.toBe(next.kid);
    }, 60_000);
  });
});

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
