import { isAscii } from 'node:buffer';
import { TokenError } from './token-error.js';

/** A JSON object whose members have not been checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A plain object: not an array, not null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/** Member names in valid JSON: the only colons outside strings follow them. */
export function namesWritten(json: Buffer): number {
  const { length } = json;
  let names = 0;
  for (let index = 0; index < length; index += 1) {
    const byte = json[index];
    if (byte === COLON) names += 1;
    else if (byte === QUOTE) {
      for (index += 1; index < length && json[index] !== QUOTE; index += 1) if (json[index] === BACKSLASH) index += 1;
    }
  }
  return names;
}

/** Members of a parsed value, nested ones included. */
export function namesHeld(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let names = Array.isArray(value) ? 0 : Object.keys(value).length;
  for (const member of Object.values(value)) if (typeof member === 'object') names += namesHeld(member);
  return names;
}

/**
 * A JSON object from bytes: valid UTF-8, one object, no repeated member name at any depth (RFC 7515, section 4; RFC 8725, section 2.4). A repeated
 * name, however it is escaped, occurs more often in the text than in the parsed value. Of an access token's claims usually only `act` is nested, so
 * its members are counted first, and all others only if the counts still differ.
 * @throws {TokenError} `TOKEN_MALFORMED`
 */
export function parseJsonObject(bytes: Buffer): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(isAscii(bytes) ? bytes.toString('latin1') : decoder.decode(bytes));
  } catch {
    throw new TokenError('TOKEN_MALFORMED', 'not JSON');
  }
  if (!isObject(value)) throw new TokenError('TOKEN_MALFORMED', 'not a JSON object');
  const written = namesWritten(bytes);
  if (written !== Object.keys(value).length + namesHeld(value['act']) && written !== namesHeld(value)) {
    throw new TokenError('TOKEN_MALFORMED', 'a member name is repeated');
  }
  return value;
}
