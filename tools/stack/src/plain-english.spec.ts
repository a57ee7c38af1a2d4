import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');

/** Phrases of docs/writing.md that must not come back, and how many are still there: a number may only shrink. */
const refused: readonly (readonly [phrase: RegExp, but: string, left: number])[] = [
  [/\bat the (?:most|least)\b/gi, 'at most, at least', 0],
  [/\banew\b/gi, 'again', 0],
  [/\bparted by\b/gi, 'separated by', 0],
  [/\bit is no (?!longer\b|more\b)[a-z]/gi, 'it is not a, must be', 0],
  [/\b(?:that|what|which|or|with) is none\b/gi, 'is not one, is malformed', 0],
  [/\bis none of (?!the )/gi, 'is not one of', 0],
  [/\bfurnish/gi, 'fill, plan', 0],
  [/\bwhoever\b/gi, 'anyone who, the one who, no matter who', 0],
  [/\bunder way\b/gi, 'in progress, running, in flight', 0],
  [/\bfor want of\b/gi, 'for lack of, without', 0],
  [/\bdeclared no more\b/gi, 'no longer declared', 0],
  [/\bbetween two looks\b/gi, 'between two checks', 0],
  [/\b(?:learnt|unless told otherwise)\b/gi, 'learned, by default', 0],
  [/\b(?:went|going) on\b(?! (?:a|the|to)\b)/gi, 'continued, kept', 0],
  [/\bhears? of\b/gi, 'receives, is notified of, learns of', 0],
  [/\b(?:works?|accepted|published|posts it) no more\b/gi, 'no longer', 0],
  [/\b(?:assertion|code|key|proof|signature|token)s?\b[^.|]{0,30} (?:is|are|was|were|stays?) good\b/gi, 'valid', 0],
  [/\b(?:given free|gives? (?:without having|what it does not have))\b/gi, 'released; can pay out more than it has', 0],
  [/\bwhat(?:ever)? (?:a|the) (?:client|subject) stands in\b/gi, 'what names it', 0],
  [/\bshown this once\b/gi, 'shown only once', 0],
  [/\bnobody could verify\b/gi, 'unverified', 0],
  [/\brests? encrypted\b/gi, 'is stored encrypted', 0],
  [/\bother makers\b/gi, 'third-party', 0],
  [/\b(?:[a-z]*[Ww]ish(?:es|ed)?|guardBorder|attendAt)\b/g, 'request, options; what the value is', 0],
];

/** Landed migrations never change, the changelog is history, and the glossary must name what it refuses. */
const isExempt = (path: string): boolean =>
  /(?:^|\/)(?:CHANGELOG\.md|migrations\/.*\.sql)$/.test(path) ||
  ['docs/writing.md', 'tools/stack/src/plain-english.spec.ts'].includes(path);

const texts = execFileSync('git', ['ls-files', '*.ts', '*.tsx', '*.mjs', '*.md', '*.sql', '*.yml', '*.template'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && !isExempt(path) && existsSync(join(root, path)))
  .map((path) => ({ path, lines: readFileSync(join(root, path), 'utf8').split('\n') }));

function found(phrase: RegExp): string[] {
  return texts.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) =>
      [...line.matchAll(phrase)].map((match) => `${path}:${String(index + 1)}: ${match[0]}`),
    ),
  );
}

describe('plain English', () => {
  it.each(refused)('does without %s: write %s', (phrase, but, left) => {
    const hits = found(phrase);
    expect({ but, hits: hits.length > left ? hits : [] }).toEqual({ but, hits: [] });
  });

  it.each(refused)('lists no more of %s than there are', (phrase, _but, left) => {
    expect(left).toBeLessThanOrEqual(found(phrase).length);
  });

  it('is looked for in all that is written', () => {
    expect(texts.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['README.md', 'docs/operations.md', 'docker-compose.yml', 'apps/cli/src/program.ts']),
    );
  });
});
