import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { earlierVersions, RELEASED_VERSIONS } from './earlier-versions.js';

describe('the versions that an upgrade is tried from', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-versions-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const git = (root: string, ...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  const commit = (root: string): string => {
    git(root, 'commit', '--quiet', '--allow-empty', '--message', 'a version');
    return git(root, 'rev-parse', 'HEAD');
  };
  const release = (root: string, versions: Readonly<Record<string, string>>): void => {
    const path = join(root, RELEASED_VERSIONS);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify(versions));
  };
  function clone(): { root: string; commits: readonly [string, string, string] } {
    const root = mkdtempSync(join(folder, 'clone-'));
    git(root, 'init', '--quiet');
    return { root, commits: [commit(root), commit(root), commit(root)] };
  }

  it('are every tag and every commit that is named, the oldest first, a tag before what is named', () => {
    const { root, commits } = clone();
    const [first, second] = commits;
    release(root, { 'v0.10.0': first, 'v0.2.0': first });
    git(root, 'tag', 'v0.9.0', second);
    git(root, 'tag', 'v0.2.0', second);
    git(root, 'tag', 'nightly', first);
    expect(earlierVersions(root, [])).toEqual([
      { name: 'v0.2.0', commit: second },
      { name: 'v0.9.0', commit: second },
      { name: 'v0.10.0', commit: first },
    ]);
  });

  it('are without the version that the clone itself is', () => {
    const { root, commits } = clone();
    release(root, { 'v0.1.0': commits[0] });
    git(root, 'tag', 'v0.2.0');
    expect(earlierVersions(root, []).map(({ name }) => name)).toEqual(['v0.1.0']);
  });

  it('are those that are asked for, by name or commit', () => {
    const { root, commits } = clone();
    release(root, { 'v0.1.0': commits[0] });
    expect(earlierVersions(root, ['v0.1.0', commits[1]])).toEqual([
      { name: 'v0.1.0', commit: commits[0] },
      { name: commits[1], commit: commits[1] },
    ]);
  });

  it('are named, with what to do, where the clone does not have them', () => {
    const { root, commits } = clone();
    expect(() => earlierVersions(root, [])).toThrow(/no version to upgrade from.*released-versions\.json/);
    expect(() => earlierVersions(root, ['v7.0.0'])).toThrow(
      /does not have v7\.0\.0\. Fetch it: git fetch --tags origin/,
    );
    const shallow = join(folder, 'shallow');
    git(folder, 'clone', '--quiet', '--depth=1', `file://${root}`, shallow);
    release(shallow, { 'v0.1.0': commits[0] });
    expect(() => earlierVersions(shallow, [])).toThrow(
      `This shallow clone does not have v0.1.0 (commit ${commits[0]}). Fetch it: git fetch --unshallow --tags`,
    );
    const unpacked = mkdtempSync(join(folder, 'unpacked-'));
    expect(() => earlierVersions(unpacked, [])).toThrow(/is not a git clone/);
  });

  it('are at least the one that this repository names', () => {
    const root = join(import.meta.dirname, '../../../..');
    const named: unknown = JSON.parse(readFileSync(join(root, RELEASED_VERSIONS), 'utf8'));
    expect(named).toHaveProperty(['v0.1.0']);
  });
});
