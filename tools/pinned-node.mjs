// The Node that this repository pins: a package for each platform that has one (`optionalDependencies`), of which npm installs the platform's own.
import { existsSync } from 'node:fs';

/** @param version as `process.versions.node` */
export function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 9);
}

/**
 * Where there is none, the Node that runs this, if it is new enough; else it ends the process with words.
 * @param root the workspace's folder, with a slash at its end
 */
export function pinnedNode(root) {
  const node = `${root}node_modules/.bin/node`;
  if (existsSync(node)) return node;
  const { version, platform, arch, execPath } = process;
  if (isNewEnough(process.versions.node)) return execPath;
  process.stderr.write(
    `This is Node ${version}, and npm installed no newer one here (${platform}, ${arch}). Install Node 24.9 or newer and start again.\n`,
  );
  process.exit(2);
}
