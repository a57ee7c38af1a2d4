import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { API_KEY_PATTERN } from '@countersign/auth-core';
import { z } from 'zod';

const root = resolve(import.meta.dirname, '../../..');
const pages = globSync(['*.md', 'docs/**/*.md', '{libs,apps,tools,examples}/*/*.md', 'examples/*.md'], {
  cwd: root,
}).filter((page) => !page.includes('node_modules'));
const read = (page: string): string => readFileSync(resolve(root, page), 'utf8');
const records = globSync('docs/adr/*.md', { cwd: root }).sort();
/** Anchors of a page's headings, as GitHub makes them. */
const anchorsOf = (text: string): ReadonlySet<string> =>
  new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
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

  it('links only to headings that the page has', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\(([^)\s#]*)#([^)\s]+)\)/g)]
        .filter(([, target = '']) => !/^[a-z]+:/.test(target))
        .filter(([, target = '', anchor = '']) => {
          const linked = target === '' ? page : join(dirname(page), target);
          return linked.endsWith('.md') && !anchorsOf(read(linked)).has(anchor);
        })
        .map(([, target = '', anchor = '']) => `${page} → ${target}#${anchor}`),
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

  it('explains each code of countersign doctor, and no other', () => {
    const sources = globSync('apps/cli/src/doctor/*.ts', { cwd: root }).filter((file) => !file.endsWith('.spec.ts'));
    const codes = sources.flatMap((file) =>
      [...read(file).matchAll(/\bcode: ([^,]+),/g)].flatMap(([, value = '']) =>
        [...value.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code),
      ),
    );
    const rows = read('docs/versions.md').match(/^\| `[A-Z_]+`.*$/gm) ?? [];
    const explained = rows.flatMap((row) => row.split('|')[1]?.match(/[A-Z_]+/g) ?? []);
    expect(explained.sort()).toEqual([...new Set(codes)].sort());
    expect(explained.length).toBeGreaterThan(20);
  });

  it('names every metric of a service', () => {
    const sources = globSync('{libs,apps}/*/src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.spec.ts'));
    const metrics = sources.flatMap((file) => {
      const text = read(file);
      const ownNames = [...text.matchAll(/new (?:Counter|Gauge|Histogram)\(\{\s*name: '(\w+)'/g)];
      const byHelper = [...text.matchAll(/\bgauge\(\s*'(\w+)'/g)];
      return [...ownNames, ...byHelper].map(([, name = '']) => name);
    });
    const manual = pages.filter((page) => page.startsWith('docs/')).map(read);
    expect(metrics.filter((name) => !manual.some((text) => new RegExp(`\\b${name}\\b`).test(text)))).toEqual([]);
    expect(metrics.length).toBeGreaterThan(30);
  });

  it('explains each check and each note of readiness', () => {
    const sources = globSync('{libs,apps}/*/src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.spec.ts'));
    const calls = /\bhealth\.(?:add|addNote)\('(\w+)'/g;
    const names = sources.flatMap((file) => [...read(file).matchAll(calls)].map(([, name = '']) => name));
    const section = /^## Readiness\n([^]*?)^## /m.exec(read('docs/operations.md'))?.[1] ?? '';
    expect([...new Set(names)].filter((name) => !section.includes(`\`${name}\``))).toEqual([]);
    expect(names.length).toBeGreaterThan(14);
  });

  it('names every sub-path of a package in its README', () => {
    const schema = z.object({
      name: z.string(),
      private: z.boolean().default(false),
      exports: z.record(z.string(), z.unknown()),
    });
    const unnamed = globSync('libs/*/package.json', { cwd: root }).flatMap((file) => {
      const { name, private: isPrivate, exports } = schema.parse(JSON.parse(read(file)));
      if (isPrivate) return [];
      const text = read(join(dirname(file), 'README.md'));
      return Object.keys(exports)
        .filter((path) => path !== '.' && path !== './package.json')
        .map((path) => path.slice(2))
        .filter((path) => !text.includes(path.includes('.') ? path : `\`${name}/${path}\``))
        .map((path) => `${name}/${path}`);
    });
    expect(unnamed).toEqual([]);
  });

  it('names everything that test-kit exports in its README', () => {
    const exported = [...read('libs/test-kit/src/index.ts').matchAll(/export \{([^}]*)\}/g)].flatMap(([, names = '']) =>
      names.split(',').map((name) => name.trim()),
    );
    const values = exported.filter((name) => name !== '' && !name.startsWith('type '));
    const text = read('libs/test-kit/README.md');
    expect(values.filter((name) => !text.includes(`\`${name}`))).toEqual([]);
    expect(values.length).toBeGreaterThan(8);
  });

  it('counts the benchmarks and the hostile tokens right', () => {
    const benchmarks = globSync('tools/bench/src/*.bench.ts', { cwd: root }).map((file) => basename(file, '.bench.ts'));
    expect(read('CONTRIBUTING.md')).toContain(`: ${benchmarks.sort().join(', ')} `);
    const hostile = String(globSync('libs/auth-core/corpus/*.json', { cwd: root }).length);
    for (const page of ['libs/auth-core/README.md', 'docs/threat-model.md'])
      expect([page, /(\d+) hostile tokens/.exec(read(page))?.[1]]).toEqual([page, hostile]);
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
