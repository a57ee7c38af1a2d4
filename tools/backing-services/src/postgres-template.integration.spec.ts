import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { copyCluster } from './postgres-template.js';
import { findBinaries, type Binaries } from './postgres-binaries.js';
import { runAs } from './run-as.js';
import { testFolder } from './test-folder.js';

const DAY_MS = 86_400_000;

describe('the data folder that tests copy', () => {
  const folder = testFolder();
  const cached = join(folder, 'countersign');
  const before = process.env['XDG_CACHE_HOME'];
  let binaries: Binaries;
  let made = 0;
  beforeAll(async () => {
    process.env['XDG_CACHE_HOME'] = folder;
    binaries = await findBinaries(runAs());
  });
  afterAll(() => {
    if (before === undefined) delete process.env['XDG_CACHE_HOME'];
    else process.env['XDG_CACHE_HOME'] = before;
    rmSync(folder, { recursive: true, force: true });
  });

  const copied = (name: string, from = binaries, now?: number): string => {
    const data = join(folder, name);
    const make = (password: string): void => {
      made += 1;
      mkdirSync(data);
      writeFileSync(join(data, 'PG_VERSION'), password);
    };
    return copyCluster(from, data, make, now);
  };

  it('is made once for a version, wherever that is installed', () => {
    const elsewhere = join(folder, 'elsewhere');
    const native = dirname(dirname(binaries.postgres));
    cpSync(native, elsewhere, { recursive: true, verbatimSymlinks: true });
    const [first, second] = [copied('one'), copied('two', { ...binaries, postgres: join(elsewhere, 'bin/postgres') })];
    expect([second, made]).toEqual([first, 1]);
    expect(existsSync(join(folder, 'two/PG_VERSION'))).toBe(true);
  });

  it('is removed when no test has used it for 30 days and another one is made', () => {
    const now = Date.now();
    const [own = ''] = readdirSync(cached);
    const old = join(cached, 'postgres-cluster-of-an-earlier-version');
    const recent = join(cached, 'postgres-cluster-of-another-version');
    const program = join(cached, 'nats-server');
    for (const path of [old, recent, program]) {
      mkdirSync(path);
      const days = path === recent ? 29 : 31;
      utimesSync(path, (now - days * DAY_MS) / 1_000, (now - days * DAY_MS) / 1_000);
    }
    copied('three', binaries, now);
    expect(existsSync(old)).toBe(true);
    rmSync(join(cached, own), { recursive: true });
    copied('four', binaries, now);
    expect([existsSync(old), existsSync(recent), existsSync(program)]).toEqual([false, true, true]);
  });
});
