import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from './jwk.js';
import { JWKS_SIZE_LIMIT } from './jwks-document.js';
import { RemoteKeySet, type RemoteKeySetOptions } from './remote-key-set.js';

const url = 'https://issuer.test/.well-known/jwks.json';

describe('the remote key set', () => {
  let key: PrivateJwk;
  let folder: string;
  let now: number;
  let monotonic: number;
  let requests: Headers[];
  let answer: () => Response | Promise<Response>;
  const open: RemoteKeySet[] = [];
  const setOf = (more: Partial<RemoteKeySetOptions> = {}): RemoteKeySet => {
    const set = new RemoteKeySet({
      source: url,
      now: () => now,
      monotonic: () => monotonic,
      timeoutMs: 30_000,
      refreshIntervalSeconds: 240,
      cooldownSeconds: 10,
      maxStaleSeconds: 3_600,
      onKeys: () => undefined,
      fetch: async (_url, init) => {
        requests.push(new Headers(init?.headers));
        return answer();
      },
      ...more,
    });
    open.push(set);
    return set;
  };
  const keyIdOf = (set: RemoteKeySet): string | undefined => set.keys.withKeyId(key.kid)[0]?.keyId;
  const pass = (ms: number): void => {
    now += ms;
    monotonic += ms;
  };
  const jwks = (headers: Record<string, string> = {}) => Response.json({ keys: [publicJwkOf(key)] }, { headers });

  beforeAll(async () => {
    key = await generateSigningKey();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jwks-'));
    now = 1_800_000_000_000;
    monotonic = 0;
    requests = [];
    answer = () => jwks();
  });
  afterEach(async () => {
    for (const set of open.splice(0)) set.close();
    await rm(folder, { recursive: true });
  });

  it('sends the ETag, and treats a 304 as a fresh set', async () => {
    const set = setOf();
    answer = () => jwks({ etag: '"one"' });
    expect(await set.refresh()).toBe(true);
    answer = () => new Response(null, { status: 304 });
    now += 3_000_000;
    expect(await set.refresh()).toBe(true);
    expect(requests.map((headers) => headers.get('if-none-match'))).toEqual([null, '"one"']);
    now += 3_000_000;
    expect([set.usable, keyIdOf(set)]).toEqual([true, key.kid]);
  });

  it('treats an unsolicited 304 as a failure', async () => {
    answer = () => new Response(null, { status: 304 });
    expect(await setOf().refresh()).toBe(false);
  });

  it.each([
    ['max-age=100', 80],
    ['public, max-age=1', 10],
    ['max-age=86400', 240],
    ['no-store', 240],
  ])('with Cache-Control: %s is fetched again after some %i seconds', async (cacheControl, seconds) => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    answer = () => jwks({ 'cache-control': cacheControl });
    await setOf().refresh();
    const [, delay = 0] = timers.mock.calls.at(-1) ?? [];
    timers.mockRestore();
    expect(delay).toBeGreaterThanOrEqual(seconds * 900);
    expect(delay).toBeLessThanOrEqual(seconds * 1_000);
  });

  it('is not fetched in a loop if a refresh is further away than a timer allows', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    await setOf({ refreshIntervalSeconds: 31_536_000 }).refresh();
    const [, delay = 0] = timers.mock.calls.at(-1) ?? [];
    timers.mockRestore();
    expect(delay).toBe(2 ** 31 - 1);
  });

  it('makes one fetch for many waiting callers', async () => {
    const set = setOf();
    await Promise.all(Array.from({ length: 50 }, () => set.refresh()));
    expect(requests.length).toBe(1);
  });

  it('fetches for an unknown key as often as before when the machine’s clock is set back', async () => {
    const set = setOf();
    await set.refresh();
    await set.refreshForUnknownKey('one');
    now -= 600_000;
    monotonic += 10_000;
    await set.refreshForUnknownKey('two');
    expect(requests.length).toBe(3);
  });

  it('expires even if the machine’s clock was set back', async () => {
    const set = setOf();
    await set.refresh();
    answer = () => Promise.reject(new Error('away'));
    now -= 600_000;
    monotonic += 3_599_000;
    await set.refresh();
    expect(set.usable).toBe(true);
    monotonic += 2_000;
    await set.refresh();
    expect(set.usable).toBe(false);
    answer = () => jwks();
    await set.refresh();
    expect(set.usable).toBe(true);
  });

  it('is fetched once, by the first caller after a long sleep, and not again while the issuer is unavailable', async () => {
    const set = setOf();
    await set.refresh();
    now += 3_601_000;
    expect(set.usable).toBe(false);
    expect(await Promise.all([1, 2, 3].map(() => set.refreshWhenStale()))).toEqual([true, true, true]);
    expect(requests.length).toBe(2);
    now += 3_601_000;
    answer = () => Promise.reject(new Error('away'));
    expect(await Promise.all([1, 2, 3].map(() => set.refreshWhenStale()))).toEqual([false, false, false]);
    expect(await set.refreshWhenStale()).toBe(false);
    expect(requests.length).toBe(3);
  });

  it('ignores a byte order mark, and no other character', async () => {
    const text = JSON.stringify({ keys: [publicJwkOf(key)] });
    answer = () => new Response(`\ufeff${text}`);
    expect(await setOf().refresh()).toBe(true);
    for (const before of ['\ufeff\ufeff', '\u200b', 'x']) {
      answer = () => new Response(`${before}${text}`);
      expect(await setOf().refresh()).toBe(false);
    }
  });

  it('makes one fetch per cool-down for unknown keys, and none for one that was just not found', async () => {
    const set = setOf();
    await set.refresh();
    for (let flood = 0; flood < 100; flood += 1) await set.refreshForUnknownKey(`unknown-${String(flood)}`);
    expect(requests.length).toBe(2);
    pass(10_000);
    await set.refreshForUnknownKey('unknown-0');
    expect(requests.length).toBe(2);
    await set.refreshForUnknownKey('unknown-1');
    expect(requests.length).toBe(3);
    await set.refreshForUnknownKey('x'.repeat(300));
    pass(10_000);
    await set.refreshForUnknownKey('x'.repeat(300));
    expect(requests.length).toBe(3);
    pass(300_000);
    await set.refreshForUnknownKey('unknown-0');
    expect(requests.length).toBe(4);
  });

  it.each([
    ['a document that is too large', () => new Response(`{"keys":[],"x":"${'x'.repeat(JWKS_SIZE_LIMIT)}"}`)],
    ['no JSON', () => new Response('<html>')],
    ['a repeated name', () => new Response('{"keys":[],"keys":[]}')],
    ['no keys', () => Response.json({ keys: [] })],
    ['a private key', () => Response.json({ keys: [key] })],
    ['an error', () => new Response('away', { status: 503 })],
    ['a redirect', () => Response.redirect('https://elsewhere.test/jwks.json', 307)],
    ['nothing', () => Promise.reject(new Error('away'))],
  ])('keeps the last good set when the answer is %s', async (_what, bad) => {
    const set = setOf();
    await set.refresh();
    answer = bad;
    expect(await set.refresh()).toBe(false);
    expect(set.lastError).not.toBe('');
    expect([set.usable, keyIdOf(set)]).toEqual([true, key.kid]);
    now += 3_601_000;
    expect(set.usable).toBe(false);
  });

  it('starts during an outage from the file of the last run, which only its owner can read', async () => {
    const cacheFile = join(folder, 'jwks.json');
    await setOf({ cacheFile }).refresh();
    expect((await stat(cacheFile)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['jwks.json']);
    answer = () => Promise.reject(new Error('away'));
    now += 3_500_000;
    const restarted = setOf({ cacheFile });
    expect(await restarted.refresh()).toBe(true);
    expect(keyIdOf(restarted)).toBe(key.kid);
    now += 101_000;
    expect(restarted.usable).toBe(false);
    expect(await setOf({ cacheFile }).refresh()).toBe(false);
  });

  it('uses no file that others can write, that belongs to another issuer, or that is damaged', async () => {
    const cacheFile = join(folder, 'jwks.json');
    await setOf({ cacheFile }).refresh();
    answer = () => Promise.reject(new Error('away'));
    expect(await setOf({ cacheFile, source: 'https://other.test/jwks.json' }).refresh()).toBe(false);
    await chmod(cacheFile, 0o666);
    const open = setOf({ cacheFile });
    expect(await open.refresh()).toBe(false);
    expect(open.lastError).toMatch(/must be writable only by its owner/);
    await chmod(cacheFile, 0o600);
    await writeFile(cacheFile, '{"url":');
    expect(await setOf({ cacheFile }).refresh()).toBe(false);
  });

  it('is fetched by the next caller when no timer ran, as in a Worker between requests; nobody waits for an unavailable issuer', async () => {
    const set = setOf();
    await set.refresh();
    pass(216_000);
    await set.refreshWhenOverdue();
    expect(requests).toHaveLength(1);
    pass(30_000);
    const newer = await generateSigningKey();
    answer = () => Response.json({ keys: [publicJwkOf(newer)] });
    await set.refreshWhenOverdue();
    expect(set.keys.all.map(({ keyId }) => keyId)).toEqual([newer.kid]);
    await set.refreshWhenOverdue();
    expect(requests).toHaveLength(2);

    answer = () => Promise.reject(new Error('away'));
    pass(246_000);
    await set.refreshWhenOverdue();
    answer = () => new Promise(() => undefined);
    pass(6_000);
    await set.refreshWhenOverdue();
    expect([requests.length, set.usable]).toEqual([4, true]);
  });

  it('starts a new fetch when one has not ended long after its timeout', async () => {
    const set = setOf({ timeoutMs: 1_000 });
    answer = () => new Promise(() => undefined);
    void set.refresh();
    pass(3_001);
    answer = () => jwks();
    expect([await set.refresh(), keyIdOf(set)]).toEqual([true, key.kid]);
  });

  it('says why the keys could not be fetched, down to the last cause', async () => {
    const cause = new Error('getaddrinfo ENOTFOUND issuer.internal');
    answer = () => Promise.reject(new TypeError('fetch failed', { cause }));
    const set = setOf();
    expect(await set.refresh()).toBe(false);
    expect(set.lastError).toBe('fetch failed: getaddrinfo ENOTFOUND issuer.internal');
  });

  it('reports once why neither the issuer nor the file has keys, however often it tries again', async () => {
    const cacheFile = join(folder, 'jwks.json');
    await writeFile(cacheFile, '{}');
    await chmod(cacheFile, 0o666);
    answer = () => Promise.reject(new Error('away'));
    const reported: string[] = [];
    const set = setOf({ cacheFile, onFailure: (reason) => reported.push(reason) });
    for (let times = 0; times < 3; times += 1) await set.refresh();
    answer = () => jwks();
    await set.refresh();
    expect(reported).toEqual([expect.stringMatching(/^away; .* must be writable only by its owner$/), '']);
  });

  it('retries by itself, however long reading the file of the last run takes', async () => {
    const cacheFile = join(folder, 'jwks.json');
    // A pipe: opening it to read waits until somebody writes.
    execFileSync('mkfifo', ['-m', '600', cacheFile]);
    answer = () => Promise.reject(new Error('away'));
    const first = setOf({ cacheFile }).refresh();
    await delay(200);
    await writeFile(cacheFile, '{}');
    expect(await first).toBe(false);
    answer = () => jwks();
    while (requests.length < 2) await delay(20);
    expect(requests).toHaveLength(2);
  });

  it('continues when the file cannot be written, and reports the reason once, until it can be', async () => {
    const parent = join(folder, 'later');
    const reported: string[] = [];
    const set = setOf({ cacheFile: join(parent, 'jwks.json'), onFileFailure: (reason) => reported.push(reason) });
    for (let times = 0; times < 2; times += 1) expect(await set.refresh()).toBe(true);
    expect([set.fileError, set.lastError]).toEqual([expect.stringContaining('ENOENT'), '']);
    await mkdir(parent);
    await set.refresh();
    expect([set.fileError, reported]).toEqual(['', [expect.stringContaining(parent), '']]);
    expect(setOf().fileError).toBeUndefined();
  });
});
