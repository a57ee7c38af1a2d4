const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const SPACE = 0x20;
const ASCII_LIMIT = 0x80;
/** Digits that an integer can have without losing precision. */
const DIGITS_LIMIT = 15;

/** 1 for a byte that represents itself in a string: ASCII, except quote, backslash and control characters. */
const plain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= SPACE && byte < ASCII_LIMIT && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);

/** The end of the string that starts at `start`, after its quote; -1 if it has escapes, control characters or non-ASCII characters. */
export function stringEnd(bytes: Buffer, start: number): number {
  let at = start;
  while (plain[bytes[at] ?? 0] === 1) at += 1;
  return bytes[at] === QUOTE ? at : -1;
}

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= ZERO + 9;

/** The end of the positive integer at `start`; -1 if there is none, or it has too many digits. */
export function integerEnd(bytes: Buffer, start: number): number {
  let at = start;
  while (isDigit(bytes[at] ?? 0)) at += 1;
  return bytes[start] === ZERO || at === start || at - start > DIGITS_LIMIT ? -1 : at;
}

/** The integer that {@link integerEnd} found. */
export function integerOf(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + (bytes[at] ?? 0) - ZERO;
  return value;
}
