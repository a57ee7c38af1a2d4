import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { publishedLibraries } from './published.js';

const packedSchema = z.array(
  z.object({ name: z.string(), filename: z.string(), files: z.array(z.object({ path: z.string() })) }),
);

export interface PackedLibrary {
  readonly name: string;
  /** The tarball, as npm would publish it. */
  readonly tarball: string;
  readonly files: readonly string[];
}

/**
 * Packs every published library.
 * @param root the workspace's own folder
 * @param folder where the tarballs go
 * @throws {Error} for a library that is not built
 */
export function packLibraries(root: string, folder: string): readonly PackedLibrary[] {
  const libraries = publishedLibraries(root);
  for (const { name, directory } of libraries)
    if (!existsSync(join(directory, 'cjs/index.js')))
      throw new Error(`${name} is not built; run: npx nx run-many -t build`);
  const directories = libraries.map(({ directory }) => directory);
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
  return libraries.map(({ name }) => {
    const one = packed.get(name);
    if (one === undefined) throw new Error(`npm packed nothing for ${name}`);
    return { name, tarball: join(folder, one.filename), files: one.files.map(({ path }) => path) };
  });
}

/** The libraries as dependencies of a project outside the workspace; as `overrides` too they name each other's tarballs. */
export function tarballsOf(packed: readonly PackedLibrary[]): Readonly<Record<string, string>> {
  return Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
}
