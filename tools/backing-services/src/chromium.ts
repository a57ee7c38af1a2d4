import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, executable, onPath, PackageUnavailable, unpackDebianPackage } from './debian-packages.js';

/** There is no Chromium, and none could be obtained: the message says what to install. */
export class ChromiumMissing extends Error {
  readonly code = 'CHROMIUM_MISSING';
  constructor(reason: string) {
    super(
      `No Chromium was found (${reason}).\n` +
        'Install it and start again: apt-get install chromium (Debian), or put a Chrome or Chromium on the PATH ' +
        'as chromium, google-chrome or chrome.',
    );
    this.name = 'ChromiumMissing';
  }
}

/** A browser driven by tests, and the variables that it must be started with. */
export interface Chromium {
  readonly executablePath: string;
  readonly env: Readonly<Record<string, string>>;
}

const names = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'chrome',
];
const DEBIAN = 'chromium-headless-shell';

/** The packages' libraries and fonts: without an installation nothing would find them. */
function unpacked(folder: string): Chromium {
  const libraries = globSync(['usr/lib/*-linux-gnu*', 'lib/*-linux-gnu*', 'usr/lib/*-linux-gnu*/{nss,pulseaudio}'], {
    cwd: folder,
  }).map((path) => join(folder, path));
  const fonts = join(folder, 'fonts.conf');
  return {
    executablePath: join(folder, 'usr/lib/chromium', DEBIAN),
    env: { LD_LIBRARY_PATH: libraries.join(':'), ...(existsSync(fonts) ? { FONTCONFIG_FILE: fonts } : {}) },
  };
}

function writeFontsConfiguration(folder: string): void {
  mkdirSync(join(folder, 'font-cache'), { recursive: true });
  const places = ['/usr/share/fonts', join(folder, 'usr/share/fonts')].map((path) => `<dir>${path}</dir>`).join('');
  writeFileSync(
    join(folder, 'fonts.conf'),
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>${places}<cachedir>${join(folder, 'font-cache')}</cachedir></fontconfig>\n`,
  );
}

/** Whether it starts here; a library may have been removed since it was unpacked. */
function problemOf({ executablePath, env }: Chromium): string | undefined {
  const { status, stderr, error } = spawnSync(executablePath, ['--version'], {
    encoding: 'utf8',
    timeout: 30_000,
    env: { ...process.env, ...env },
  });
  return status === 0 ? undefined : (error?.message ?? stderr).trim().slice(-300);
}

/**
 * Finds a Chromium: on the PATH, else in the cache folder, else unpacked there from Debian's packages, with every library that this
 * system does not have, without root.
 * @throws {ChromiumMissing}
 */
export function findChromium(): Chromium {
  const found = onPath(...names);
  if (found !== undefined) return { executablePath: found, env: {} };
  const folder = cacheFolder('chromium');
  if (executable(unpacked(folder).executablePath)) {
    if (problemOf(unpacked(folder)) === undefined) return unpacked(folder);
    rmSync(folder, { recursive: true, force: true });
  }
  try {
    unpackDebianPackage({ name: DEBIAN, withDependencies: true, folder });
  } catch (error) {
    throw error instanceof PackageUnavailable ? new ChromiumMissing(error.message) : error;
  }
  writeFontsConfiguration(folder);
  const problem = problemOf(unpacked(folder));
  if (problem !== undefined) throw new ChromiumMissing(`Debian's does not start: ${problem}`);
  return unpacked(folder);
}
