import { createHmac, randomInt, type KeyObject } from 'node:crypto';

/** No vowels, so that no word comes of them, and none that are easily taken for one another (RFC 8628, section 6.1). */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';
const LENGTH = 8;
const pattern = new RegExp(`^[${LETTERS}]{${String(LENGTH)}}$`);

/** A code of 34 bits that a person types: `WDJBMJHT`. */
export function newUserCode(random: (below: number) => number = (below) => randomInt(below)): string {
  return Array.from({ length: LENGTH }, () => LETTERS.charAt(random(LETTERS.length))).join('');
}

/** As people read it: `WDJB-MJHT`. */
export function shownUserCode(code: string): string {
  return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`;
}

/** What somebody typed as a code: case, spaces and dashes do not matter. @returns undefined for what cannot be one */
export function typedUserCode(text: string): string | undefined {
  if (text.length > 64) return undefined;
  const code = text.toUpperCase().replace(/[\s\p{Pd}._]/gu, '');
  return pattern.test(code) ? code : undefined;
}

/** What is kept of a user code. It is short, so only the key makes its digest worth nothing to somebody who has the table. */
export function digestOfUserCode(code: string, key: KeyObject | Buffer): string {
  return createHmac('sha256', key).update(`countersign user code\n${code}`).digest('base64url');
}
