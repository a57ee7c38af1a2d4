import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StackError } from '@countersign/stack';
import { z } from 'zod';

/** A version of this repository whose data may be taken over. */
export interface EarlierVersion {
  /** As an operator names it: `v0.1.0`, or a commit. */
  readonly name: string;
  readonly commit: string;
}

/** Released versions that have no tag, with their commits: a tag of the same name goes before. */
export const RELEASED_VERSIONS = 'tools/release/released-versions.json';

const NAME = /^v\d+\.\d+\.\d+$/;
const releasedSchema = z.record(z.string().regex(NAME), z.string().regex(/^[0-9a-f]{40}$/));

function git(root: string, ...args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

const commitOf = (root: string, ref: string): string | undefined =>
  git(root, 'rev-parse', '--verify', '--quiet', `${ref}^{commit}`);

/** Every version that was released before the one in this clone: its tags, and what {@link RELEASED_VERSIONS} names. */
function releasedVersions(root: string): readonly EarlierVersion[] {
  const path = join(root, RELEASED_VERSIONS);
  const released = new Map(
    Object.entries(existsSync(path) ? releasedSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) : {}),
  );
  for (const tag of (git(root, 'tag', '--list') ?? '').split('\n').filter((name) => NAME.test(name)))
    released.set(tag, commitOf(root, `refs/tags/${tag}`) ?? '');
  const head = commitOf(root, 'HEAD');
  return [...released]
    .map(([name, commit]) => ({ name, commit }))
    .filter(({ commit }) => commit !== head)
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

/**
 * The versions that an upgrade is tried from.
 * @param refs tags or commits; without any, every released version
 * @throws {StackError} naming what this clone does not have, and how to get it
 */
export function earlierVersions(root: string, refs: readonly string[]): readonly EarlierVersion[] {
  if (git(root, 'rev-parse', '--git-dir') === undefined)
    throw new StackError(
      `${root} is not a git clone, so it has no earlier version to upgrade from. Clone the repository.`,
    );
  const released = releasedVersions(root);
  const requested = refs.map((ref) => released.find(({ name }) => name === ref) ?? { name: ref, commit: ref });
  const versions = (refs.length === 0 ? released : requested).map((version) => ({
    ...version,
    found: commitOf(root, version.commit),
  }));
  if (versions.length === 0)
    throw new StackError(`There is no version to upgrade from: no tag like v0.1.0, and none in ${RELEASED_VERSIONS}.`);
  const missing = versions.filter(({ found }) => found === undefined);
  if (missing.length > 0) {
    const shallow = git(root, 'rev-parse', '--is-shallow-repository') === 'true';
    const names = missing.map(({ name, commit }) => (name === commit ? name : `${name} (commit ${commit})`));
    throw new StackError(
      `This ${shallow ? 'shallow ' : ''}clone does not have ${names.join(', ')}. Fetch it: ${shallow ? 'git fetch --unshallow --tags' : 'git fetch --tags origin'}`,
    );
  }
  return versions.map(({ name, found = '' }) => ({ name, commit: found }));
}
