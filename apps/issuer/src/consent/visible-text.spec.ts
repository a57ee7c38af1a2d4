import { anyText } from '@countersign/arbitraries';
import fc from 'fast-check';
import { isOdd, visibleParts } from './visible-text.js';

const shown = (text: string): string =>
  visibleParts(text)
    .map(({ text: part, odd }) => (odd === undefined ? part : `[${part}]`))
    .join('');

describe('text that somebody else chose', () => {
  it.each([
    'Planner',
    'Café Zürich',
    'Банк Москва',
    '東京 プランナー',
    'חשבון',
    'Ελληνική Τράπεζα',
    '한국은행',
    'ਪੰਜਾਬ',
    'A & B: 1, 2 (3)',
  ])('reads as it is: %s', (text) => {
    expect(shown(text)).toBe(text);
    expect(isOdd(text)).toBe(false);
  });

  it.each([
    ['a right-to-left override', 'Plan\u202eren', 'Plan[U+202E]ren'],
    ['an isolate', '\u2066x\u2069', '[U+2066]x[U+2069]'],
    ['a zero-width space', 'Pay\u200bments', 'Pay[U+200B]ments'],
    ['a soft hyphen', 'Pay\u00adments', 'Pay[U+00AD]ments'],
    ['a no-break space', 'Plan\u00a0ner', 'Plan[U+00A0]ner'],
    ['a line separator', 'Plan\u2028ner', 'Plan[U+2028]ner'],
    ['a Hangul filler', 'Plan\u3164ner', 'Plan[U+3164]ner'],
    ['a tag character', 'Plan\u{e0041}ner', 'Plan[U+E0041]ner'],
    ['a private character', 'Plan\ue000ner', 'Plan[U+E000]ner'],
    ['a control character', 'Plan\u0007ner', 'Plan[U+0007]ner'],
    ['half a surrogate pair', 'Plan\ud800ner', 'Plan[U+D800]ner'],
    ['a pile of marks', 'a\u0301\u0301\u0301\u0301', 'a\u0301\u0301[U+0301][U+0301]'],
    ['a mark on nothing', '\u0301a', '[U+0301]a'],
  ])('shows %s', (_, text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  it.each([
    ['a Cyrillic letter among Latin ones', 'P\u0430yments', 'P[\u0430 U+0430]yments'],
    ['a word of Cyrillic twins only', '\u0440\u0430\u0443', '[\u0440 U+0440][\u0430 U+0430][\u0443 U+0443]'],
    ['a Greek letter among Latin ones', 'B\u03bfoks', 'B[\u03bf U+03BF]oks'],
    ['wide letters', '\uff30lan', '[\uff30 U+FF30]lan'],
    ['letters of formulas', '\u{1d40f}lan', '[\u{1d40f} U+1D40F]lan'],
  ])('shows %s', (_, text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  it('is never shown with a character that a reader cannot see', () => {
    fc.assert(
      fc.property(anyText(40), (text) => {
        expect(shown(text)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u);
      }),
      { numRuns: 1_000 },
    );
  });
});
