// The Node that this repository pins, which npm's package `node` brings by an install script.
import { existsSync } from 'node:fs';

/**
 * Ends the process with words where it is not there, as after an installation without scripts.
 * @param root the workspace's folder, with a slash at its end
 */
export function pinnedNode(root) {
  const node = `${root}node_modules/.bin/node`;
  if (existsSync(node)) return node;
  process.stderr.write(
    `There is no ${node}. If npm runs no install scripts here (ignore-scripts), run: npm rebuild node --ignore-scripts=false\n`,
  );
  process.exit(2);
}
