import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { ReportRefused, type SentReport } from './report-to-issuer.js';
import { UsageFolder } from './usage-folder.js';

const use = { api_key_id: 'a', hour: '2026-11-26T12:00:00.000Z', route_class: 'read', outcome: 'allowed' as const };
const reportOf = (count: number) => ({ uses: [{ ...use, count }], networks: [] });

describe('a folder in which usage waits for the issuer', () => {
  let folder: string;
  let away = false;
  let arrived: SentReport[] = [];
  const send = (reports: readonly SentReport[]): Promise<void> => {
    if (away) return Promise.reject(new Error('away'));
    arrived.push(...reports);
    return Promise.resolve();
  };
  const counts = () => arrived.flatMap(({ uses }) => uses.map(({ count }) => count)).sort();

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'usage-folder-'));
    away = false;
    arrived = [];
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is empty once the issuer has everything', async () => {
    const kept = new UsageFolder(folder, send);
    await kept.open();
    await kept.keep(reportOf(1));
    await kept.keep(reportOf(2));
    await kept.close();
    expect(counts()).toEqual([1, 2]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('sends what a crash left at the next start, under the same ids', async () => {
    away = true;
    const crashed = new UsageFolder(folder, send);
    await crashed.open();
    await crashed.keep(reportOf(1));
    await crashed.keep(reportOf(2));
    await crashed.sendAll();
    const names = (await readdir(folder)).sort();
    expect(names).toHaveLength(2);
    away = false;
    const next = new UsageFolder(folder, send);
    await next.open();
    await next.close();
    expect(counts()).toEqual([1, 2]);
    expect(arrived.map(({ id }) => `${id}.json`).sort()).toEqual(names);
    expect(await readdir(folder)).toEqual([]);
    await crashed.close();
  });

  it('skips a file that is not a report, and leaves it for people to examine', async () => {
    await writeFile(join(folder, 'a.json'), '{"half":');
    const kept = new UsageFolder(folder, send);
    await kept.open();
    await kept.keep(reportOf(3));
    await kept.close();
    expect(counts()).toEqual([3]);
    expect(await readdir(folder)).toEqual(['a.json.unreadable']);
  });

  it('sets a report aside that the issuer refuses, with a warning, and sends later ones', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    try {
      const refusing = (reports: readonly SentReport[]): Promise<void> =>
        reports.some(({ uses }) => uses.some(({ count }) => count === 1))
          ? Promise.reject(new ReportRefused(400))
          : send(reports);
      const kept = new UsageFolder(folder, refusing);
      await kept.open();
      await kept.keep(reportOf(1));
      await kept.sendAll();
      await kept.keep(reportOf(2));
      await kept.close();
      expect(counts()).toEqual([2]);
      expect(await readdir(folder)).toEqual([expect.stringMatching(/\.json\.refused$/)]);
      expect(warnings).toHaveBeenCalledTimes(1);
      expect(warnings).toHaveBeenCalledWith(expect.stringContaining(folder), { code: 'COUNTERSIGN_API_KEY_REPORT' });
    } finally {
      warnings.mockRestore();
    }
  });
});
