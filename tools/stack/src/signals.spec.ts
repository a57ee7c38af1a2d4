import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');

describe('the metrics of every service', () => {
  it('are measured before they are asked for: no gauge waits for a dependency in a scrape', () => {
    const sources = globSync('{apps,libs}/*/src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.spec.ts'));
    const waiting = sources.filter((file) =>
      /async collect\(|collect: async/.test(readFileSync(resolve(root, file), 'utf8')),
    );
    expect(sources.length).toBeGreaterThan(100);
    expect(waiting).toEqual([]);
  });
});
