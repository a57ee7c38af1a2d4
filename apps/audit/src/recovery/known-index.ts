import { createHmac, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto';
import { lastIndexOf, type Placement } from '@countersign/audit-client';

/** Injection token of {@link KnownIndexKeys}. */
export const KNOWN_INDEX_KEYS = Symbol('countersign.audit.known-index-keys');

/** Keys that only audit has, the one that is used first: a source proves by a code of it that audit sent it a log index. */
export type KnownIndexKeys = readonly [Buffer, ...Buffer[]];

const keyOf = (logKey: KeyObject): Buffer => {
  const secret = Buffer.from(logKey.export({ format: 'jwk' }).d ?? '', 'base64url');
  return Buffer.from(hkdfSync('sha256', secret, '', 'countersign.audit.known-index', 32));
};

/** From the log's own keys (HKDF, RFC 5869), so that they need no configuration. */
export function knownIndexKeysOf({
  LOG_KEY: key,
  LOG_KEY_PREVIOUS: previous,
}: {
  readonly LOG_KEY: KeyObject;
  readonly LOG_KEY_PREVIOUS?: KeyObject | undefined;
}): KnownIndexKeys {
  return [keyOf(key), ...(previous === undefined ? [] : [keyOf(previous)])];
}

const codeOf = (key: Buffer, source: string, index: string): Buffer =>
  createHmac('sha256', key)
    .update(JSON.stringify([source, index]))
    .digest();

/** What a source sends back to prove that audit sent it a log index: `INDEX.CODE`. */
export function knownIndex([key]: KnownIndexKeys, source: string, index: bigint): string {
  const text = index.toString();
  return `${text}.${codeOf(key, source, text).toString('base64url')}`;
}

/** @returns the log index that audit sent to a source; undefined for one that it never sent */
export function readKnownIndex(keys: KnownIndexKeys, source: string, known: string): bigint | undefined {
  const [, index, code] = /^([0-9]{1,18})\.([\w-]{43})$/.exec(known) ?? [];
  if (index === undefined || code === undefined) return undefined;
  const given = Buffer.from(code, 'base64url');
  return keys.some((key) => timingSafeEqual(codeOf(key, source, index), given)) ? BigInt(index) : undefined;
}

/** Places with what proves each to audit later. */
export function provable({ source, places }: Placement, keys: KnownIndexKeys): Placement {
  return {
    source,
    places: places.map((place) => {
      const index = lastIndexOf(place);
      return index === undefined ? place : { ...place, known: knownIndex(keys, source, index) };
    }),
  };
}
