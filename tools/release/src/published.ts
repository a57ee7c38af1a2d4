import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const manifestSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  private: z.boolean().optional(),
  engines: z.object({ node: z.string() }).default({ node: '' }),
  dependencies: z.record(z.string(), z.string()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
});

/** A library that is published: every one under `libs/` that is not private. */
export interface PublishedLibrary {
  readonly name: string;
  readonly directory: string;
  readonly manifest: z.infer<typeof manifestSchema>;
}

/** @param root the workspace's own folder */
export function publishedLibraries(root: string): readonly PublishedLibrary[] {
  return readdirSync(join(root, 'libs'))
    .map((folder) => join(root, 'libs', folder))
    .filter((directory) => existsSync(join(directory, 'package.json')))
    .map((directory) => {
      const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')));
      return { name: manifest.name, directory, manifest };
    })
    .filter(({ manifest }) => manifest.private !== true);
}

/** The self-contained TypeScript of a README: blocks with their own imports. */
export function examplesOf(readme: string): readonly string[] {
  return [...readme.matchAll(/```ts\n([\s\S]*?)```/g)]
    .map(([, code]) => code ?? '')
    .filter((code) => code.includes('import '));
}
