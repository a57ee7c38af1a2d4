import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { publishedLibraries } from './published.js';

const packedSchema = z.array(
  z.object({ name: z.string(), filename: z.string(), files: z.array(z.object({ path: z.string() })) }),
);

/** A library of ours, or another of our packages that is published. */
export interface PackedPackage {
  readonly name: string;
  /** Its sources. */
  readonly directory: string;
  /** The tarball, as npm would publish it. */
  readonly tarball: string;
  readonly files: readonly string[];
}

type Unpacked = Pick<PackedPackage, 'name' | 'directory'>;

function pack(root: string, folder: string, unpacked: readonly Unpacked[]): readonly PackedPackage[] {
  const directories = unpacked.map(({ directory }) => directory);
  const printed = execFileSync(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, ...directories],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, npm_config_loglevel: 'error' },
    },
  );
  const packed = new Map(packedSchema.parse(JSON.parse(printed)).map((one) => [one.name, one]));
  return unpacked.map(({ name, directory }) => {
    const one = packed.get(name);
    if (one === undefined) throw new Error(`npm packed nothing for ${name}`);
    return { name, directory, tarball: join(folder, one.filename), files: one.files.map(({ path }) => path) };
  });
}

function builtLibraries(root: string): readonly Unpacked[] {
  const libraries = publishedLibraries(root);
  for (const { name, directory } of libraries)
    if (!existsSync(join(directory, 'cjs/index.js')))
      throw new Error(`${name} is not built; run: npx nx run-many -t build`);
  return libraries;
}

/**
 * Packs every published library.
 * @param root the workspace's own folder
 * @param folder where the tarballs go
 * @throws {Error} for a library that is not built
 */
export const packLibraries = (root: string, folder: string): readonly PackedPackage[] =>
  pack(root, folder, builtLibraries(root));

export interface PackedPackages {
  /** Holds the tarballs. */
  readonly folder: string;
  readonly packages: readonly PackedPackage[];
}

let kept: PackedPackages | undefined;

/** Every published library and what a service outside the workspace has besides; packed once for all specs of this process, with which it ends. */
export function packedPackages(root: string): PackedPackages {
  if (kept !== undefined) return kept;
  const folder = mkdtempSync(join(tmpdir(), 'countersign-packed-'));
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  const others = [
    { name: '@countersign/backing-services', directory: join(root, 'tools/backing-services') },
    { name: 'create-countersign', directory: join(root, 'tools/create-countersign') },
  ];
  kept = { folder, packages: pack(root, folder, [...builtLibraries(root), ...others]) };
  return kept;
}

/** The libraries as dependencies of a project outside the workspace; as `overrides` too they name each other's tarballs. */
export function tarballsOf(packed: readonly PackedPackage[]): Readonly<Record<string, string>> {
  return Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
}
