import { TokenError } from '../token-error.js';

/** Bytes that a token may have at the most. */
export const TOKEN_SIZE_LIMIT = 8 * 1024;

export type JsonObject = Readonly<Record<string, unknown>>;

export interface ProtectedHeader {
  readonly alg: unknown;
  readonly kid: unknown;
  readonly typ: unknown;
  readonly crit: unknown;
}

export interface CompactJws {
  readonly header: ProtectedHeader;
  readonly signingInput: string;
  readonly payload: Buffer;
  readonly signature: Buffer;
}

const base64urlText = /^[A-Za-z0-9_-]+$/;

/** Strict base64url (RFC 7515, section 2): no padding, no white space, no stray bits behind the last byte. */
export function decodeBase64url(text: string): Buffer {
  if (!base64urlText.test(text)) throw new TokenError('TOKEN_MALFORMED', 'not base64url');
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) throw new TokenError('TOKEN_MALFORMED', 'non-canonical base64url');
  return bytes;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A JSON object from bytes: valid UTF-8, one object, no member name twice (RFC 7515, section 4; RFC 8725, section 2.4). */
export function parseJsonObject(bytes: Uint8Array): JsonObject {
  let text: string;
  let value: unknown;
  try {
    text = decoder.decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new TokenError('TOKEN_MALFORMED', 'not JSON');
  }
  if (!isObject(value)) throw new TokenError('TOKEN_MALFORMED', 'not a JSON object');
  if (hasRepeatedName(text)) throw new TokenError('TOKEN_MALFORMED', 'a member name is repeated');
  return value;
}

/** A plain object: no array, no null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether any object in valid JSON text names a member twice; one pass, names compared after unescaping. */
function hasRepeatedName(text: string): boolean {
  const open: (Set<string> | undefined)[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const start = index;
      for (index += 1; text[index] !== '"'; index += 1) if (text[index] === '\\') index += 1;
      const names = open.at(-1);
      let next = index + 1;
      while (/\s/.test(text.charAt(next))) next += 1;
      if (names === undefined || text[next] !== ':') continue;
      const name: unknown = JSON.parse(text.slice(start, index + 1));
      if (typeof name !== 'string' || names.has(name)) return true;
      names.add(name);
    }
  }
  return false;
}

const headers = new Map<string, ProtectedHeader>();
const HEADERS_KEPT = 256;

/** Headers repeat from token to token, so each distinct one is parsed once; the memory is bounded. */
function headerOf(segment: string): ProtectedHeader {
  const known = headers.get(segment);
  if (known !== undefined) return known;
  const { alg, kid, typ, crit } = parseJsonObject(decodeBase64url(segment));
  const header: ProtectedHeader = { alg, kid, typ, crit };
  if (headers.size >= HEADERS_KEPT) headers.clear();
  if (segment.length <= 512) headers.set(segment, header);
  return header;
}

/**
 * Splits and decodes a JWS in compact serialisation (RFC 7515, section 3.1); verifies nothing.
 * @throws {TokenError} `TOKEN_TOO_LARGE`, `TOKEN_MALFORMED`
 */
export function parseCompactJws(token: string): CompactJws {
  if (token.length > TOKEN_SIZE_LIMIT) throw new TokenError('TOKEN_TOO_LARGE');
  const first = token.indexOf('.');
  const last = token.lastIndexOf('.');
  if (first <= 0 || last === first || token.indexOf('.', first + 1) !== last) {
    throw new TokenError('TOKEN_MALFORMED', 'not three segments');
  }
  return {
    header: headerOf(token.slice(0, first)),
    signingInput: token.slice(0, last),
    payload: decodeBase64url(token.slice(first + 1, last)),
    signature: last + 1 === token.length ? Buffer.alloc(0) : decodeBase64url(token.slice(last + 1)),
  };
}
