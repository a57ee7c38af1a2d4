/** Characters that a text may show before it is cut. */
export const SHOWN_LIMIT = 240;

/** What changes the look of its neighbours, hides, or cannot be seen: controls, bidirectional marks, zero widths, tags, lone surrogates. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Variation_Selector}]|[\u{115f}\u{1160}\u{3164}\u{ffa0}]/u;

/** A part of a text: as it is, or a character that cannot be seen with the symbol that stands for it. */
export type TextPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unseen'; readonly symbol: string; readonly name: string };

function symbolOf(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  // Unicode has a picture for each of the C0 controls and for DELETE.
  if (point < 0x20) return String.fromCodePoint(0x2400 + point);
  return point === 0x7f ? '\u{2421}' : `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Splits a text so that nothing in it is hidden or moves anything else. */
export function partsOf(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let plain = '';
  const flush = (): void => {
    if (plain !== '') parts.push({ kind: 'text', text: plain });
    plain = '';
  };
  for (const character of text) {
    if (!UNSEEN.test(character)) {
      plain += character;
      continue;
    }
    flush();
    const point = character.codePointAt(0) ?? 0;
    parts.push({
      kind: 'unseen',
      symbol: symbolOf(character),
      name: `U+${point.toString(16).toUpperCase().padStart(4, '0')}`,
    });
  }
  flush();
  return parts;
}

/** Cuts a text between characters, never inside one. @param limit Maximum number of code points */
export function cut(text: string, limit: number): { readonly shown: string; readonly left: number } {
  if (text.length <= limit) return { shown: text, left: 0 };
  const points = [...text];
  return { shown: points.slice(0, limit).join(''), left: Math.max(points.length - limit, 0) };
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{4}([0-9a-f]{8})/gi;

/** Leaves the end of each UUID, so that narrow places show what tells them apart: those made at the same time begin alike. */
export function withShortIds(text: string): string {
  return text.replace(UUID, '…$1');
}

/** A text on one line for places that take only plain text: titles, labels. */
export function plainText(text: string, limit = SHOWN_LIMIT): string {
  const { shown, left } = cut(text, limit);
  const plain = partsOf(shown).map((part) => (part.kind === 'text' ? part.text : part.symbol));
  return plain.join('') + (left > 0 ? '…' : '');
}
