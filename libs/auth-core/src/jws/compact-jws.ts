import { parseJsonObject } from '../json-object.js';
import { algorithmOf, type KnownAlgorithm } from '../keys/algorithm.js';
import { TokenError } from '../token-error.js';
import { decodeBase64url } from './base64url.js';

/** Maximum bytes of a token. */
export const TOKEN_SIZE_LIMIT = 8 * 1024;

export interface ProtectedHeader {
  /** Undefined for an unsupported algorithm. */
  readonly algorithm: KnownAlgorithm | undefined;
  readonly alg: unknown;
  readonly kid: unknown;
  readonly typ: unknown;
  /** Extensions that must be understood (RFC 7515, section 4.1.11). */
  readonly crit: unknown;
  /** Whether `typ` says that it is an access token (RFC 9068, section 2.1). */
  readonly isAccessToken: boolean;
}

/** The positions of a token's segments. */
export interface Segments {
  readonly header: ProtectedHeader;
  /** Index of the first dot. */
  readonly headerEnd: number;
  /** Index of the second dot; everything before it is signed. */
  readonly payloadEnd: number;
}

export interface CompactJws {
  readonly header: ProtectedHeader;
  readonly signingInput: string;
  readonly payload: Buffer;
  readonly signature: Buffer;
}

const headers = new Map<string, ProtectedHeader>();
const HEADERS_KEPT = 256;
const HEADER_LENGTH_KEPT = 512;
const accessTokenType = /^(application\/)?at\+jwt$/i;

function readHeader(segment: string): ProtectedHeader {
  const { alg, kid, typ, crit } = parseJsonObject(decodeBase64url(segment));
  return {
    algorithm: algorithmOf(alg),
    alg,
    kid,
    typ,
    crit,
    isAccessToken: typeof typ === 'string' && accessTokenType.test(typ),
  };
}

/** Headers repeat from token to token, so each distinct one is parsed once; the cache is bounded. */
function headerOf(segment: string): ProtectedHeader {
  const known = headers.get(segment);
  if (known !== undefined) return known;
  const header = readHeader(segment);
  if (headers.size >= HEADERS_KEPT) headers.clear();
  if (segment.length <= HEADER_LENGTH_KEPT) headers.set(segment, header);
  return header;
}

/** @throws {TokenError} `TOKEN_MALFORMED` unless there is exactly one more dot after the header */
function payloadEndOf(token: string, headerEnd: number): number {
  const payloadEnd = token.indexOf('.', headerEnd + 1);
  if (headerEnd <= 0 || payloadEnd === -1 || token.includes('.', payloadEnd + 1)) {
    throw new TokenError('TOKEN_MALFORMED', 'not three segments');
  }
  return payloadEnd;
}

/**
 * Finds the segments of a JWS in compact serialisation (RFC 7515, section 3.1) and reads its header.
 * @throws {TokenError} `TOKEN_TOO_LARGE`, `TOKEN_MALFORMED`
 */
export function segmentsOf(token: string): Segments {
  if (token.length > TOKEN_SIZE_LIMIT) throw new TokenError('TOKEN_TOO_LARGE');
  const headerEnd = token.indexOf('.');
  const payloadEnd = payloadEndOf(token, headerEnd);
  return { header: headerOf(token.slice(0, headerEnd)), headerEnd, payloadEnd };
}

/**
 * Splits and decodes a JWS in compact serialisation, without verifying anything.
 * @throws {TokenError} `TOKEN_TOO_LARGE`, `TOKEN_MALFORMED`
 */
export function parseCompactJws(token: string): CompactJws {
  const { header, headerEnd, payloadEnd } = segmentsOf(token);
  return {
    header,
    signingInput: token.slice(0, payloadEnd),
    payload: decodeBase64url(token.slice(headerEnd + 1, payloadEnd)),
    signature: payloadEnd + 1 === token.length ? Buffer.alloc(0) : decodeBase64url(token.slice(payloadEnd + 1)),
  };
}
