/** A part of somebody else's text, as it may be shown. */
export interface VisiblePart {
  readonly text: string;
  /** Why it stands out: a character that is invisible or moves others, or one that looks like another. */
  readonly odd?: 'hidden' | 'look-alike';
}

/** Characters without a shape, or that move others: shown by their code points. */
const hidden = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/u;
/** A combining mark without a base, or in a stack of marks. */
const MARKS_LIMIT = 2;
const mark = /\p{M}/u;
const latin = /\p{Script=Latin}/u;
/** Scripts whose letters look like Latin ones. */
const similarScripts =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Lisu}\p{Script=Coptic}\p{Script=Georgian}]/u;
/** Letters that look like Latin ones. */
const twins = new Set(
  'асеорхуіјѕԁһԛԝӏґАВСЕНІЈКМОРЅТХУҮӀοναιкΑΒΕΖΗΙΚΜΝΟΡΤΥΧոօսհցᎪᏴᏟᎬᎻᎫᏦᏞᎷᎾᏢᏚᎢᏙᏃꓐꓚꓓꓰꓱꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓢꓔꓵꓦꓪꓫꓬꓜ',
);

const codeOf = (sign: string): string => {
  const code = (sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `U+${code}`;
};

/** In a word in which every letter of another script has a Latin twin, or which mixes scripts with Latin, each such letter counts. */
function lookAlikesOf(word: readonly string[]): ReadonlySet<string> {
  const similar = word.filter((sign) => similarScripts.test(sign));
  const mixes = word.some((sign) => latin.test(sign));
  const disguised = similar.length > 0 && (mixes || similar.every((sign) => twins.has(sign)));
  const restyled = word.filter(
    (sign) => !hidden.test(sign) && /^[\x21-\x7e]+$/.test(sign.normalize('NFKC')) && !/^[\x21-\x7e]$/.test(sign),
  );
  return new Set([...(disguised ? similar : []), ...restyled]);
}

function partsOfWord(word: readonly string[]): readonly VisiblePart[] {
  const odd = lookAlikesOf(word);
  let marks = 0;
  return word.map((sign, index) => {
    marks = mark.test(sign) ? marks + 1 : 0;
    if (hidden.test(sign) || marks > MARKS_LIMIT || (marks > 0 && index === marks - 1)) {
      return { text: codeOf(sign), odd: 'hidden' };
    }
    return odd.has(sign) ? { text: `${sign} ${codeOf(sign)}`, odd: 'look-alike' } : { text: sign };
  });
}

/**
 * Third-party text, shown so that a reader sees all of it: invisible characters, those that change the direction of what follows, odd
 * spaces, stacks of marks, and letters that look Latin are shown by their code points. Text in one script is unchanged.
 */
export function visibleParts(text: string): readonly VisiblePart[] {
  const words = text.split(/( +)/).filter((word) => word !== '');
  const parts = words.flatMap((word) => partsOfWord([...word]));
  return parts.reduce<VisiblePart[]>((joined, part) => {
    const last = joined.at(-1);
    if (last?.odd === undefined && part.odd === undefined && last !== undefined) {
      joined[joined.length - 1] = { text: last.text + part.text };
    } else joined.push(part);
    return joined;
  }, []);
}

/** Whether something in a text stands out. */
export function isOdd(text: string): boolean {
  return visibleParts(text).some(({ odd }) => odd !== undefined);
}
