import { createHash, randomBytes } from 'node:crypto';
import { fromBase62, toBase62 } from './base62.js';
import { crc32 } from './crc32.js';

/** The prefix of every key, by which scanners, log filters and the guard recognise one. */
export const API_KEY_PREFIX = 'csk_';

const ID_LENGTH = 22;
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;
const SECRET_BYTES = 32;

const shape = `csk_[a-z][a-z0-9]{1,11}_[0-9A-Za-z]{${String(ID_LENGTH)}}_[0-9A-Za-z]{${String(SECRET_LENGTH + CHECKSUM_LENGTH)}}`;
/** Finds keys within a text, as secret scanners do; {@link parseApiKey} then says whether the checksum is right. */
export const API_KEY_PATTERN = new RegExp(`(?<![0-9A-Za-z_])${shape}(?![0-9A-Za-z_])`, 'g');
const whole = new RegExp(`^${shape}$`);
/** Characters of the longest key. */
export const API_KEY_LENGTH_LIMIT = 4 + 12 + 1 + ID_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH;

/** An environment's name in a key: `live`, `test`. */
export const apiKeyEnvironmentPattern = /^[a-z][a-z0-9]{1,11}$/;

/** A well-formed key; only the issuer knows whether it exists. */
export interface ParsedApiKey {
  readonly environment: string;
  /** A UUIDv7, not secret; the trail identifies the key by it. */
  readonly id: string;
}

const uuidv7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** CRC-32 (ISO 3309, as in zlib) over everything before it, in base 62. */
function checksumOf(body: string): string {
  return toBase62(BigInt(crc32(body)), CHECKSUM_LENGTH);
}

function uuidOf(text: string): string | undefined {
  const hex = fromBase62(text)?.toString(16).padStart(32, '0') ?? '';
  const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return uuidv7.test(id) ? id : undefined;
}

/**
 * Creates a key: `csk_<environment>_<id>_<secret><checksum>`. Show it once, keep its digest.
 * @param environment 2 to 12 lower-case letters and digits, a letter first
 * @param id a UUIDv7
 * @param random returns that many random bytes
 * @throws {TypeError} for another environment or id
 */
export function makeApiKey(
  environment: string,
  id: string,
  random: (size: number) => Buffer = (size) => randomBytes(size),
): string {
  if (!apiKeyEnvironmentPattern.test(environment))
    throw new TypeError('environment must be 2 to 12 characters of a-z and 0-9');
  if (!uuidv7.test(id)) throw new TypeError('id must be a UUIDv7');
  const secret = toBase62(BigInt(`0x${random(SECRET_BYTES).toString('hex')}`), SECRET_LENGTH);
  const body = `${API_KEY_PREFIX}${environment}_${toBase62(BigInt(`0x${id.replaceAll('-', '')}`), ID_LENGTH)}_${secret}`;
  return body + checksumOf(body);
}

/**
 * Parses a key: a mistyped, truncated or made-up one costs no lookup.
 * @returns undefined if the text is malformed or its checksum is wrong
 */
export function parseApiKey(text: string): ParsedApiKey | undefined {
  if (text.length > API_KEY_LENGTH_LIMIT || !whole.test(text)) return undefined;
  if (checksumOf(text.slice(0, -CHECKSUM_LENGTH)) !== text.slice(-CHECKSUM_LENGTH)) return undefined;
  const [, environment = '', encoded = ''] = text.split('_');
  const id = uuidOf(encoded);
  return id === undefined ? undefined : { environment, id };
}

/**
 * SHA-256 of a whole key in base64url: the issuer stores a digest of it, and a found key can be reported by it without revealing the key. The secret
 * has 256 random bits, so the key cannot be recovered from it.
 */
export function apiKeyHash(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}

/** Whether a text claims to be a key, well formed or not. */
export function looksLikeApiKey(text: string): boolean {
  return text.startsWith(API_KEY_PREFIX);
}

/** The keys in a text that have the right checksum, each once. */
export function findApiKeys(text: string): readonly string[] {
  return [...new Set(text.match(API_KEY_PATTERN) ?? [])].filter((key) => parseApiKey(key) !== undefined);
}

/** A text in which every key is replaced by its public part: `csk_live_<id>_…`. */
export function withoutApiKeys(text: string): string {
  return text.replace(API_KEY_PATTERN, (key) => `${key.slice(0, key.lastIndexOf('_') + 1)}…`);
}
