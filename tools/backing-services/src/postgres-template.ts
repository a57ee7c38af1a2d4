import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { cacheFolder } from './debian-packages.js';
import { type Binaries } from './postgres-binaries.js';
import { trustedFolder } from './trusted-folder.js';

const NAME = 'postgres-cluster-';
/** Milliseconds after which a template that nobody has used is removed: 30 days. */
const KEPT_MS = 30 * 86_400_000;

/** What its data folders depend on. The place and time of installation do not matter: each checkout has its own. */
function versionOf(program: string): string {
  const { status, stdout, error } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} --version failed`, { cause: error });
  return stdout.trim();
}

function removeUnused(template: string, now: number): void {
  const folder = dirname(template);
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const isOld = name.startsWith(NAME) && name !== basename(template) && now - statSync(path).mtimeMs > KEPT_MS;
    if (isOld) rmSync(path, { recursive: true, force: true });
  }
}

function copy(from: string, to: string): boolean {
  return spawnSync('cp', ['-a', from, to]).status === 0;
}

/**
 * Copies a new cluster instead of making it, which takes a tenth of the time of `initdb`: for tests. The first call on a machine makes
 * it and keeps a copy.
 * @param make runs `initdb`
 * @param now in milliseconds
 * @returns the superuser's password
 */
export function copyCluster(
  { postgres }: Binaries,
  data: string,
  make: (password: string) => void,
  now = Date.now(),
): string {
  const key = createHash('sha256')
    .update(`${versionOf(postgres)} ${String(statSync(postgres).size)}`)
    .digest('hex');
  const template = cacheFolder(`${NAME}${key.slice(0, 16)}`);
  if (existsSync(template)) {
    trustedFolder(template);
    if (copy(join(template, 'data'), data)) {
      utimesSync(template, now / 1_000, now / 1_000);
      return readFileSync(join(template, 'password'), 'utf8');
    }
    rmSync(data, { recursive: true, force: true });
  }
  const password = randomBytes(24).toString('base64url');
  make(password);
  const draft = `${template}.${String(process.pid)}`;
  mkdirSync(dirname(draft), { recursive: true });
  mkdirSync(draft, { mode: 0o700 });
  writeFileSync(join(draft, 'password'), password, { mode: 0o600 });
  try {
    if (copy(data, join(draft, 'data'))) renameSync(draft, template);
    removeUnused(template, now);
  } catch {
    // Another process was faster, and its copy is equivalent.
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return password;
}
