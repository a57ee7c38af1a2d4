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
  [/\btold\b/gi, 'informed, configured; what the value is', 0],
  [
    /\b(?:looked at|a look (?:at|into)|(?:one|each|every) look)\b(?!-)/gi,
    'checked, read, examined; a check, a read',
    0,
  ],
  [/\b(?:what|how (?:it|they)) (?:stands?|stood)\b|\bstood\b/gi, 'what is there; its state', 0],
  [/\blies (?:beside|between|in|on|with)\b/gi, 'is', 0],
  [/\bbecame of\b/gi, 'the outcome of', 0],
  [/\bgoes on (?:for|with|without)\b/gi, 'continues', 0],
  [/\b(?:by|of|to|with) (?:[a-z’']+ ){1,3}alone[.,;:)]/g, 'only, by itself', 0],
  [/\b(?:audit|database|issuer|NATS|provider|server) (?:is|are|was|were) away\b/gi, 'is unavailable', 0],
  [/@returns nothing (?:for|when|where)\b/gi, 'undefined for, when', 0],
  [/^\s*(?:\/\*\*|\*) (?!What|How)[A-Z][^.:,]* at most\./gm, 'Maximum …', 0],
  [
    /\b(?:a further one|further ones|oftener|seldom|once more|from here on|in small letters)\b/gi,
    'another, more, more often, rarely, again, lower case',
    0,
  ],
  [/\bgood (?:assertions?|proofs?|signatures?|tokens?)\b/g, 'valid', 0],
  [/\b(?:given|gives|gave) back\b/gi, 'returned, reversed, released', 0],
  [/\bset (?:it |them )?off\b/gi, 'caused', 0],
  [/\b(?:[a-z]*[Ww]ish(?:es|ed)?|guardBorder|attendAt)\b/g, 'request, options; what the value is', 0],
  [/\b(?:look(?!Up|Alike)[A-Z]\w*|LOOK_\w+|[a-z]\w*Look|told[A-Z]\w*)\b|#looks?\b/g, 'check, read; reported', 0],
  [/#tell\w*|\.tell\(|\btellEvery\w*/g, 'report, flush', 0],
  [/\bby HTTPS?\b/g, 'over HTTP', 0],
  [
    /(?:µs|\bms|\bbytes|\bk?B|\bKiB|\bCPU) an? (?:call|code|event|node|payment|refresh|request|token|transfer)\b/g,
    'per call, per event',
    0,
  ],
  [/\b(?:for ever|for good|in vain|without a word)\b/gi, 'forever, permanently; for nothing; silently', 0],
  [/\bmakes? way\b|\b(?:kept|keeps?|keeping) back\b/gi, 'is evicted; withheld, delayed', 0],
  [/\btime is over\b|\bwho is over\b/gi, 'has expired, has ended', 0],
  [/\b(?:look-ups?|class(?:es)? of routes|half of a surrogate)\b/gi, 'lookup, route class, lone surrogate', 0],
  [/\bbrings? nothing\b|\bwhat it brought\b/gi, 'yields nothing; its tokens', 0],
  [/\bthe version before\b|\bas whom\b/gi, 'the previous version; the user, the client, the identity', 0],
  [/\bat start\b(?!s|ing)/gi, 'at startup', 0],
  [/\b(?:in portions|is not to be believed|are not to be believed)\b/gi, 'in batches; cannot be trusted', 0],
  [/\ban? [\w-]+(?: [\w-]+)? of (?:its|their|our|your|one’s) own\b/gi, 'its own key, a separate key', 2],
  [
    /\b(?:asked for that cannot|wanted to end|that there is not\b)/gi,
    'requested but refused, tried to, that does not exist',
    0,
  ],
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
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

const hitsOf = new Map<RegExp, readonly string[]>();
/** Where a phrase is, line by line. One search through the whole text rules out most files. */
function found(phrase: RegExp): readonly string[] {
  const known = hitsOf.get(phrase);
  if (known !== undefined) return known;
  const hits = texts
    .filter(({ text }) => text.search(phrase) !== -1)
    .flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, index) =>
          [...line.matchAll(phrase)].map((match) => `${path}:${String(index + 1)}: ${match[0]}`),
        ),
    );
  hitsOf.set(phrase, hits);
  return hits;
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
