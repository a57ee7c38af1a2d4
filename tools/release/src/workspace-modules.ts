// A project outside the workspace with the packages that the workspace has installed already: npm needs ten seconds of processor time to look
// for them in the registry and to unpack them.
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type PackedPackage } from './packed.js';

const namesSchema = z.record(z.string(), z.string()).default({});
const entrySchema = z.looseObject({
  link: z.boolean().default(false),
  hasInstallScript: z.boolean().default(false),
  bin: namesSchema,
  dependencies: namesSchema,
  optionalDependencies: namesSchema,
  peerDependencies: namesSchema,
  peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.boolean().default(false) })).default({}),
});
const lockSchema = z.looseObject({ packages: z.record(z.string(), entrySchema) });
const manifestSchema = entrySchema.extend({ devDependencies: namesSchema });

type Entries = ReadonlyMap<string, z.infer<typeof entrySchema>>;

/** Where Node finds a package that one at `from` asks for. */
function placeOf(name: string, from: string, entries: Entries): string | undefined {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const place = `${base === '' ? '' : `${base}/`}node_modules/${name}`;
    if (entries.has(place)) return place;
    if (base === '') return undefined;
  }
}

/** The places that are needed by what `asks`, and by what these need. */
function closureOf(asks: readonly string[], entries: Entries): ReadonlySet<string> {
  const found = new Set<string>();
  const add = (names: readonly string[], from: string): void => {
    for (const name of names) {
      const place = placeOf(name, from, entries);
      const entry = place === undefined ? undefined : entries.get(place);
      if (place === undefined || entry === undefined || found.has(place)) continue;
      found.add(place);
      const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = entry;
      const peers = Object.keys(peerDependencies).filter((peer) => peerDependenciesMeta[peer]?.optional !== true);
      add([...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers], place);
    }
  };
  add(asks, '');
  return found;
}

function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch {
    // On another file system, or one without links.
    copyFileSync(source, target);
  }
}

/** Without the packages that are inside it, which have places of their own. */
function linkFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkFolder(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkOrCopy(source, target);
  }
}

/**
 * Prepares `npm install` in a folder with a `package.json`: a lock file of the workspace's own versions, and those packages as hard links. npm
 * has the last word: it adds what is missing, replaces what does not fit, removes what nothing needs, and unpacks the packed packages.
 * @param root the workspace's own folder
 * @param others packages of which the project wants another version than the workspace has
 */
export function provideModules(
  root: string,
  folder: string,
  packed: readonly PackedPackage[],
  others: readonly string[] = [],
): void {
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  const lock = lockSchema.parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
  const entries = new Map(
    Object.entries(lock.packages).filter(([place, { link }]) => place.startsWith('node_modules/') && !link),
  );
  for (const { name, tarball, directory } of packed) {
    const entry = entrySchema.parse(JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')));
    const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
    const { version, bin, dependencies, peerDependencies, peerDependenciesMeta } = entry;
    const kept = { version, bin, dependencies, peerDependencies, peerDependenciesMeta };
    entries.set(`node_modules/${name}`, entrySchema.parse({ ...kept, resolved: `file:${tarball}`, integrity }));
  }
  const needed = closureOf(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }), entries);
  const left = new Set(others.map((name) => `node_modules/${name}`));
  const packages = Object.fromEntries([...entries].filter(([place]) => needed.has(place) && !left.has(place)));
  writeFileSync(
    join(folder, 'package-lock.json'),
    JSON.stringify({ lockfileVersion: 3, requires: true, packages: { '': manifest, ...packages } }),
  );
  const unpacked = new Set(packed.map(({ name }) => `node_modules/${name}`));
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  for (const [place, { hasInstallScript, bin }] of Object.entries(packages)) {
    // What has an install script is npm's to unpack, because it then runs it.
    if (unpacked.has(place) || hasInstallScript || !existsSync(join(root, place))) continue;
    linkFolder(join(root, place), join(folder, place));
    const name = place.slice('node_modules/'.length);
    if (name.includes('/node_modules/')) continue;
    for (const [command, path] of Object.entries(bin)) {
      const link = join(folder, 'node_modules/.bin', command);
      if (!existsSync(link)) symlinkSync(join('..', name, path), link);
    }
  }
}
