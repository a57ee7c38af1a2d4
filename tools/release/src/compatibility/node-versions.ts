import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { install, must } from './command.js';

/** Every line of Node that has long-term support, or will have. */
export const nodeLines = ['20', '22', '24', '26'] as const;
export type NodeLine = (typeof nodeLines)[number];

export interface NodeVersion {
  readonly line: NodeLine;
  /** `v22.23.3`. */
  readonly version: string;
  /** The folder of its program. */
  readonly bin: string;
}

/** Node of one line, from the npm package `node`. */
export async function nodeOf(line: NodeLine, folder: string): Promise<NodeVersion> {
  const home = join(folder, `node-${line}`);
  mkdirSync(home, { recursive: true });
  const manifest = { private: true, dependencies: { node: `^${line}.0.0` }, allowScripts: { node: true } };
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
  await install(home);
  const bin = join(home, 'node_modules/node/bin');
  const version = await must(join(bin, 'node'), ['--version'], { cwd: home });
  return { line, version: version.trim(), bin };
}
