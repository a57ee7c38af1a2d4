import { anyText } from '@countersign/arbitraries';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { cliCommand, curlCommand, shellWord } from './commands.js';
import { serverQueryOf } from '../filters/server-query.js';
import { parseFilterText } from './filter-text.js';
import { trailSearchOf } from '../filters/trail-search.js';

describe('what is copied for a terminal', () => {
  it('asks for the same as the page, with absolute times', () => {
    const search = trailSearchOf({ client: 'storefront', q: 'two words', from: '-1h', columns: 'who' });
    const query = serverQueryOf(search, Date.parse('2026-11-26T12:00:00Z'));
    expect(query).toEqual({ client: 'storefront', q: 'two words', from: '2026-11-26T11:00:00.000Z' });
    expect(cliCommand(query)).toBe(
      "countersign audit search --client=storefront --text='two words' --from=2026-11-26T11:00:00.000Z",
    );
    expect(curlCommand('https://audit.test', { q: 'a b' })).toBe(
      `curl -sG https://audit.test/events \\\n  -H "Authorization: Bearer $TOKEN" \\\n  --data-urlencode 'q=a b'`,
    );
  });

  it('names the filter of an API key as the command line does', () => {
    const { search } = parseFilterText('api_key:01a2');
    expect(cliCommand(serverQueryOf(search, 0))).toBe('countersign audit search --api-key=01a2');
  });

  it('leaves out a time that cannot be read', () => {
    expect(serverQueryOf(trailSearchOf({ from: 'soon' }), 0)).toEqual({});
  });

  it.each([
    "'; rm -rf / #",
    '$(id)',
    '`id`',
    'a\nid',
    '\u001b[2J',
    '\u202e',
    '-x',
    "it's",
    'é 日本',
    '\\',
    '!x',
    "a\n'\\b",
  ])('is one word to a shell, and the same: %j', (text) => {
    expect(execFileSync('bash', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
  });

  it('never holds a character that a terminal obeys', () => {
    fc.assert(fc.property(anyText(), (text) => !/[\p{Cc}\p{Cf}]/u.test(shellWord(text))));
  });
});
