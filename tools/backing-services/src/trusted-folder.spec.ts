import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type RunAs } from './run-as.js';
import { dataDirectory, removePostgresData, trustedFolder, UntrustedFolder } from './trusted-folder.js';

const root = process.getuid?.() === 0;
const nobody: RunAs = { uid: 65_534, gid: 65_534 };

describe('where PostgreSQL keeps its data', () => {
  let folder: string;
  const made: string[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-folder-'));
  });
  afterEach(() => {
    for (const path of [folder, ...made.splice(0)]) rmSync(path, { recursive: true, force: true });
  });

  it('is never behind a link, nor where others can write', () => {
    const real = join(folder, 'real');
    mkdirSync(real, { mode: 0o700 });
    symlinkSync(real, join(folder, 'link'));
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'open'));
    chmodSync(join(folder, 'open'), 0o777);
    expect(trustedFolder(real)).toBe(real);
    for (const [name, reason] of [
      ['link', /is a link/],
      ['file', /is not a folder/],
      ['open', /written to by others/],
    ] as const) {
      expect(() => trustedFolder(join(folder, name))).toThrow(UntrustedFolder);
      expect(() => trustedFolder(join(folder, name))).toThrow(reason);
    }
    expect(() => dataDirectory(join(folder, 'link'), undefined)).toThrow(UntrustedFolder);
  });

  // Only root starts PostgreSQL as somebody else, and only root may give a folder away.
  const asRoot = root ? it : it.skip;
  asRoot('has a random name when the state folder is private, which the state folder remembers', () => {
    const state = join(folder, 'postgres');
    const first = dataDirectory(state, nobody);
    made.push(first);
    expect(basename(first)).toMatch(/^countersign-[\w-]{6,}$/);
    expect(lstatSync(first)).toMatchObject({ uid: 0, mode: 0o40711 });
    expect(dataDirectory(state, nobody)).toBe(first);
    const other = dataDirectory(join(folder, 'other'), nobody);
    made.push(other);
    expect(other).not.toBe(first);
    // As /var/tmp is after a month, or in a new container.
    rmSync(other, { recursive: true });
    expect(() => dataDirectory(join(folder, 'other'), nobody)).toThrow(/is gone.*--reset/);
    removePostgresData(join(folder, 'other'));
    made.push(dataDirectory(join(folder, 'other'), nobody));
    removePostgresData(state);
    expect(existsSync(first)).toBe(false);
  });

  asRoot('is not used, and not removed, when what it remembers became a link', () => {
    const state = join(folder, 'postgres');
    const first = dataDirectory(state, nobody);
    const victim = join(folder, 'victim');
    mkdirSync(victim);
    writeFileSync(join(victim, 'kept'), 'kept');
    rmSync(first, { recursive: true });
    symlinkSync(victim, first);
    made.push(first);
    expect(() => dataDirectory(state, nobody)).toThrow(/is a link/);
    expect(() => {
      removePostgresData(state);
    }).toThrow(/is a link/);
    expect(readFileSync(join(victim, 'kept'), 'utf8')).toBe('kept');
  });
});
