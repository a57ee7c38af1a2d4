import { type JsonObject } from '../../json-object.js';
import { integerEnd, integerOf, stringEnd } from './plain-bytes.js';

/** The claims that make a principal, except `cnf`. */
const names = [
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'client_id',
  'scope',
  'txn',
  'act',
  'roles',
  'kind',
  'auth_time',
  'acr',
  'amr',
] as const;

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const LIST_LIMIT = 64;

const NONE = undefined;

export interface KnownName {
  /** Its place in `names`. */
  readonly ordinal: number;
  /** The bytes after its opening quote, including the colon. */
  readonly written: Uint8Array;
}

/** Slots of a table of names; a power of two. */
const SLOTS = 64;

/** Names by a hash of their first three characters. */
export interface NameTable {
  /** Factors for the second and the third character. */
  readonly factors: readonly [second: number, third: number];
  readonly slots: readonly (KnownName | undefined)[];
}

const slotOf = (first: number, second: number, third: number, bySecond: number, byThird: number): number =>
  (first ^ (second * bySecond) ^ (third * byThird)) & (SLOTS - 1);

function tableBy(factors: NameTable['factors'], all: readonly string[]): NameTable {
  const slots = new Array<KnownName | undefined>(SLOTS).fill(undefined);
  for (const [ordinal, name] of all.entries()) {
    const slot = slotOf(name.charCodeAt(0), name.charCodeAt(1), name.charCodeAt(2), ...factors);
    slots[slot] ??= { ordinal, written: Buffer.from(`${name}":`) };
  }
  return { factors, slots };
}

const held = ({ slots }: NameTable): number => slots.filter((name) => name !== undefined).length;

/** Finds factors that give each name its own slot. A name that collides with every factor is omitted: tokens with it are left to the full parser. */
export function nameTableOf(all: readonly string[]): NameTable {
  let best = tableBy([1, 1], all);
  for (let factor = 0; factor < SLOTS * SLOTS && held(best) < all.length; factor += 1) {
    const table = tableBy([1 + (factor % SLOTS), 1 + Math.floor(factor / SLOTS)], all);
    if (held(table) > held(best)) best = table;
  }
  return best;
}

const {
  factors: [BY_SECOND, BY_THIRD],
  slots,
} = nameTableOf(names);
const ACT = names.indexOf('act');
const ROLES = names.indexOf('roles');
const AMR = names.indexOf('amr');

/** A value of recent tokens: most have the same issuer, audience, client and scopes, so the value is compared instead of rebuilt. */
interface Repeated {
  text: string;
  /** With its closing quote. */
  written: Uint8Array;
  misses: number;
}
const repeated: readonly (Repeated | undefined)[] = names.map((name) =>
  ['iss', 'aud', 'client_id', 'scope', 'kind', 'acr'].includes(name)
    ? { text: '', written: Buffer.from('"'), misses: 0 }
    : undefined,
);
/** How many other values occur before the remembered one is replaced. */
const MISSES = 8;

/** Whether the string after the quote at `at` is the remembered one. */
function isRepeated(bytes: Buffer, at: number, { written }: Repeated): boolean {
  for (let index = 0; index < written.length; index += 1) if (bytes[at + 1 + index] !== written[index]) return false;
  return true;
}

function missed(known: Repeated, text: string): void {
  known.misses += 1;
  if (known.misses < MISSES) return;
  known.misses = 0;
  known.text = text;
  known.written = Buffer.from(`${text}"`);
}

/** `{"sub":"…"}`, the most common actor, which does not need the full parser. @returns where it ends, or -1 */
function actorEnd(bytes: Buffer, at: number): number {
  const isActor =
    bytes[at] === OPEN_BRACE &&
    bytes[at + 1] === QUOTE &&
    bytes[at + 2] === 0x73 &&
    bytes[at + 3] === 0x75 &&
    bytes[at + 4] === 0x62 &&
    bytes[at + 5] === QUOTE &&
    bytes[at + 6] === COLON &&
    bytes[at + 7] === QUOTE;
  const end = isActor ? stringEnd(bytes, at + 8) : -1;
  return end !== -1 && bytes[end + 1] === CLOSE_BRACE ? end + 2 : -1;
}

/**
 * Reads claims in the one form in which issuers write almost all tokens: a JSON object of known names, each once, without white space, escapes or
 * characters beyond ASCII, its values strings, integers, one actor, or a list of roles or methods. It takes a third of the time of its plain twin,
 * {@link parseJsonObject}, with the same result: `plain-claims.spec.ts` compares the two. A token that is read and verified for the first time takes
 * 3.5 % less processor time this way (ES256; RS256 4.2 %).
 * @param bytes the payload, followed by a zero byte
 * @param length where it ends
 * @param text the payload again, one character per byte
 * @returns undefined for any other payload, JSON or not: then {@link parseJsonObject} decides
 */
export function readPlainClaims(bytes: Buffer, length: number, text: string): JsonObject | undefined {
  // Written out, because an array literal has its size from the start and is the quickest to fill.
  // prettier-ignore
  const values: unknown[] = [NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE];
  let at = 0;
  let opening = OPEN_BRACE;
  while (bytes[at] === opening && bytes[at + 1] === QUOTE) {
    opening = COMMA;
    at += 2;
    const name = slots[slotOf(bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, BY_SECOND, BY_THIRD)];
    if (name === undefined || values[name.ordinal] !== NONE) return undefined;
    const { ordinal: found, written } = name;
    for (let index = 0; index < written.length; index += 1, at += 1) if (bytes[at] !== written[index]) return undefined;
    const first = bytes[at] ?? 0;
    if (first === QUOTE) {
      const known = repeated[found];
      if (known !== undefined && isRepeated(bytes, at, known)) {
        values[found] = known.text;
        at += known.written.length + 1;
        continue;
      }
      const end = stringEnd(bytes, at + 1);
      if (end === -1) return undefined;
      const value = text.slice(at + 1, end);
      if (known !== undefined) missed(known, value);
      values[found] = value;
      at = end + 1;
    } else if (found === ACT) {
      const end = actorEnd(bytes, at);
      if (end === -1) return undefined;
      values[found] = { sub: text.slice(at + 8, end - 2) };
      at = end;
    } else if (found === ROLES || found === AMR) {
      const list: string[] = [];
      for (let before = OPEN_BRACKET; bytes[at] === before && bytes[at + 1] === QUOTE; before = COMMA) {
        const end = stringEnd(bytes, at + 2);
        if (end === -1 || list.length >= LIST_LIMIT) return undefined;
        list.push(text.slice(at + 2, end));
        at = end + 1;
      }
      if (bytes[at] !== CLOSE_BRACKET || list.length === 0) return undefined;
      values[found] = list;
      at += 1;
    } else {
      const end = integerEnd(bytes, at);
      if (end === -1) return undefined;
      values[found] = integerOf(bytes, at, end);
      at = end;
    }
  }
  if (opening !== COMMA || bytes[at] !== CLOSE_BRACE || at + 1 !== length) return undefined;
  const [iss, sub, aud, exp, nbf, iat, jti, client_id, scope, txn, act, roles, kind, auth_time, acr, amr] = values;
  return { iss, sub, aud, exp, nbf, iat, jti, client_id, scope, txn, act, roles, kind, auth_time, acr, amr };
}
