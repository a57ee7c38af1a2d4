import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { API_KEY_PATTERN } from '@countersign/auth-core';
import { z } from 'zod';

const root = resolve(import.meta.dirname, '../../..');
const pages = globSync(['*.md', 'docs/**/*.md', '{libs,apps,tools,examples}/*/*.md', 'examples/*.md'], {
  cwd: root,
}).filter((page) => !page.includes('node_modules'));
const read = (page: string): string => readFileSync(resolve(root, page), 'utf8');
const records = globSync('docs/adr/*.md', { cwd: root }).sort();
const numberOf = (path: string): number => Number(/(\d{4})-[^/]*\.md$/.exec(path)?.[1]);

describe('the documentation', () => {
  it('links only to pages and folders that exist', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target.replace(/#.*$/, ''))
        .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
        .filter((target) => !existsSync(resolve(root, dirname(page), target)))
        .map((target) => `${page} → ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('names only npm scripts and files of the repository that exist', () => {
    const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')));
    // Histories say what was then; create-countersign names files of the project that it makes.
    const current = pages.filter((page) => !/^(?:CHANGELOG\.md|docs\/adr\/|tools\/create-countersign\/)/.test(page));
    const missing = current.flatMap((page) => {
      const text = read(page);
      const names = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
      const paths = [
        ...text.matchAll(/`((?:apps|docs|examples|libs|tools)\/[\w./-]+\.(?:json|md|mjs|sql|tsx?|ya?ml))`/g),
      ]
        .map(([, path = '']) => path)
        .filter((path) => !path.includes('/dist/'));
      return [
        ...names.filter((name) => !Object.hasOwn(scripts, name)),
        ...paths.filter((path) => !existsSync(resolve(root, path))),
      ].map((name) => `${page}: ${name}`);
    });
    expect(missing).toEqual([]);
  });

  it('numbers its decisions without a gap or a double, in the file as in its title and in links to it', () => {
    expect(records.map(numberOf)).toEqual(records.map((_, index) => index + 1));
    for (const record of records) expect(read(record)).toMatch(new RegExp(`^# ${String(numberOf(record))}\\. `));
    for (const page of pages) {
      for (const [, named, target = ''] of read(page).matchAll(/\[ADR (\d+)\]\(([^)]+)\)/g)) {
        expect([page, Number(named)]).toEqual([page, numberOf(target)]);
      }
    }
  });

  it('publishes the expression by which API keys are found', () => {
    expect(read('docs/api-keys.md').split('\n')).toContain(API_KEY_PATTERN.source);
  });

  it('has no row of a table outside its table', () => {
    const strays = pages.flatMap((page) => {
      const lines = read(page)
        .replaceAll(/^```[^]*?^```/gm, '')
        .split('\n');
      return lines
        .filter(
          (line, index) =>
            line.startsWith('|') &&
            lines[index - 1]?.startsWith('|') !== true &&
            !/^\|[ :|-]+$/.test(lines[index + 1] ?? ''),
        )
        .map((line) => `${page}: ${line}`);
    });
    expect(strays).toEqual([]);
  });

  it('says no line twice in a row', () => {
    for (const page of pages) {
      const lines = read(page)
        .split('\n')
        .filter((line) => line.trim().length > 40);
      expect([page, lines.filter((line, index) => line === lines[index - 1])]).toEqual([page, []]);
    }
  });
});
