import { readFileSync } from 'node:fs';
import * as limits from './limits.js';
import { refusals } from './transfers/refusal.js';

const page = readFileSync(new URL('../../../docs/ledger.md', import.meta.url), 'utf8');
const rowsOf = (pattern: RegExp): readonly (readonly string[])[] =>
  [...page.matchAll(pattern)].map(([, ...cells]) => cells.map((cell) => cell.trim()));

describe("the ledger's page", () => {
  it('names every limit with the value that the code enforces', () => {
    const documented = rowsOf(/^\| `([A-Z_]+)` +\| ([0-9]+) +\|/gm);
    expect(documented.toSorted()).toEqual(
      Object.entries(limits)
        .map(([name, value]) => [name, String(value)])
        .toSorted(),
    );
  });

  it('names every code with the sentence that a caller reads', () => {
    const documented = rowsOf(/^\| `([A-Z_]+)` +\| ([^|0-9][^|]*)\|$/gm);
    expect(documented.toSorted()).toEqual(
      Object.entries(refusals)
        .map(([code, detail]) => [code, detail])
        .toSorted(),
    );
  });
});
