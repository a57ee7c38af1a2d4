import { createServer, type Server } from 'node:net';
import { jest } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import { type FeedLogger, type RevocationFeed } from './feed-options.js';
import { startRevocationFeed } from './revocation-feed.js';

const never = (): Promise<never> => new Promise(() => undefined);

describe('a revocation feed that cannot load', () => {
  const said: string[] = [];
  const logger: FeedLogger = {
    info: () => undefined,
    warn: (fields) => said.push('reason' in fields ? String(fields.reason) : ''),
  };
  let feed: RevocationFeed | undefined;
  beforeEach(() => {
    said.length = 0;
  });
  afterEach(async () => {
    jest.useRealTimers();
    await feed?.close();
  });

  describe('because somebody does not respond at all', () => {
    it.each([
      ['NATS', { connect: never }, 'still connecting to NATS'],
      [
        'the issuer',
        {
          fetch: never,
          connect: () => Promise.resolve(Object.create(null, { close: { value: () => Promise.resolve() } })),
        },
        "still fetching the issuer's revocation keys from https://issuer.test/.well-known/revocation-jwks.json",
      ],
    ])('names %s within five seconds', async (_, options, reason) => {
      jest.useFakeTimers({ now: Date.now() });
      feed = startRevocationFeed({ issuer: 'https://issuer.test', fetch: never, logger, ...options });
      await jest.advanceTimersByTimeAsync(4_999);
      expect(said).toEqual([reason]);
      expect(feed.state()).toMatchObject({ state: 'loading', lastError: reason, refusing: true });
      // What never answers would be waited for at the end.
      feed = undefined;
    });
  });

  it('says so on the console where it has no logger', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    feed = startRevocationFeed({ issuer: 'https://issuer.test', connect: () => Promise.reject(new Error('refused')) });
    await Promise.resolve();
    for (let turn = 0; turn < 50 && warn.mock.calls.length === 0; turn += 1) await new Promise(setImmediate);
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/^revocation feed: /), { reason: 'cannot connect to NATS: refused' }],
    ]);
    warn.mockRestore();
  });

  it('ends the wait for `loaded` at the limit, with the reason, and keeps trying', async () => {
    let tries = 0;
    const connecting = (): Promise<never> => {
      tries += 1;
      return Promise.reject(new Error('Authorization Violation'));
    };
    feed = startRevocationFeed({ issuer: 'https://issuer.test', connect: connecting, logger, loadLimitMs: 20 });
    await expect(feed.loaded).rejects.toMatchObject({
      code: 'REVOCATIONS_NOT_LOADED',
      message: expect.stringContaining('cannot connect to NATS: Authorization Violation'),
    });
    const until = tries;
    while (tries === until) await new Promise((done) => setTimeout(done, 20));
  });

  it('ends the wait when it is closed, and waiting is optional', async () => {
    feed = startRevocationFeed({
      issuer: 'https://issuer.test',
      connect: () => Promise.reject(new Error('no')),
      logger,
    });
    await feed.close();
    await expect(feed.loaded).rejects.toThrow('the feed was closed');
  });

  describe('by the real client', () => {
    let server: Server | undefined;
    afterEach(() => new Promise((done) => server?.close(done)));

    it('names what refuses the connection', async () => {
      server = createServer((socket) => socket.end("-ERR 'Authorization Violation'\r\n"));
      await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done));
      const address = server.address();
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
      feed = startRevocationFeed({
        issuer: 'https://issuer.test',
        connect: () => connect({ servers: `127.0.0.1:${String(port)}`, reconnect: false }),
        logger,
        loadLimitMs: 60_000,
      });
      for (let waited = 0; waited < 5_000 && said.length === 0; waited += 10)
        await new Promise((done) => setTimeout(done, 10));
      expect(said[0]).toMatch(/^cannot connect to NATS: /);
    });
  });
});
