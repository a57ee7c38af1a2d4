import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');
/** Not the test kit, which has no driver: rows are `unknown` to it. */
const sources = globSync('{apps,libs}/*/src/**/*.ts', { cwd: root })
  .filter((path) => !/\.spec\.ts$|\/testing\/|^libs\/test-kit\//.test(path))
  .map((path) => ({ path, text: readFileSync(resolve(root, path), 'utf8') }));

/** Names of constants that hold a prepared statement: `{ name: 'codes-by-digest', text: … }`. */
const prepared = new Set(
  sources.flatMap(({ text }) => [...text.matchAll(/const (\w+) = \{\n {2}name: '/g)].map(([, name = '']) => name)),
);

/** Whether a call of `query` is of a prepared statement. @param call from the bracket after `query` */
function isPrepared(call: string): boolean {
  const [, spread] = /^\(\{\s*(?:name: '|\.\.\.(\w+))/.exec(call) ?? ['', 'neither'];
  return spread === undefined || prepared.has(spread);
}

/** The rest of the method or function that a place in a text is in. */
const restOf = (text: string, index: number): string => text.slice(index).split(/\n(?: {2})?\}\n/)[0] ?? '';

describe('rows of hand-written SQL', () => {
  it('have a type argument only if the statement is prepared', () => {
    const typed = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/\.query<[^()]*>(?=\()/g)].map(({ 0: call, index }) => ({
        place: `${path} ${call}`,
        isPrepared: isPrepared(text.slice(index + call.length)),
      })),
    );
    expect(typed.length).toBeGreaterThan(5);
    expect(typed.filter((one) => !one.isPrepared)).toEqual([]);
  });

  it('are parsed where they have none, before anything else reads them', () => {
    const answers = sources.flatMap(({ path, text }) => [
      ...[...text.matchAll(/const \{ rows(?:: (\w+))? \} = await [\w.#]+\.query\(/g)].map(
        ({ 0: call, 1: name = 'rows', index }) => {
          const [use = ''] =
            new RegExp(`[^\\n]*(?<![.\\w])${name}\\b(?!:)`).exec(restOf(text, index + call.length)) ?? [];
          return { path, use };
        },
      ),
      ...[...text.matchAll(/^.*\)\.rows\b/gm)].map(({ 0: use }) => ({ path, use })),
    ]);
    expect(answers.length).toBeGreaterThan(60);
    expect(answers.filter(({ use }) => !/[pP]arse\((?:\w+(?:\)\.rows)?$|\(?await )|\.query</.test(use))).toEqual([]);
  });
});
