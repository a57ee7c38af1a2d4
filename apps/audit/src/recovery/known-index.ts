import { createHmac, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto';
import { lastIndexOf, type Place, type Placement } from '@countersign/audit-client';

/** Injection token of {@link KnownIndexKeys}. */
export const KNOWN_INDEX_KEYS = Symbol('countersign.audit.known-index-keys');

/** Keys that only audit has, the current one first: with a code made from it a source proves that audit sent it a log index. */
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

/** The log indices of consecutive events of a source: the numbers of the first and last event, and the log index of the last. */
export interface KnownPlace {
  readonly first: bigint;
  readonly last: bigint;
  readonly index: bigint;
}

const codeOf = (key: Buffer, source: string, place: string): Buffer =>
  createHmac('sha256', key)
    .update(JSON.stringify([source, place]))
    .digest();

/** What a source returns to prove that audit sent it a log index: `INDEX.FIRST.LAST.CODE`. */
export function knownPlace([key]: KnownIndexKeys, source: string, { first, last, index }: KnownPlace): string {
  const text = [index, first, last].join('.');
  return `${text}.${codeOf(key, source, text).toString('base64url')}`;
}

/** @returns the log index that audit sent to a source; undefined if audit never sent it */
export function readKnownPlace(keys: KnownIndexKeys, source: string, known: string): KnownPlace | undefined {
  const [, text, index, first, last, code] =
    /^(([0-9]{1,18})\.([0-9]{1,18})\.([0-9]{1,18}))\.([\w-]{43})$/.exec(known) ?? [];
  if (text === undefined || index === undefined || first === undefined || last === undefined || code === undefined)
    return undefined;
  const given = Buffer.from(code, 'base64url');
  if (!keys.some((key) => timingSafeEqual(codeOf(key, source, text), given))) return undefined;
  return { index: BigInt(index), first: BigInt(first), last: BigInt(last) };
}

/** Whether a range of log indices has the event with this number at this index. */
export function isWithinPlace({ first, last, index }: KnownPlace, sequence: bigint, at: bigint): boolean {
  return sequence >= first && sequence <= last && index - at === last - sequence;
}

/** Log indices, each with its later proof for audit. */
export function provable({ source, places }: Placement, keys: KnownIndexKeys): Placement {
  return {
    source,
    places: places.map((place) => {
      const known = knownOf(place);
      return known === undefined ? place : { ...place, known: knownPlace(keys, source, known) };
    }),
  };
}

function knownOf(place: Place): KnownPlace | undefined {
  const index = lastIndexOf(place);
  return index === undefined ? undefined : { index, first: BigInt(place.first), last: BigInt(place.last) };
}
