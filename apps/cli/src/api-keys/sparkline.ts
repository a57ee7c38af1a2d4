const MARKS = '▁▂▃▄▅▆▇█';

/** Numbers as a line of small bars, the highest for the largest; a low one for any other than 0, a blank for 0. */
export function sparkline(counts: readonly number[]): string {
  const largest = Math.max(...counts, 0);
  return counts
    .map((count) => (count === 0 ? ' ' : MARKS.charAt(Math.ceil((count / largest) * MARKS.length) - 1)))
    .join('');
}
