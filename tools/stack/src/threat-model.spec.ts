import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/threat-model.md'), 'utf8');
const named = [...page.matchAll(/`([^`]+(?:\.spec|-walk)\.ts)` "([^"]+)"/g)].map(([, file = '', name = '']) => ({
  file,
  name,
}));

describe('the threat model', () => {
  it('names a test for each threat', () => {
    const threats = page.split('\n').filter((line) => /^\| [STRIDE] /.test(line));
    expect(threats.length).toBeGreaterThan(30);
    expect(threats.filter((line) => !/`[^`]+(?:\.spec|-walk)\.ts` "[^"]+"/.test(line))).toEqual([]);
  });

  it.each(named)('names a test that is there: $name', ({ file, name }) => {
    const path = join(root, file);
    expect({ file, there: existsSync(path) }).toEqual({ file, there: true });
    expect(readFileSync(path, 'utf8')).toContain(name);
  });
});
