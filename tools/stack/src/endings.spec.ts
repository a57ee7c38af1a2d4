import { existsSync, globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');
const sourcesOf = (projects: string): readonly { readonly path: string; readonly text: string }[] =>
  globSync(`${projects}/*/src/**/*.ts`, { cwd: root })
    .filter((path) => !/\.spec\.ts$|\/testing\//.test(path))
    .map((path) => ({ path, text: readFileSync(resolve(root, path), 'utf8') }));
const sources = sourcesOf('apps');

describe('the ending of a file', () => {
  it('tells what kind of part Nest provides from it', () => {
    const endings = /\.(?:client|controller|filter|grant|guard|module|service|store|worker)\.ts$/;
    const isPart = /^@(?:Injectable|Controller|Catch|Module)\((?:[^@]*?)^export class/m;
    // The entry points of a package are named as users import them.
    const parts = sourcesOf('{apps,libs}').filter(({ path, text }) => !path.includes('/parts/') && isPart.test(text));
    expect(parts.length).toBeGreaterThan(100);
    expect(parts.map(({ path }) => path).filter((path) => !endings.test(path))).toEqual([]);
  });

  it('is .store.ts wherever there is SQL', () => {
    const statement =
      /\b(?:pool|client|database|transaction)\.(?:query|execute)(?:<[^()]*>)?\(|\bsql`|[`'\s]insert into \S+ \(|[`'\s]select \d? ?from /;
    const found = sources.filter(({ path, text }) => statement.test(text) && !/\.(?:store|tables)\.ts$/.test(path));
    expect(found.map(({ path }) => path)).toEqual([]);
  });
});

describe('code that is fast and odd', () => {
  const files = globSync('{apps,libs}/*/src/**/fast/*.ts', { cwd: root }).filter((path) => !path.endsWith('.spec.ts'));

  it.each(files)('is compared with its plain twin by a spec beside it, and says what it gains: %s', (path) => {
    // What several of them share has no twin by itself.
    if (path.endsWith('/plain-bytes.ts')) return;
    expect(existsSync(resolve(root, path.replace(/\.ts$/, '.spec.ts')))).toBe(true);
    expect(readFileSync(resolve(root, path), 'utf8')).toMatch(/\d (?:%|µs|ns)|a (?:third|ninth)/);
  });
});
