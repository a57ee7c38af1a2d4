import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nameProblem, namesOf } from './service-names.js';

const files = join(import.meta.dirname, '../../generators/src/files');
/** Names of types and classes that the code of each service has, whatever its name is. None of its own ends with an s. */
const own = new Set(
  globSync('**/*.ts.template', { cwd: files })
    .filter((file) => !file.includes('.spec.'))
    .flatMap((file) => {
      const code = readFileSync(join(files, file), 'utf8')
        .replaceAll(/\/\*[^]*?\*\/|'[^']*'/g, '')
        .replaceAll(/\w*<%= \w+ %>\w*/g, '');
      return code.match(/\b(?:[A-Z][a-z0-9]+)+\b(?<!s)/g) ?? [];
    }),
);
const hyphenated = (name: string): string => name.replaceAll(/(?<!^)[A-Z]/g, '-$&').toLowerCase();

describe('the name of a service', () => {
  it.each([...own])('does not make a second %s in its code', (name) => {
    const part = /^(.+)(?:Module|Controller|Service|Store)$/.exec(name)?.[1];
    for (const one of [name, ...(part === undefined ? [] : [part])]) {
      expect(nameProblem(hyphenated(one))).toMatch(/card-/);
      if (one === name) expect(nameProblem(`${hyphenated(one)}s`)).toMatch(/card-/);
    }
  });

  it('is none that PostgreSQL or Countersign has itself', () => {
    for (const name of ['template1', 'public', 'audit', 'nats']) expect(nameProblem(name)).toMatch(/^is (a|the) name/);
    for (const name of ['orders', 'transaction-logs', 'news', 'imports', 'package'])
      expect(nameProblem(name)).toBeUndefined();
    for (const name of ['', 'Orders', '-orders', 'my--orders', 'orders-', '../orders', 'a/b', 'x'.repeat(32), 'o_o'])
      expect(nameProblem(name)).toMatch(/^must be/);
  });

  it('is its own singular where nothing would be left of it', () => {
    expect(['s', 'a-s', 'class', 'orders'].map((name) => namesOf(name).singular)).toEqual([
      's',
      'a-s',
      'class',
      'order',
    ]);
  });
});
