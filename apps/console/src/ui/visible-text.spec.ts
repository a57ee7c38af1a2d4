import { anyText } from '@countersign/arbitraries';
import fc from 'fast-check';
import { cut, partsOf, plainText, withShortIds } from './visible-text.js';

const shown = (text: string): string =>
  partsOf(text)
    .map((part) => (part.kind === 'text' ? part.text : `[${part.symbol}]`))
    .join('');

describe('a text that came from outside', () => {
  it('keeps of a UUID in a narrow place what tells it from those made at the same time', () => {
    expect(withShortIds('person:01984cb1-8692-7a6c-8ff6-31de92341821')).toBe('person:…92341821');
    expect(withShortIds('payment/01984cb1-8692-7a6c-8ff6')).toBe('payment/01984cb1-8692-7a6c-8ff6');
  });

  it('is shown as it is when all of it can be seen, in any script', () => {
    for (const text of ['storefront', 'Łukasz Żółć', 'محمد بن سلمان', '日本語', '<b>&amp;</b>', 'a  b'])
      expect(partsOf(text)).toEqual([{ kind: 'text', text }]);
  });

  it('shows what turns text around, hides it or cannot be seen as symbols', () => {
    expect(shown('pay\u{202e}moc.live')).toBe('pay[U+202E]moc.live');
    expect(shown('a\u{0}b\nc\u{7f}')).toBe('a[␀]b[␊]c[␡]');
    expect(shown('adm\u{200b}in\u{e0041}')).toBe('adm[U+200B]in[U+E0041]');
    expect(shown('x\u{2067}y\u{2069}')).toBe('x[U+2067]y[U+2069]');
    expect(shown('half \u{d800} pair')).toBe('half [U+D800] pair');
  });

  it('never contains a control character, a bidirectional mark or a lone surrogate after that, whatever came', () => {
    fc.assert(fc.property(anyText(), (text) => !/[\p{Cc}\p{Cf}\p{Cs}]/u.test(plainText(text, 10_000))));
  });

  it('is cut between characters, and says how many are left', () => {
    expect(cut('a'.repeat(10_000), 240)).toEqual({ shown: 'a'.repeat(240), left: 9_760 });
    expect(cut('😀😀😀', 2)).toEqual({ shown: '😀😀', left: 1 });
    expect(cut('short', 240)).toEqual({ shown: 'short', left: 0 });
  });

  it('loses nothing: the parts that can be seen and the names of the others make up the whole', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const back = partsOf(text).map((part) =>
          part.kind === 'text' ? part.text : String.fromCodePoint(parseInt(part.name.slice(2), 16)),
        );
        expect(back.join('')).toBe(text);
      }),
    );
  });
});
