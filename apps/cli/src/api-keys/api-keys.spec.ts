import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiKeyHash, makeApiKey } from '@countersign/auth-core';
import { secondsOf } from './duration.js';
import { keysIn, scanned } from './scan.js';
import { sparkline } from './sparkline.js';
import { countsOf } from './usage.js';

describe('countersign keys scan', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scan-'));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('finds a key anywhere in a file, with its line, and keeps no text of it', async () => {
    const id = '01a21031-6897-71c1-8114-42669a3f0602';
    const key = makeApiKey('live', id);
    const broken = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`;
    writeFileSync(join(folder, 'settings.env'), `A=1\r\nKEY="${key}"\r\n# ${broken}\ncurl -H 'x-api-key: ${key}'`);
    const found = await keysIn(join(folder, 'settings.env'));
    const known = { id, environment: 'live', sha256: apiKeyHash(key), file: join(folder, 'settings.env') };
    expect(found).toEqual([
      { ...known, line: 2 },
      { ...known, line: 4 },
    ]);
    expect(JSON.stringify(found)).not.toContain(key.slice(-49));
  });

  it('finds keys in lines of any length, wherever a part of the file ends, and in UTF-16', async () => {
    const ids = Array.from({ length: 40 }, (_, n) => `01a21031-6897-71c1-8114-42669a3f${String(1_000 + n)}`);
    const [keys, part] = [ids.map((id) => makeApiKey('live', id)), 64 * 1_024];
    // Of one line, a key around each place where a part may end, and at a different offset each time.
    const places = keys.map((_, n) => part * (n + 1) - n * 3);
    let text = '';
    keys.forEach((key, n) => {
      text = `${text.padEnd(places[n] ?? 0, ';')}${key};`;
    });
    writeFileSync(join(folder, 'one-line.js'), `\n${text}${'a'.repeat(200_000)}\n${keys[0] ?? ''}`);
    const found = await keysIn(join(folder, 'one-line.js'));
    expect(found.map(({ id, line }) => [id, line])).toEqual([...ids.map((id) => [id, 2]), [ids[0], 3]]);
    writeFileSync(join(folder, 'utf-16.txt'), Buffer.from(`\ufeffkey:\r\n${keys[1] ?? ''}\r\n`, 'utf16le'));
    expect(await keysIn(join(folder, 'utf-16.txt'))).toMatchObject([{ id: ids[1], line: 2 }]);
  });

  it('skips what cannot be read, and reports it', async () => {
    const below = join(folder, 'below');
    mkdirSync(below);
    writeFileSync(join(below, 'a.txt'), 'nothing', { mode: 0o000 });
    writeFileSync(join(below, 'b.txt'), makeApiKey('live', '01a21031-6897-71c1-8114-42669a3f0602'));
    // Root may read anything but this.
    const isRoot = process.getuid?.() === 0;
    const { found, unreadable } = await scanned(below);
    expect([found.length, unreadable]).toEqual([1, isRoot ? [] : [join(below, 'a.txt')]]);
    if (isRoot) expect(await scanned('/proc/self/mem')).toEqual({ found: [], unreadable: ['/proc/self/mem'] });
    await expect(scanned(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });

  it('reads what it is given, even a link or a pipe, and follows no link in a folder', async () => {
    const key = makeApiKey('live', '01a21031-6897-71c1-8114-42669a3f0602');
    const below = join(folder, 'linked');
    mkdirSync(below);
    writeFileSync(join(below, 'key.txt'), key);
    const link = join(folder, 'link');
    symlinkSync(below, link);
    symlinkSync(join(below, 'key.txt'), join(below, 'same.txt'));
    symlinkSync(below, join(below, 'loop'));
    expect((await scanned(link)).found.map(({ file }) => file)).toEqual([join(link, 'key.txt')]);
    expect((await scanned(join(below, 'same.txt'))).found).toHaveLength(1);
    const pipe = join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    const written = writeFile(pipe, key);
    expect((await scanned(pipe)).found).toHaveLength(1);
    await written;
  });

  it('reads a file that is not text', async () => {
    writeFileSync(join(folder, 'image'), Buffer.from([0xff, 0xd8, 0x00, 0x0a, 0x80, 0xfe]));
    expect(await keysIn(join(folder, 'image'))).toEqual([]);
  });
});

describe('countersign api-keys usage', () => {
  const use = (hour: string, count: number) =>
    ({ hour, audience: 'payments', route_class: 'read', outcome: 'allowed', count }) as const;

  it('has a bar for each hour, including those without a request', () => {
    const uses = [
      use('2026-11-26T10:00:00.000Z', 4),
      use('2026-11-26T10:00:00.000Z', 4),
      use('2026-11-26T12:00:00.000Z', 1),
    ];
    const counts = countsOf({ from: '2026-11-26T09:30:00.000Z', to: '2026-11-26T13:00:00.000Z', uses });
    expect(counts).toEqual([0, 8, 0, 1]);
    expect(sparkline(counts)).toBe(' █ ▁');
  });

  it('has a bar for each day of a longer period', () => {
    const uses = [
      use('2026-11-20T10:00:00.000Z', 1),
      use('2026-11-20T23:00:00.000Z', 1),
      use('2026-11-26T00:00:00.000Z', 5),
    ];
    expect(countsOf({ from: '2026-11-20T00:00:00.000Z', to: '2026-11-26T12:00:00.000Z', uses })).toEqual([
      2, 0, 0, 0, 0, 0, 5,
    ]);
  });

  it('takes times in words of one unit', () => {
    expect(['10s', '45m', '12h', '7d'].map((text) => secondsOf(text, '--since'))).toEqual([10, 2_700, 43_200, 604_800]);
    for (const text of ['', '7', 'd', '7w', '-1d', '1.5h']) expect(() => secondsOf(text, '--since')).toThrow('--since');
  });
});
