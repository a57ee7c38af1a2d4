import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { commands } from './commands.js';

const root = resolve(import.meta.dirname, '../../../..');
/** Commands that are groups: the next word is a subcommand. */
const groups = new Set([
  ...['clients', 'keys', 'api-keys', 'ledger', 'payments', 'people', 'nats'],
  ...['audit', 'audit dead-letters', 'revoke'],
]);
/** Of a command group or a command, as the command line declares it: what this check runs must not decide what it looks for. */
const DECLARED = /\.command\('([a-z][a-z-]*)/g;
const MENTION = /\bcountersign ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)*)/g;

const declared = new Set(
  globSync('apps/cli/src/*/*.ts', { cwd: root }).flatMap((file) =>
    [...readFileSync(resolve(root, file), 'utf8').matchAll(DECLARED)].map(([, name]) => name),
  ),
);

/** The command in a mention, without what follows it: `revoke token` of `revoke token eyJ…`. */
function commandOf(words: readonly string[]): string {
  let length = 1;
  while (groups.has(words.slice(0, length).join(' ')) && length < words.length) length += 1;
  return words.slice(0, length).join(' ');
}

/** Every command that a text names; a group by itself (`countersign clients`) names all of it. */
function named(text: string): readonly string[] {
  return [...text.matchAll(MENTION)]
    .map(([, mention = '']) => mention.split(' '))
    .filter(([word = '']) => declared.has(word))
    .map(commandOf)
    .filter((name) => !groups.has(name));
}

describe('the commands that are run in containers', () => {
  it('are all that the documents and the help of the command line name', () => {
    const files = globSync(['*.md', 'docs/**/*.md', 'apps/cli/src/**/*.ts', 'tools/faults/src/faults/*.ts'], {
      cwd: root,
    }).filter((file) => file !== 'CHANGELOG.md' && !file.endsWith('.spec.ts'));
    const run = new Set(commands.map(({ name }) => name));
    const missing = files.flatMap((file) =>
      named(readFileSync(resolve(root, file), 'utf8'))
        .filter((name) => !run.has(name))
        .map((name) => `${file}: ${name}`),
    );
    expect([...new Set(missing)]).toEqual([]);
  });

  it('are read from a text with what follows them left out', () => {
    expect(named('`countersign revoke token eyJ`, countersign audit dead-letters show 7, countersign clients')).toEqual(
      ['revoke token', 'audit dead-letters show'],
    );
    expect(named('run countersign doctor, then countersign as a whole')).toEqual(['doctor']);
  });

  it('each say what they must print, and none the same twice', () => {
    const asked = commands.map(({ args }) => args({}).join(' '));
    expect(new Set(asked).size).toBe(asked.length);
    for (const { name, args } of commands) expect(args({}).join(' ').startsWith(name)).toBe(true);
  });
});
