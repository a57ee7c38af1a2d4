import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChromiumMissing, findChromium } from './chromium.js';

describe('programs that tests need', () => {
  const before = { PATH: process.env['PATH'], XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] };
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-programs-'));
    Object.assign(process.env, { PATH: folder, XDG_CACHE_HOME: join(folder, 'cache') });
  });
  afterEach(() => {
    Object.assign(process.env, before);
    if (before.XDG_CACHE_HOME === undefined) delete process.env['XDG_CACHE_HOME'];
    rmSync(folder, { recursive: true, force: true });
  });
  const program = (name: string, script: string): string => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  };

  it('are taken from the PATH when they are there', () => {
    const path = program('google-chrome', 'exit 0');
    expect(findChromium()).toEqual({ executablePath: path, env: {} });
  });

  it('say what to install if neither they nor apt-get are available', () => {
    expect(() => findChromium()).toThrow(ChromiumMissing);
    expect(() => findChromium()).toThrow(/has no apt-get[\s\S]*apt-get install chromium/);
  });

  it('say what apt-get said when it fails', () => {
    program('apt-get', 'case "$1" in --version) exit 0;; esac; echo "no route to the archive" >&2; exit 100');
    expect(() => findChromium()).toThrow(/no route to the archive[\s\S]*apt-get install chromium/);
  });
});
