// Whether everything is built, as far as the file system knows: nx, which compares contents, takes a second to find that it has nothing to do.
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Folders of projects, and the files beside them that a build reads. */
const folders = ['apps', 'libs', 'tools', 'examples'];
const files = ['package.json', 'package-lock.json', 'nx.json', 'tsconfig.base.json', 'node_modules/.package-lock.json'];
/** Neither read nor written by a build. */
const skipped = new Set(['node_modules', 'test-results', '.countersign']);
/** What a build writes: folders of these names. */
const written = new Set(['dist', 'cjs', 'template']);
/** Milliseconds by which a file's time may be behind the clock, and more. */
const MARGIN_MS = 100;

const recordOf = (root) => join(root, 'node_modules/.cache/built');

/**
 * All files of the workspace, sources and built ones, by path, size and the time of their last change, which no program can set (ctime).
 * @returns `print`, which is the same as long as none of them changes, and `changedMs`: when a source last changed
 */
function look(root) {
  const hash = createHash('sha256');
  let changedMs = 0;
  const add = (path, isSource) => {
    const { size, ctimeMs } = lstatSync(join(root, path));
    hash.update(`${path} ${size} ${ctimeMs}\n`);
    if (isSource) changedMs = Math.max(changedMs, ctimeMs);
  };
  const walk = (folder, isSource) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (skipped.has(entry.name)) continue;
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path, isSource && !written.has(entry.name));
      else add(path, isSource);
    }
  };
  for (const file of files) add(file, true);
  for (const folder of folders) walk(folder, true);
  return { print: hash.digest('hex'), changedMs };
}

/** @param root the workspace's folder */
export function isBuilt(root) {
  try {
    return readFileSync(recordOf(root), 'utf8') === look(root).print;
  } catch {
    return false;
  }
}

/**
 * Records that everything is built, unless a source has changed since the build began: what was built then is not known.
 * @param root the workspace's folder
 * @param begunMs when the build began, in milliseconds since 1970
 */
export function recordBuilt(root, begunMs) {
  rmSync(recordOf(root), { force: true });
  const { print, changedMs } = look(root);
  if (changedMs > begunMs - MARGIN_MS) return;
  mkdirSync(dirname(recordOf(root)), { recursive: true });
  writeFileSync(recordOf(root), print);
}
