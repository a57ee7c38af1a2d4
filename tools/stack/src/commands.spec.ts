import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';

const root = resolve(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8');
const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')));

/** The source of the file that a script runs, if it is ours. */
function sourceOf(command: string): string | undefined {
  const [, path] = /node (?:tools\/run-built\.mjs (?:--\S+ )*)?((?:tools|apps)\/\S+)$/.exec(command) ?? [];
  return path?.replace('/dist/', '/src/').replace(/\.js$/, '.ts');
}
const commands = Object.entries(scripts)
  // The help of `start` is run in start.integration.spec.ts.
  .filter(([name]) => !/^(?:pre|format|start$)/.test(name))
  .map(([name, command]) => ({ name, source: sourceOf(command) }))
  .flatMap(({ name, source }) => (source === undefined ? [] : [{ name, source }]));

describe('the commands of package.json', () => {
  it('are found', () => {
    expect(commands.length).toBeGreaterThan(12);
  });

  it.each(commands)('$name has a help text and refuses what it does not know', ({ name, source }) => {
    const folder = source.slice(0, source.lastIndexOf('/'));
    const texts = [source, ...globSync(`${folder}/*.ts`, { cwd: root })].map(read).join('\n');
    const usage = name === 'test' ? `npm ${name}` : `npm run ${name}`;
    expect(texts).toMatch(new RegExp(`new Command\\('${usage} --'\\)|Usage: ${usage}\\b`));
  });
});
