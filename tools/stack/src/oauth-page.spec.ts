import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/oauth.md'), 'utf8');
const table = page.slice(page.indexOf('line by line'));
const rows = table.split('\n').filter((line) => line.startsWith('| ') && !/^\| (?:rule|-+) /.test(line));
const named = [...table.matchAll(/`([^`]+\.spec\.ts)` "([^"]+)"/g)].map(([, file = '', name = '']) => ({ file, name }));

describe('the page on OAuth', () => {
  it('names a test for each rule', () => {
    expect(rows.length).toBeGreaterThan(40);
    expect(rows.filter((line) => !/`[^`]+\.spec\.ts` "[^"]+"/.test(line))).toEqual([]);
  });

  it.each(named)('names a test that is there: $name', ({ file, name }) => {
    const path = join(root, file);
    expect({ file, there: existsSync(path) }).toEqual({ file, there: true });
    expect(readFileSync(path, 'utf8')).toContain(name);
  });
});
