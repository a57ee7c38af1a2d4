import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');
const sources = globSync('apps/*/src/**/*.ts', { cwd: root })
  .filter((path) => !/\.spec\.ts$|\/testing\//.test(path))
  .map((path) => ({ path, text: readFileSync(resolve(root, path), 'utf8') }));

describe('the ending of a file', () => {
  it('tells what kind of part Nest provides from it', () => {
    const endings = /\.(?:client|controller|filter|grant|guard|module|service|store|worker)\.ts$/;
    const parts = sources.filter(({ text }) => /^@(?:Injectable|Controller|Catch|Module)\(/m.test(text));
    expect(parts.length).toBeGreaterThan(100);
    expect(parts.map(({ path }) => path).filter((path) => !endings.test(path))).toEqual([]);
  });

  it('is .store.ts wherever there is SQL', () => {
    const statement = /\b(?:pool|client|database|transaction)\.(?:query|execute)(?:<[^()]*>)?\(|\bsql`/;
    const found = sources.filter(({ path, text }) => statement.test(text) && !/\.(?:store|tables)\.ts$/.test(path));
    expect(found.map(({ path }) => path)).toEqual([]);
  });
});
