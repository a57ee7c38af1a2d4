const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BASE = 62n;

/** A whole number in base 62, with digits in ASCII order, padded with zeros. */
export function toBase62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; rest > 0n; rest /= BASE) text = DIGITS.charAt(Number(rest % BASE)) + text;
  return text.padStart(length, '0');
}

/** @returns undefined for text with any other character */
export function fromBase62(text: string): bigint | undefined {
  let value = 0n;
  for (const character of text) {
    const digit = DIGITS.indexOf(character);
    if (digit === -1) return undefined;
    value = value * BASE + BigInt(digit);
  }
  return value;
}
